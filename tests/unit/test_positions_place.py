"""A promotion changes the scalars of its position, and not one byte beside them."""

import pytest

from bot.errors import PermanentError
from bot.positions import place, read_images
from bot.releases import Image
from config.diagnostics import ConfigurationFault
from config.position import ChartVersion, HelmValues, KustomizeImages, OciRef, Position, Setter, YamlPath

OLD = "sha256:" + "0" * 64
NEW = "sha256:" + "a1" * 32
IMAGE = Image(name="registry.example/demo/shop", digest=NEW, tag="1.10.0")

KUSTOMIZE = KustomizeImages(kind="kustomize_images", file="k.yaml", image="shop")
NAMED = KustomizeImages(kind="kustomize_images", file="k.yaml", image="registry.example/demo/shop")
HELM = HelmValues(kind="helm_values", file="h.yaml", path="spec.values.image.tag")
HELM_BLOCK = HelmValues(kind="helm_values", file="h.yaml", path="spec.values.image")
CHART = ChartVersion(kind="chart_version", file="h.yaml")
OCI = OciRef(kind="oci_ref", file="o.yaml")
MARKED = Setter(kind="setter", file="s.yaml", marker="flux-system:shop")
MARKED_TAG = Setter(kind="setter", file="s.yaml", marker="flux-system:shop:tag")
CONTAINER = YamlPath(kind="yaml_path", file="d.yaml", path="spec.containers[name=app].image")
SECOND = YamlPath(kind="yaml_path", file="d.yaml", path="images[1]", part="tag")

