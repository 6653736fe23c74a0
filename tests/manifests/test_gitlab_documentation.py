"""docs/gitlab-ci.md and docs/gitlab-agent.md say what the templates and agents are."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import gitlab_ci
import pytest
from doc_pages import fences, name_of
from gitlab_ci import REPOSITORY, TEMPLATES, configuration
from ruamel.yaml import YAML

from bot.acting.tagging import COPIED_BY_THEN

PIPELINES = REPOSITORY / "docs" / "gitlab-ci.md"
AGENT = REPOSITORY / "docs" / "gitlab-agent.md"
WITH_INPUTS = sorted(file for file in TEMPLATES.glob("*.yml") if gitlab_ci.header(file))
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below its heading row."""
    after = PIPELINES.read_text("utf-8").partition(f"{heading}\n")[2]
    assert after, f"there is no table {heading}"
    table = after.partition("\n\n")[0]
    return [row.split(" | ") for row in ROW.findall(table)]


def documented() -> dict[str, set[str]]:
    """The inputs by template."""
    inputs: dict[str, set[str]] = {file.stem: set() for file in WITH_INPUTS}
    for cells in rows("| Input of `image.yml` | Default | What |"):
        inputs["image"] |= set(QUOTED.findall(cells[0]))
    short = {"gate": ["promotion-gate"], "copy": ["promotion-copy"]}
    short["all three"] = ["promotion-gate", "promotion-copy", "environment"]
    for cells in rows("| Input | Template | Default | What |"):
        for name in cells[1].split(", "):
            for template in short[name]:
                inputs[template] |= set(QUOTED.findall(cells[0]))
    return inputs


@pytest.mark.parametrize("file", WITH_INPUTS, ids=lambda file: file.name)
def test_every_input_is_documented_and_no_other(file: Path) -> None:
    own = (
        {"tier", "agent", "namespace", "flux-resource-path", "watched", "url"} if file.stem == "environment" else set()
    )

    assert documented()[file.stem] == set(gitlab_ci.header(file)) - own


def test_inputs_of_the_environment_are_on_the_agents_page() -> None:
    (written,) = included(AGENT)

    assert set(written["inputs"]) | {"url", "stage", "tools"} == set(gitlab_ci.header(TEMPLATES / "environment.yml"))


@pytest.mark.parametrize("name", ["image", "context", "containerfile", "platforms", "vulnerabilities", "needs", "name"])
def test_default_of_an_input_is_the_one_that_is_documented(name: str) -> None:
    header = gitlab_ci.header(TEMPLATES / "image.yml")
    (cells,) = [one for one in rows("| Input of `image.yml` | Default | What |") if name in QUOTED.findall(one[0])]

    names, defaults = QUOTED.findall(cells[0]), QUOTED.findall(cells[1])

    assert defaults[names.index(name)] == str(header[name]["default"])


def included(page: Path) -> Iterator[dict[str, Any]]:
    """What the page's examples include."""
    for fence in fences(page):
        if fence.language == "yaml" and "project: demo/sluice" in fence.text:
            found = YAML(typ="safe", pure=True).load(fence.text)
            yield from found["include"] if isinstance(found, dict) else found


@pytest.mark.parametrize("page", [PIPELINES, AGENT], ids=name_of)
def test_examples_of_a_page_are_taken(page: Path) -> None:
    taken = [configuration(REPOSITORY / one["file"].removeprefix("/"), one["inputs"]).jobs for one in included(page)]

    assert taken
    assert all(taken)


@pytest.mark.parametrize("file", WITH_INPUTS, ids=lambda file: file.name)
def test_jobs_of_the_templates_are_named(file: Path) -> None:
    (cells,) = [one for one in rows("| Template | For | Its jobs |") if f"`{file.name}`" in one[0]]
    required = {name for name, about in gitlab_ci.header(file).items() if "default" not in about}
    given: dict[str, Any] = dict.fromkeys(required, "env") | {"tier": "other", "watched": ["x"]}

    jobs = configuration(file, {name: given[name] for name in required}).jobs

    assert {re.sub("env$", "ENV", name) for name in jobs} == set(QUOTED.findall(cells[2]))


def test_programs_of_the_tools_image_are_the_documented_ones() -> None:
    dockerfile = (TEMPLATES / "tools" / "Dockerfile").read_text("utf-8")
    installed = set(re.findall(r"/cmd/([a-z-]+)@v", dockerfile))
    (added,) = re.findall(r"apk add --no-cache (.+)$", dockerfile, re.MULTILINE)
    (said,) = re.findall(r"`\.gitlab/ci/tools`: ([a-z, -]+)\.", PIPELINES.read_text("utf-8"))

    assert set(said.split(", ")) == installed | set(added.split()) - {"ca-certificates"}


def test_documented_wait_for_a_copy_is_the_bots() -> None:
    assert timedelta(seconds=20) == COPIED_BY_THEN
    assert "looks again\n   every 20 s" in PIPELINES.read_text("utf-8")
