"""Whoever else would write a merge request's field is named with file and line."""

import pytest

from bot.positions import find_writers
from config.position import ChartVersion, KustomizeImages, OciRef, Position, Setter

KUSTOMIZE = KustomizeImages(kind="kustomize_images", file="f.yaml", image="shop")
SETTER = Setter(kind="setter", file="f.yaml", marker="ns:shop")
CHART = ChartVersion(kind="chart_version", file="f.yaml")
OCI = OciRef(kind="oci_ref", file="f.yaml")
ACTIVE = '# {"$imagepolicy": "ns:shop:tag"}'
PINNED = '# {"$sluice-pinned": "ns:shop:tag"}'
OURS = '# {"$sluice": "ns:shop:tag"}'


def chart(version: str) -> str:
    return f"kind: HelmRelease\nspec:\n  chart:\n    spec:\n      version: {version}\n"


def kustomization(comment: str, other: str = "") -> str:
    return f"images:\n- name: other\n  newTag: v1 {other}\n- name: shop\n  newTag: v1 {comment}\n"


@pytest.mark.parametrize(
    ("position", "text", "found"),
    [
        (KUSTOMIZE, kustomization(ACTIVE), [(5, "two-writers")]),
        (KUSTOMIZE, kustomization(OURS), []),
        (KUSTOMIZE, kustomization(PINNED), [(5, "pinned-marker")]),
        (KUSTOMIZE, kustomization("# plain"), []),
        (KUSTOMIZE, kustomization("", other=ACTIVE), []),
        (SETTER, f"a:\n  tag: v1 {ACTIVE}\n", [(2, "two-writers")]),
        (SETTER, f"a:\n  tag: v1 {OURS}\n", []),
        (CHART, chart("1.2.3"), []),
        (CHART, chart("v1.2.3-rc.1+build"), []),
        (CHART, chart("1.x"), [(5, "version-range")]),
        (CHART, chart('">=1.0.0 <2"'), [(5, "version-range")]),
        (CHART, chart('"*"'), [(5, "version-range")]),
        (CHART, chart("~1.2.3"), [(5, "version-range")]),
        (OCI, "kind: OCIRepository\nspec:\n  ref: {tag: 1.0.0}\n", []),
        (OCI, "kind: OCIRepository\nspec:\n  ref:\n    semver: 1.x\n", [(4, "version-range")]),
        (OCI, f"kind: OCIRepository\nspec:\n  ref:\n    tag: v1 {ACTIVE}\n", [(4, "two-writers")]),
    ],
)
def test_second_writer_is_found(position: Position, text: str, found: list[tuple[int, str]]) -> None:
    assert [(writer.line, writer.code) for writer in find_writers(text, position)] == found
