"""What the tests take a pipeline for is what an independent reader of GitLab's configuration makes of it."""

from pathlib import Path
from typing import Any

import pytest
from gitlab_ci import REPOSITORY, TEMPLATES, configuration
from pipeline_runs import Project, environment, project, with_local_templates
from ruamel.yaml import YAML

WHOLE = [REPOSITORY / ".gitlab-ci.yml", *sorted((TEMPLATES / "examples").glob("*.yml"))]
DECIDED = ("stage", "image", "needs", "rules", "variables", "script", "environment", "artifacts")
"""What says whether, when, where and how a job runs. The runner rewrites the others (`cache`, `services`) in full."""


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_pipeline_expands_as_gitlab_ci_local_expands_it(file: Path, tmp_path: Path) -> None:
    files = {".gitlab-ci.yml": with_local_templates(file.read_text("utf-8"))}
    made = project("demo/some", tmp_path / "some", files=files, environment=environment(tmp_path / "home"))

    told = made.preview()

    theirs = YAML(typ="safe", pure=True).load(told[told.index("---") :])
    ours = configuration(made.folder / ".gitlab-ci.yml")
    assert {name: decided(theirs[name]) for name in ours.jobs} == {
        name: decided({**ours.defaults, **job}) for name, job in ours.jobs.items()
    }


def decided(job: dict[str, Any]) -> dict[str, Any]:
    """The job in one of the ways to write it."""
    written = {key: job[key] for key in DECIDED if key in job}
    if isinstance(written.get("image"), str):
        written["image"] = {"name": written["image"]}
    written["needs"] = [{"job": one} if isinstance(one, str) else one for one in written.get("needs", [])]
    written["needs"] = [(one["job"], one.get("optional", False)) for one in written["needs"]]
    return written


MERGE_REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event"}
PUSH = {"CI_PIPELINE_SOURCE": "push"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example of several registries, with one change that was not pushed yet: production's release."""
    folder = tmp_path_factory.mktemp("rules")
    example = (TEMPLATES / "examples" / "multi-registry.gitlab-ci.yml").read_text("utf-8")
    files = {".gitlab-ci.yml": with_local_templates(example)}
    made = project("demo/flux-config", folder / "config", files=files, environment=environment(folder / "home"))
    made.commit({".sluice/releases/production/demo-service.yaml": "changed\n"}, "Promote")
    return made


@pytest.mark.parametrize(
    ("variables", "without", "planned"),
    [
        (MERGE_REQUEST, ["CI_COMMIT_BRANCH"], {"promotion-gate-production"}),
        (PUSH, [], {"promotion-copy-production", "environment-production"}),
        ({"CI_PIPELINE_SOURCE": "schedule"}, [], {"promotion-copy-production", "promotion-copy-staging"}),
        ({**PUSH, "CI_COMMIT_BRANCH": "feature"}, [], set()),
    ],
    ids=["merge request", "push to main", "schedule", "push elsewhere"],
)
def test_only_what_a_change_asks_for_is_run(
    config: Project, variables: dict[str, str], without: list[str], planned: set[str]
) -> None:
    assert config.planned(without, **variables) - {"check-config"} == planned