CASES: dict[str, tuple[Position, str, str]] = {
    "newTag, with comments, quotes and a neighbour kept": (
        KUSTOMIZE,
        "# top\nimages:\n- name: other\n  newTag: 1.0.0\n- name: shop # ours\n"
        "  newName: registry.example/demo/shop\n  newTag: '1.9.0'   # keep me\n",
        "# top\nimages:\n- name: other\n  newTag: 1.0.0\n- name: shop # ours\n"
        "  newName: registry.example/demo/shop\n  newTag: '1.10.0'   # keep me\n",
    ),
    "newTag and digest together": (
        NAMED,
        f'images:\n  - {{name: "registry.example/demo/shop", newTag: "1.9.0", digest: {OLD}}}\n',
        f'images:\n  - {{name: "registry.example/demo/shop", newTag: "1.10.0", digest: {NEW}}}\n',
    ),
    "digest alone": (
        NAMED,
        f"images:\n- digest: {OLD}\n  name: registry.example/demo/shop\n",
        f"images:\n- digest: {NEW}\n  name: registry.example/demo/shop\n",
    ),
    "newName follows the environment's registry": (
        KUSTOMIZE,
        "images: [{name: shop, newName: old.example/shop, newTag: 1.9.0}]",
        "images: [{name: shop, newName: registry.example/demo/shop, newTag: 1.10.0}]",
    ),
    "carriage returns and a missing last line end": (
        NAMED,
        "images:\r\n- name: registry.example/demo/shop\r\n  newTag: 1.9.0 # x\r\nresources: [a]",
        "images:\r\n- name: registry.example/demo/shop\r\n  newTag: 1.10.0 # x\r\nresources: [a]",
    ),
    "anchor and tag before the value": (
        NAMED,
        "images:\n- name: registry.example/demo/shop\n  newTag: &v !!str 1.9.0\nlabels: {version: *v}\n",
        "images:\n- name: registry.example/demo/shop\n  newTag: &v !!str 1.10.0\nlabels: {version: *v}\n",
    ),
    "byte order mark": (
        NAMED,
        "\ufeffimages:\n- name: registry.example/demo/shop\n  newTag: 1.9.0\n",
        "\ufeffimages:\n- name: registry.example/demo/shop\n  newTag: 1.10.0\n",
    ),
    "helm tag in the second document, with digest and repository beside it": (
        HELM,
        "kind: Secret\n---\nkind: HelmRelease\nspec:\n  values:\n    image:\n"
        f'      repository: old.example/shop\n      tag: "1.9.0"\n      digest: "{OLD}"\n    replicas: 2\n---\n# end\n',
        "kind: Secret\n---\nkind: HelmRelease\nspec:\n  values:\n    image:\n"
        f'      repository: registry.example/demo/shop\n      tag: "1.10.0"\n      digest: "{NEW}"\n'
        "    replicas: 2\n---\n# end\n",
    ),
    "helm block with registry and repository apart, an open digest left open": (
        HELM_BLOCK,
        'spec:\n  values:\n    image: {registry: old.example, repository: x/y, tag: 1.9.0, digest: ""}\n',
        'spec:\n  values:\n    image: {registry: registry.example, repository: demo/shop, tag: 1.10.0, digest: ""}\n',
    ),
    "helm value that holds the whole reference": (
        HELM_BLOCK,
        "spec: {values: {image: old.example/shop:1.9.0}}\n",
        "spec: {values: {image: registry.example/demo/shop:1.10.0}}\n",
    ),
    "chart version": (
        CHART,
        "spec:\n  chart:\n    spec:\n      chart: shop\n      version: 1.9.0 # exact\n",
        "spec:\n  chart:\n    spec:\n      chart: shop\n      version: 1.10.0 # exact\n",
    ),
    "OCIRepository tag, digest and url": (
        OCI,
        f"kind: OCIRepository\nspec:\n  url: oci://old.example/shop\n  ref:\n    tag: 1.9.0\n    digest: {OLD}\n",
        f"kind: OCIRepository\nspec:\n  url: oci://registry.example/demo/shop\n  ref:\n    tag: 1.10.0\n"
        f"    digest: {NEW}\n",
    ),
    "setter line of ours, whole reference": (
        MARKED,
        'spec:\n  containers:\n  - image: old.example/shop:1.9.0 # {"$sluice": "flux-system:shop"}\n    name: app\n',
        "spec:\n  containers:\n  - image: registry.example/demo/shop:1.10.0 "
        '# {"$sluice": "flux-system:shop"}\n    name: app\n',
    ),
    "setter lines by part, every one of them": (
        MARKED,
        'a:\n  name: old.example/shop # {"$sluice": "flux-system:shop:name"}\n'
        '  tag: 1.9.0 # {"$sluice": "flux-system:shop:tag"}\nb:\n- 1.9.0 # {"$sluice": "flux-system:shop:tag"}\n'
        'c: 1.9.0 # {"$sluice": "flux-system:other:tag"}\n',
        'a:\n  name: registry.example/demo/shop # {"$sluice": "flux-system:shop:name"}\n'
        '  tag: 1.10.0 # {"$sluice": "flux-system:shop:tag"}\nb:\n- 1.10.0 # {"$sluice": "flux-system:shop:tag"}\n'
        'c: 1.9.0 # {"$sluice": "flux-system:other:tag"}\n',
    ),
    "setter of one part only": (
        MARKED_TAG,
        'tag: "1.9.0" # {"$sluice": "flux-system:shop:tag"}\nall: x/y:1.9.0 # {"$sluice": "flux-system:shop"}\n',
        'tag: "1.10.0" # {"$sluice": "flux-system:shop:tag"}\nall: x/y:1.9.0 # {"$sluice": "flux-system:shop"}\n',
    ),
    "whole reference keeps its form: tag and digest": (
        CONTAINER,
        f"spec:\n  containers:\n  - name: app\n    image: old.example:5000/shop:1.9.0@{OLD}\n",
        f"spec:\n  containers:\n  - name: app\n    image: registry.example/demo/shop:1.10.0@{NEW}\n",
    ),
    "whole reference keeps its form: digest": (
        CONTAINER,
        f"spec:\n  containers:\n  - {{name: x, image: y}}\n  - {{name: app, image: 'old.example:5000/shop@{OLD}'}}\n",
        f"spec:\n  containers:\n  - {{name: x, image: y}}\n  - {{name: app, image: '{IMAGE}'}}\n",
    ),
    "item by index": (SECOND, "images: [1.8.0, 1.9.0]", "images: [1.8.0, 1.10.0]"),
}


@pytest.mark.parametrize("case", CASES)
def test_only_the_scalar_changes(case: str) -> None:
    position, before, after = CASES[case]

    assert place(before, position, IMAGE) == after
    assert place(after, position, IMAGE) == after


@pytest.mark.parametrize("case", CASES)
def test_what_was_placed_is_read_back(case: str) -> None:
    position, _, after = CASES[case]

    for found in read_images(after, position):
        assert found.name in ("", IMAGE.name)
        assert found.tag in ("", IMAGE.tag)
        assert found.digest in ("", IMAGE.digest)
        assert found.tag or found.digest


@pytest.mark.parametrize("tag", ["1.10", "123", "1e3", "12345e7", "0x1f", "0123", "2026-11-01", "on", "null", "1_0"])
def test_tag_that_plain_yaml_would_misread_is_quoted(tag: str) -> None:
    text = "images:\n- name: registry.example/demo/shop\n  newTag: v1\n"

    placed = place(text, NAMED, Image(name=IMAGE.name, digest=NEW, tag=tag))

    assert placed == text.replace("v1", f'"{tag}"')
    assert read_images(placed, NAMED)[0].tag == tag


