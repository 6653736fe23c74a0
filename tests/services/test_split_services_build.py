"""Each service, split into a repository of its own, builds there and passes its own tests."""

from pathlib import Path

import pytest
import service_builds
from service_builds import ToolIsMissing
from splitting import new_source, split
from tools_at_hand import absent


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("split-services")
    said = split(new_source(place), place / "made")
    assert said.status == 0, said.err
    return place / "made"


def test_the_split_demo_service_builds_and_passes_its_tests(
    repositories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_builds, "SERVICES", repositories)

    try:
        jar, build = service_builds.demo_service()
    except ToolIsMissing as missing:
        absent(str(missing))

    assert jar.is_relative_to(repositories)
    assert jar.is_file()
    assert build.fresh
    assert build.tests > 20


def test_the_split_node_service_builds_and_passes_its_tests(
    repositories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_builds, "SERVICES", repositories)

    try:
        folder, build = service_builds.node_service()
    except ToolIsMissing as missing:
        absent(str(missing))

    assert (folder / "dist" / "main.js").is_file()
    assert folder.is_relative_to(repositories)
    assert build.fresh
    assert build.tests > 20
