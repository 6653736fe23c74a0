"""The Minikube walk-through builds what the tree deploys, and each of its edits finds what it replaces."""

import json
import re
from pathlib import Path

import pytest
from doc_pages import REPOSITORY, Command, commands, pages
from ruamel.yaml import YAML

PAGE = REPOSITORY / "docs" / "minikube.md"
APPS = REPOSITORY / "flux" / "apps"
EDITS = [one for one in commands(PAGE, "sed") if one.words[1:2] == ("-i",)]


def images_of(command: Command) -> set[str]:
    """What a call of build-and-tag.sh builds."""
    options: dict[str, list[str]] = {}
    words = list(command.words[1:])
    while words:
        options.setdefault(words.pop(0), []).append(words.pop(0))
    services = options.get("-s", ["demo-service", "node-service"])
    return {f"{options['-r'][0]}/{options['-o'][0]}/{service}:{options['-v'][0]}" for service in services}


def deployed() -> set[str]:
    """The images of the cluster minikube."""
    files = APPS.glob("*/minikube/image/kustomization.yaml")
    written = (one for file in files for one in YAML(typ="safe", pure=True).load(file.read_text())["images"])
    return {f"{one['newName']}:{one['newTag']}" for one in written}


def test_the_images_that_are_built_are_those_that_are_deployed() -> None:
    first, second, *later = [images_of(one) for one in commands(PAGE, "build-and-tag.sh")]

    assert first | second == deployed()
    assert all(image.rpartition(":")[0] in str(deployed()) for images in later for image in images)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.words[-1])
def test_every_edit_finds_what_it_replaces_and_leaves_a_readable_file(edit: Command) -> None:
    _, _, expression, file = edit.words
    _, old, new, _ = expression.split("|")
    text = (REPOSITORY / file).read_text()

    edited = text.replace(old, new)

    assert old in text
    assert edited != text
    assert json.loads(edited) if Path(file).suffix == ".json" else list(YAML(typ="safe", pure=True).load_all(edited))


def test_the_release_edits_the_version_that_was_built_for_it() -> None:
    (release,) = [edit for edit in EDITS if "newTag" in edit.words[2]]
    *_, built = commands(PAGE, "build-and-tag.sh")

    assert {image.rpartition(":")[2] for image in images_of(built)} == set(re.findall(r": (\S+?)\|$", release.words[2]))


def test_flux_is_installed_in_one_version_everywhere() -> None:
    installed = [one for page in pages() for one in commands(page, "flux") if one.words[1:2] == ("install",)]
    versions = {word for one in installed for word in one.words if word.startswith(("--version", "--components"))}

    assert len(installed) > 1
    assert len(versions) == 2