FAULTS: dict[str, tuple[Position, str, int, str]] = {
    "no entry of that name": (KUSTOMIZE, "a: b\nimages:\n- name: other\n  newTag: 1\n", 3, "0 entries named shop"),
    "two entries of that name": (
        KUSTOMIZE, "images:\n- {name: shop, newTag: v1}\n- {name: shop, newTag: v2}\n", 3, "2 entries",
    ),
    "no images at all": (KUSTOMIZE, "resources: []\n", 0, "0 entries"),
    "nothing to promote": (KUSTOMIZE, "images:\n- name: shop\n  newName: x\n", 2, "neither newTag nor digest"),
    "a tag suffix": (KUSTOMIZE, "images:\n- name: shop\n  newTag: v1\n  tagSuffix: -x\n", 4, "tagSuffix"),
    "an entry that cannot name the registry": (KUSTOMIZE, "images:\n- name: shop\n  newTag: v1\n", 3, "no newName"),
    "an alias": (NAMED, f"v: &v v1\nimages:\n- {{name: {IMAGE.name}, newTag: *v}}\n", 3, "an alias"),
    "a block text": (NAMED, f"images:\n- name: {IMAGE.name}\n  newTag: |\n    v1\n", 3, "a block text"),
    "an empty value": (NAMED, f"images:\n- name: {IMAGE.name}\n  newTag:\n", 4, "nothing stands"),
    "an anchor without a value": (NAMED, f"images:\n- name: {IMAGE.name}\n  newTag: &v\n", 3, "nothing stands"),
    "no such path": (HELM, "kind: HelmRelease\nspec: {}\n", 1, "is not there"),
    "a path in two documents": (CHART, "spec: {chart: {spec: {version: 1.0.0}}}\n---\n" * 2, 3, "several documents"),
    "a mapping at the path": (CONTAINER, "spec: {containers: [{name: app, image: {a: b}}]}\n", 1, "no single value"),
    "no marker": (MARKED, "a: 1\n", 0, "no line is marked"),
    "a marker in a quoted text": (MARKED, "a: '# {\"$sluice\": \"flux-system:shop\"}'\n", 0, "no line is marked"),
    "an unknown part": (MARKED, 'a: 1 # {"$sluice": "flux-system:shop:arch"}\n', 1, "arch is no part"),
    "no OCIRepository": (OCI, "kind: GitRepository\nspec: {ref: {tag: x}}\n", 0, "is not there"),
    "neither tag nor digest": (OCI, "kind: OCIRepository\nspec: {ref: {semver: '*'}}\n", 2, "neither tag nor digest"),
    "unreadable YAML": (OCI, "a: [\n", 2, "not readable YAML"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_position_that_cannot_be_edited_is_told_with_its_line(case: str) -> None:
    position, text, line, what = FAULTS[case]

    with pytest.raises(ConfigurationFault, match=what) as caught:
        place(text, position, IMAGE)

    assert [(found.file, found.line) for found in caught.value.diagnostics] == [(position.file, line)]


@pytest.mark.parametrize(
    "image",
    [
        Image(name=IMAGE.name, digest=NEW, tag="1.0 # x"),
        Image(name=IMAGE.name, digest=NEW, tag='1"\nevil: true'),
        Image(name=IMAGE.name, digest="latest", tag="1.0"),
        Image(name="registry.example/demo/shop\n", digest=NEW, tag="1.0"),
        Image(name="", digest=NEW, tag="1.0"),
    ],
)
def test_impossible_image_is_never_written(image: Image) -> None:
    with pytest.raises(PermanentError, match="nothing was written"):
        place("images:\n- name: shop\n  newName: a/b\n  newTag: v1\n", KUSTOMIZE, image)


def test_release_without_a_tag_needs_a_digest_position() -> None:
    untagged = Image(name=IMAGE.name, digest=NEW)

    with pytest.raises(ConfigurationFault, match="has no tag to write here"):
        place(f"images:\n- name: {IMAGE.name}\n  newTag: v1\n", NAMED, untagged)


def test_object_chooses_among_documents() -> None:
    text = "".join(f"kind: HelmRelease\nmetadata: {{name: {n}}}\nspec: {{v: x:1}}\n---\n" for n in ("a", "b"))
    position = YamlPath(kind="yaml_path", file="f.yaml", path="spec.v", object="HelmRelease/b")

    placed = place(text, position, IMAGE)

    assert placed == text.replace("x:1", f"{IMAGE.name}:1.10.0").replace(f"{IMAGE.name}:1.10.0", "x:1", 1)
    assert read_images(placed, position)[0].line == 7
