"""Which application a branch of the config project wakes."""

import pytest
from rule_worlds import APP, APPLICATION, POLICY, TENANT

from bot.events import BranchPushed, Event, MergeRequestChanged, PipelineChanged
from bot.keys import ConfigKey, EnvironmentKey, Key
from bot.routing import keys_of
from bot.tenants import Tenant, Tenants

CONFIG = "acme/config"
KEY = EnvironmentKey(TENANT, APPLICATION, "staging")
OURS = [KEY.branch, KEY.rollback_branch]


def woken(event: Event) -> tuple[Key, ...]:
    tenants = Tenants([Tenant(name=TENANT, config_project=CONFIG, branch="main", projects=())])
    tenants.learn(TENANT, POLICY)
    return keys_of(event, tenants)


@pytest.mark.parametrize("branch", OURS)
@pytest.mark.parametrize("status", ["running", "success", "failed"])
def test_pipeline_of_our_branch_wakes_the_application(branch: str, status: str) -> None:
    assert woken(PipelineChanged(project=CONFIG, pipeline_id=1, ref=branch, sha="a" * 40, status=status)) == (APP,)


@pytest.mark.parametrize("branch", OURS)
def test_push_to_our_branch_wakes_the_application(branch: str) -> None:
    assert woken(BranchPushed(project=CONFIG, branch=branch, before="a" * 40, after="b" * 40)) == (APP,)


@pytest.mark.parametrize("branch", OURS)
@pytest.mark.parametrize("action", ["approved", "close", "update"])
def test_merge_request_of_our_branch_wakes_the_application(branch: str, action: str) -> None:
    event = MergeRequestChanged(project=CONFIG, iid=1, action=action, source_branch=branch, target_branch="main")

    assert woken(event) == (APP,)


@pytest.mark.parametrize("branch", OURS)
def test_merge_of_our_branch_wakes_the_configuration_too(branch: str) -> None:
    event = MergeRequestChanged(project=CONFIG, iid=1, action="merge", source_branch=branch, target_branch="main")

    assert woken(event) == (APP, ConfigKey(TENANT))


@pytest.mark.parametrize(
    "branch",
    [
        f"sluice-rollback/{APPLICATION}",
        f"sluice-rollback/staging/{APPLICATION}/more",
        "sluice-rollback/staging/unknown",
        f"sluice-other/staging/{APPLICATION}",
        f"feature/staging/{APPLICATION}",
    ],
)
def test_push_to_another_branch_wakes_nothing(branch: str) -> None:
    assert woken(BranchPushed(project=CONFIG, branch=branch, before="a" * 40, after="b" * 40)) == ()
