"""Flagger's and image automation's hints lead to the applications they concern, and to no others."""

import pytest
from canary_worlds import rollout_policy
from rule_worlds import APPLICATION, IMAGE, NOW

from bot.events import CanaryReported, SourceReported
from bot.keys import ApplicationKey, ConfigKey, Key
from bot.routing import keys_of
from bot.tenants import Tenant, Tenants

OWNER = ApplicationKey("team", APPLICATION)


def tenants() -> Tenants:
    made = Tenants([Tenant(name="team", config_project="team/config", branch="main", projects=("**",))])
    made.learn("team", rollout_policy())
    return made


def reported(hook: str, *, cluster: str = "two", name: str = "web") -> CanaryReported:
    return CanaryReported(
        cluster=cluster, hook=hook, namespace="shop", name=name, phase="Progressing", checksum="59968b6cb7"
    )


def source(kind: str, message: str = "", **changes: str) -> SourceReported:
    said = {"cluster": "two", "severity": "info", "reason": "Succeeded"} | changes
    return SourceReported(
        kind=kind, namespace="flux-system", name="web", revision="", timestamp=NOW, message=message, **said
    )


@pytest.mark.parametrize("hook", ["event", "post-rollout", "confirm-rollout", "confirm-promotion", "rollback"])
def test_a_hook_or_a_question_leads_to_the_application_of_the_canary(hook: str) -> None:
    assert keys_of(reported(hook), tenants()) == (OWNER,)


@pytest.mark.parametrize("changes", [{"cluster": "one"}, {"name": "other"}])
def test_a_canary_no_policy_names_there_leads_nowhere(changes: dict[str, str]) -> None:
    assert keys_of(reported("event", **changes), tenants()) == ()


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        (source("ImagePolicy", f"Latest image tag for {IMAGE} resolved to 1.1.0 (previously x:1.0.0)"), (OWNER,)),
        (source("ImagePolicy", "Latest image tag for other.example/x resolved to 1.1.0"), ()),
        (source("ImagePolicy", "another version's words"), (OWNER,)),
        (source("ImagePolicy", "another version's words", cluster="one"), ()),
        (source("ImagePolicy", severity="error", reason="DependencyNotReady"), ()),
        (source("ImagePolicy", severity="trace"), ()),
        (source("ImageUpdateAutomation", "pushed commit 'abc'"), (ConfigKey("team"),)),
        (source("ImageUpdateAutomation", cluster="one"), ()),
        (source("ImageUpdateAutomation", severity="error", reason="GitOperationFailed"), ()),
        (source("ImageRepository", "successful scan: found 12 tags"), ()),
        (source("GitRepository", reason="NewArtifact"), ()),
    ],
)
def test_only_what_changed_something_in_image_automation_leads_on(event: SourceReported, keys: tuple[Key, ...]) -> None:
    assert keys_of(event, tenants()) == keys
