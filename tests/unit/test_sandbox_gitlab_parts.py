"""The sandbox GitLab's small deciders: roll-up, CI rules, routes, budgets, faults and texts."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.gitlab import HookFaults
from bot.sandbox.gitlab.answers import Reply
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.ci_config import InvalidConfig, planned_jobs
from bot.sandbox.gitlab.faults import FaultPlan
from bot.sandbox.gitlab.git_process import run_git
from bot.sandbox.gitlab.limits import RateLimits
from bot.sandbox.gitlab.pipelines import composite
from bot.sandbox.gitlab.quick_actions import split_quick_actions
from bot.sandbox.gitlab.repository import Repository
from bot.sandbox.gitlab.routing import Router, RouteTable
from bot.sandbox.gitlab.views.commits import trailers

STATUSES = ("created", "pending", "running", "success", "failed", "canceled", "skipped", "manual")


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], "created"),
        ([("created", False)], "created"),
        ([("success", False), ("created", False)], "running"),
        ([("failed", True), ("success", False)], "success"),
        ([("failed", False), ("manual", False)], "manual"),
        ([("success", False), ("manual", True)], "success"),
        ([("skipped", False)], "skipped"),
        ([("failed", False), ("skipped", False)], "failed"),
    ],
)
def test_roll_up_of_jobs(jobs: list[tuple[str, bool]], expected: str) -> None:
    assert composite(jobs) == expected


@given(st.lists(st.sampled_from(STATUSES), min_size=1))
def test_pipeline_with_a_running_job_is_running_and_a_red_one_never_green(statuses: list[str]) -> None:
    rolled_up = composite([(status, False) for status in statuses])

    assert ("running" not in statuses) or rolled_up == "running"
    assert ("failed" not in statuses) or rolled_up != "success"


def branch(name: str = "main", **more: str) -> dict[str, str]:
    return {"$CI_PIPELINE_SOURCE": "push", "$CI_COMMIT_BRANCH": name, "$CI_DEFAULT_BRANCH": "main", **more}


MERGE_REQUEST = {"$CI_PIPELINE_SOURCE": "merge_request_event"}


def test_job_without_rules_runs_for_branches_and_not_for_merge_requests() -> None:
    text = "build:\n  script: [make]\n.hidden:\n  script: [no]\nstages: [test]\n"

    assert [job.name for job in planned_jobs(text, branch())] == ["build"]
    assert planned_jobs(text, MERGE_REQUEST) == []


def test_job_rules_choose_by_source() -> None:
    text = "review:\n  script: [make]\n  rules:\n    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\n"

    assert [job.name for job in planned_jobs(text, MERGE_REQUEST)] == ["review"]
    assert planned_jobs(text, branch()) == []


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", True),
        ("$CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH", False),
        ("$CI_COMMIT_TAG", False),
        ("$CI_COMMIT_TAG == null", True),
        ("$CI_COMMIT_TAG || $CI_COMMIT_BRANCH =~ /^ma/", True),
        ('$CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE == "schedule"', False),
        ("$CI_COMMIT_BRANCH !~ /^release/", True),
    ],
)
def test_conditions_of_rules(condition: str, holds: bool) -> None:
    text = f"workflow:\n  rules:\n    - if: '{condition}'\nbuild:\n  script: [make]\n"

    assert bool(planned_jobs(text, branch())) is holds


@pytest.mark.parametrize("text", ["- a list\n", "build: [unclosed\n", ""])
def test_text_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfig):
        planned_jobs(text, branch())


async def _handler(call: Call) -> Reply:
    return Reply(body=call.path)


def test_fixed_words_win_over_parameters_and_encoded_slashes_stay_inside() -> None:
    table = RouteTable()
    table.get("/projects/:id/pipelines/:pipeline_id")(_handler)
    table.get("/projects/:id/pipelines/latest")(_handler)
    router = Router([table])

    latest = router.find("GET", "/projects/shop%2Fapp/pipelines/latest")
    numbered = router.find("GET", "/projects/1/pipelines/7")

    assert latest is not None
    assert numbered is not None
    assert (latest[0].template, latest[1]) == ("/projects/:id/pipelines/latest", {"id": "shop/app"})
    assert numbered[1] == {"id": "1", "pipeline_id": "7"}
    assert router.find("DELETE", "/projects/1/pipelines/7") is None


def test_budget_is_whole_again_in_the_next_minute() -> None:
    now = [1_000_000.0]
    limits = RateLimits(per_minute=1, wall=lambda: now[0])

    over = [limits.spent(limits.spend("bot") or {}) for _ in range(2)]
    now[0] += 60

    assert over == [False, True]
    assert limits.spent(limits.spend("bot") or {}) is False


def test_fault_ends_after_its_times_or_its_seconds() -> None:
    now = [0.0]
    plan = FaultPlan(monotonic=lambda: now[0])
    plan.add("500", times=1, method="post", path="/notes")
    plan.add("429", seconds=5)

    kinds = [getattr(plan.take("POST", "/projects/1/notes"), "kind", None) for _ in range(2)]
    now[0] = 5.0

    assert kinds == ["500", "429"]
    assert plan.take("POST", "/projects/1/notes") is None


def test_cleared_plan_disturbs_nothing() -> None:
    plan = FaultPlan(away=True, hooks=HookFaults(drop_all=True))
    plan.add("hang")

    plan.clear()

    assert (plan.away, plan.take("GET", "/version"), plan.hooks) == (False, None, HookFaults())


@pytest.mark.parametrize(
    ("body", "kept", "actions"),
    [
        ("/sluice approve", "/sluice approve", []),
        ("/approve\nthanks", "thanks", ["approve"]),
        ("```\n/close\n```", "```\n/close\n```", []),
        ("see /close", "see /close", []),
    ],
)
def test_only_lines_that_begin_with_gitlabs_own_words_are_taken_out(body: str, kept: str, actions: list[str]) -> None:
    assert split_quick_actions(body) == (kept, actions)


def test_trailers_are_the_last_paragraph_when_all_of_it_are_trailers() -> None:
    assert trailers("Promote\n\nwhy\n\nSluice-Effect: abc\nSigned-off-by: A <a@b>") == {
        "Sluice-Effect": "abc",
        "Signed-off-by": "A <a@b>",
    }
    assert trailers("Promote\n\nNote: this is prose\nand goes on") == {}


async def test_cancelled_git_leaves_no_child(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "a.git")
    repository.create("main")
    running = asyncio.ensure_future(run_git(repository.directory, "for-each-ref"))
    await asyncio.sleep(0)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
