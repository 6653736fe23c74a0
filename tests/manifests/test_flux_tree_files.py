"""Every file of `flux/` parses, builds and is used, and no secret stands there in clear."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flux_building import build, documents, kustomization
from flux_tree import CLUSTERS, FLUX, kustomization_folders, layers, secret_files, yaml_files

from bot.sandbox.documents import Document

OVERLAYS = [folder for folder in kustomization_folders() if kustomization(folder)["kind"] == "Kustomization"]
ALTERNATIVES = {FLUX / "image-automation" / "multi-registry" / name for name in ("staging", "production")}
"""Built and tested, but applied only where somebody chooses them (flux/README.md)."""


def test_every_yaml_file_parses() -> None:
    found = [document for file in yaml_files() for document in documents(file)]

    assert len(found) > len(CLUSTERS)


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.relative_to(FLUX).as_posix())
def test_every_overlay_builds(folder: Path) -> None:
    objects = build(folder)

    assert all(one["apiVersion"] and one["kind"] and one["metadata"]["name"] for one in objects)


def test_every_file_belongs_to_the_kustomization_beside_it() -> None:
    named = {file for folder in kustomization_folders() for file in named_files(folder)}
    stray = [file for file in content_files() if file not in named]

    assert stray == [], "add them to the kustomization.yaml beside them, or delete them"


def test_every_folder_is_applied_in_some_cluster() -> None:
    roots = {layer.folder for cluster in CLUSTERS for layer in layers(cluster)} | ALTERNATIVES
    used = {folder for root in roots for folder in reached(root)}

    assert set(kustomization_folders()) - used == set()


def test_secrets_stand_in_sops_files_alone() -> None:
    holding = {file for file in yaml_files() for one in documents(file) if is_secret(one)}

    assert holding == set(secret_files())


def test_no_secret_stands_in_clear() -> None:
    clear = [
        f"{file.relative_to(FLUX)}: {key}"
        for file in secret_files()
        for document in documents(file)
        for key, value in {**document.get("data", {}), **document.get("stringData", {})}.items()
        if not str(value).startswith("ENC[")
    ]

    assert clear == [], "encrypt them: sops encrypt --in-place FILE"


def test_whatever_applies_a_sops_file_decrypts_it() -> None:
    applying = [
        layer
        for cluster in CLUSTERS
        for layer in layers(cluster)
        if any(file.name.endswith(".sops.yaml") for folder in reached(layer.folder) for file in named_files(folder))
    ]

    assert {layer.name for layer in applying} == {"secrets", "demo-service", "sluice"}
    assert all(layer.spec["decryption"]["secretRef"]["name"] == "sops-age" for layer in applying)


def test_the_readme_says_which_keys_every_secret_holds() -> None:
    readme = (FLUX / "README.md").read_text("utf-8")
    keys = {key for file in secret_files() for found in documents(file) for key in found["stringData"]}
    patterns = {"flux-": "flux-<cluster>", "flagger-": "flagger-<cluster>", "kubeconfig-": "kubeconfig-<cluster>"}
    written = {next((patterns[start] for start in patterns if key.startswith(start)), key) for key in keys}

    assert [key for key in sorted(written) if f"`{key}`" not in readme] == []


def is_secret(document: Document | list[Document]) -> bool:
    return isinstance(document, dict) and document.get("kind") == "Secret"


def content_files() -> Iterator[Path]:
    for file in sorted(FLUX.rglob("*")):
        inside = file.relative_to(FLUX)
        if file.is_file() and inside.parts[0] != ".sluice" and file.name not in SELF_STANDING:
            yield file


SELF_STANDING = frozenset(
    {"kustomization.yaml", "README.md", ".sourceignore", ".gitignore", ".sops.yaml", "demo.agekey"}
)


def named_files(folder: Path) -> Iterator[Path]:
    overlay = kustomization(folder)
    for entry in overlay.get("resources", []):
        yield (folder / entry).resolve()
    for patch in overlay.get("patches", []):
        if "path" in patch:
            yield (folder / patch["path"]).resolve()
    for generator in overlay.get("configMapGenerator", []):
        for entry in generator.get("files", []):
            yield (folder / entry.rpartition("=")[2]).resolve()


def reached(folder: Path) -> set[Path]:
    """A folder and all that it builds on."""
    overlay = kustomization(folder)
    entries = [*overlay.get("resources", []), *overlay.get("components", [])]
    below = [(folder / entry).resolve() for entry in entries]
    return {folder.resolve()}.union(*(reached(one) for one in below if one.is_dir()))
