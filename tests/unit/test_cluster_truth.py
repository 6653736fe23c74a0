"""What clusters are seen to say of a rolled out release, of image policies, and to a gate."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from canary_worlds import MemoryCluster, production_of, put_canary, put_event, put_kustomization, rollout_policy
from rule_worlds import IMAGE, NEW, NOW, OLD

from bot.clients.kubernetes import Change
from bot.clock import FixedClock
from bot.errors import PermanentError, TemporaryError
from bot.gates import StoredGates
from bot.looking.cluster_truth import ClusterTruth
from bot.looking.git_truth import Written
from bot.looking.images import Images
from bot.looking.selection_truth import named
from bot.observing import ClusterSeen, SelectionSeen
from bot.records import CanaryGate, CanaryGateName, DatedGate
from bot.releases import Image, Release
from bot.resync import Moved
from config.policy import EnvironmentPolicy

PRODUCTION = production_of(rollout_policy())
PLAIN = replace(PRODUCTION, canary=None, delivery="merge_request")
HEAD = "a" * 40
NEW_HERE = f"{IMAGE}@{NEW.images[0].digest}"
OLD_HERE = f"{IMAGE}:1.0.0@{OLD.images[0].digest}"
POLICIES = {IMAGE: "flux-system:web"}


@dataclass
class Declared:
    """A Git in which every revision says the same."""

    release: Release | None = NEW
    agrees: bool = True

    async def knows(self, revision: str) -> bool:
        return True

    async def written(self, revision: str, environment: EnvironmentPolicy, release_file: str) -> Written:
        return Written(declared=None, standing=self.release, tags=(), agrees=self.agrees)


async def seen(cluster: MemoryCluster, release: Release | None = NEW) -> ClusterSeen:
    truth = ClusterTruth({cluster.name: cluster}, Images(registries={}))
    (found,) = await truth.seen(Declared(release), PRODUCTION, ".sluice/releases/production/demo-service.yaml")
    return found


async def test_a_release_under_analysis_is_progressing_and_says_how() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Progressing", target=NEW_HERE, primary=OLD_HERE)
    put_event(cluster, 1, "Promotion completed! Scaling down web.shop")
    put_event(cluster, 2, "New revision detected! Scaling up web.shop")
    put_event(cluster, 3, "Halt web.shop advancement success 50.00 < 99")
    put_event(cluster, 4, "New revision detected! Scaling up other.shop", about="other")

    found = await seen(cluster)

    assert (found.health, found.failing, found.reason) == ("progressing", None, "ReconciliationSucceeded")
    assert (found.revision, found.release, found.attempt) == (HEAD, NEW, NEW)
    assert found.canary is not None
    assert (found.canary.name, found.canary.images, found.canary.spec) == ("shop/web", (NEW_HERE,), "59968b6cb7")
    assert (found.canary.carries, found.canary.serves) == (True, False)
    assert found.canary.messages == (
        "New revision detected! Scaling up web.shop",
        "Halt web.shop advancement success 50.00 < 99",
    )


async def test_a_failed_canary_fails_the_release_it_carries() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Failed", target=NEW_HERE, primary=OLD_HERE)

    found = await seen(cluster)

    assert (found.health, found.failing) == ("failed", "canary")


async def test_a_failed_canary_is_healthy_again_once_git_went_back() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Failed", target=OLD_HERE, primary=OLD_HERE)

    found = await seen(cluster, OLD)

    assert (found.health, found.failing) == ("healthy", None)


async def test_a_release_that_only_its_file_names_runs_nowhere() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    truth = ClusterTruth({cluster.name: cluster}, Images(registries={}))

    (found,) = await truth.seen(Declared(NEW, agrees=False), PLAIN, ".sluice/releases/production/demo-service.yaml")

    assert (found.release, found.attempt, found.health) == (None, None, "healthy")


async def test_a_canary_at_rest_costs_no_list_of_events() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Succeeded", target=NEW_HERE, primary=NEW_HERE)

    found = await seen(cluster)

    assert found.health == "healthy"
    assert "Event" not in cluster.asked


async def test_events_that_may_not_be_read_are_none() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Failed", target=NEW_HERE, primary=OLD_HERE)
    cluster.absent = {"Event"}

    found = await seen(cluster)

    assert found.canary is not None
    assert (found.health, found.canary.messages) == ("failed", ())


@pytest.mark.parametrize("state", ["no Deployment", "suspended", "missing"])
async def test_a_canary_that_cannot_be_told_about_is_unknown(state: str) -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    if state != "missing":
        kind = "DaemonSet" if state == "no Deployment" else "Deployment"
        put_canary(cluster, "Succeeded", target=NEW_HERE, primary=NEW_HERE, kind=kind)
        cluster.objects["Canary", "shop", "web"]["spec"]["suspend"] = state == "suspended"

    found = await seen(cluster)

    assert (found.health, found.canary) == ("unknown", None)
    assert "canary shop/web" in found.because


async def test_without_its_workloads_nothing_carries_or_serves() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Initializing", target=NEW_HERE, primary=NEW_HERE)
    del cluster.objects["Deployment", "shop", "web-primary"]

    found = await seen(cluster)

    assert found.canary is not None
    assert (found.health, found.canary.serves) == ("progressing", False)


async def test_a_failed_health_check_goes_before_the_canary() -> None:
    cluster = MemoryCluster()
    put_kustomization(cluster, HEAD, reason="HealthCheckFailed")
    put_canary(cluster, "Succeeded", target=NEW_HERE, primary=NEW_HERE)

    found = await seen(cluster)

    assert (found.health, found.failing, found.reason) == ("failed", "health_check", "HealthCheckFailed")
    assert found.canary is not None


SELECTED = {"name": IMAGE, "tag": "1.1.0-prod", "digest": NEW.images[0].digest}
STALE = {"name": IMAGE, "tag": "1.0.0-prod", "digest": OLD.images[0].digest}


def put_policy(cluster: MemoryCluster, selected: dict[str, str] | None = SELECTED, *, observed: int = 1) -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Succeeded"}
    status = {"observedGeneration": observed, "conditions": [ready], "latestRef": selected}
    meta = {"generation": 1, "labels": {"team": "a"}}
    cluster.put("ImagePolicy", "flux-system", "web", metadata=meta, status=status)


def put_automation(cluster: MemoryCluster, name: str, saw: dict[str, Any], **spec: Any) -> None:
    cluster.put("ImageUpdateAutomation", "flux-system", name, spec=spec, status={"observedPolicies": saw})


async def selections(cluster: MemoryCluster) -> tuple[SelectionSeen, ...]:
    truth = ClusterTruth({cluster.name: cluster}, Images(registries={}))
    return await truth.selections(PRODUCTION, POLICIES)


@dataclass(frozen=True)
class Case:
    """Automations by name with what each saw, and whether the selection counts as observed then."""

    saw: dict[str, dict[str, Any]]
    observed: bool
    spec: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "case",
    [
        Case({}, True),
        Case({"all": {"web": SELECTED}}, True),
        Case({"all": {"web": SELECTED}, "more": {"web": SELECTED, "other": STALE}}, True),
        Case({"all": {"web": STALE}}, False),
        Case({"all": {"web": SELECTED}, "more": {"web": STALE}}, False),
        Case({"all": {"web": SELECTED}, "more": {}}, False),
        Case({"all": {"web": SELECTED | {"digest": STALE["digest"]}}}, False),
        Case({"all": {"web": {"name": IMAGE, "tag": SELECTED["tag"]}}}, False),
        Case({"all": {}}, True, {"policySelector": {"matchLabels": {"team": "b"}}}),
        Case({"all": {}}, False, {"policySelector": {"matchLabels": {"team": "a"}}}),
        Case({"all": {"web": STALE}}, True, {"suspend": True}),
    ],
)
async def test_a_selection_is_observed_once_every_automation_that_writes_it_has_seen_it(case: Case) -> None:
    cluster = MemoryCluster()
    put_policy(cluster)
    for name, saw in case.saw.items():
        put_automation(cluster, name, saw, **case.spec)

    (found,) = await selections(cluster)

    assert found == SelectionSeen(
        cluster="two",
        policy="flux-system:web",
        image=Image(name=IMAGE, digest=NEW.images[0].digest, tag="1.1.0-prod"),
        observed=case.observed,
    )


async def test_a_selection_of_an_older_form_of_the_policy_is_not_observed() -> None:
    cluster = MemoryCluster()
    put_policy(cluster, observed=0)

    assert [found.observed for found in await selections(cluster)] == [False]


@pytest.mark.parametrize("state", ["no policy", "nothing selected", "no image controllers", "not read"])
async def test_what_nobody_selects_is_never_observed(state: str) -> None:
    cluster = MemoryCluster("three" if state == "not read" else "two")
    if state == "nothing selected":
        put_policy(cluster, None)
    if state == "no image controllers":
        cluster.absent = {"ImagePolicy", "ImageUpdateAutomation"}

    (found,) = await selections(cluster)

    assert (found.image, found.observed) == (Image(name=IMAGE, digest="", tag=""), False)


@pytest.mark.parametrize("marker", ["flux-system:web", "flux-system:web:tag"])
def test_a_marker_names_a_policy_whatever_part_it_asks_for(marker: str) -> None:
    assert named(marker) == ("flux-system", "web")


@pytest.mark.parametrize("marker", ["", "web", ":web", "flux-system:", "a:b:c:d"])
def test_a_marker_of_another_form_needs_a_person(marker: str) -> None:
    with pytest.raises(PermanentError, match="names no image policy"):
        named(marker)


@dataclass
class Remembered:
    """Stored answers."""

    gates: list[CanaryGate] = field(default_factory=list)
    age: timedelta = timedelta(0)
    fault: Exception | None = None

    async def canary_gate(self, cluster: str, canary: str, gate: CanaryGateName) -> DatedGate | None:
        if self.fault is not None:
            raise self.fault
        found = [one for one in self.gates if (one.cluster, one.canary, one.gate) == (cluster, canary, gate)]
        return DatedGate(gate=found[0], at=NOW - self.age) if found else None


def stored(
    *, images: tuple[str, ...] = (NEW_HERE,), is_open: bool = True, gate: CanaryGateName = "rollback"
) -> CanaryGate:
    return CanaryGate(
        cluster="two", canary="shop/web", gate=gate, images=images, open=is_open, because="it was decided"
    )


async def asked(
    answers: Remembered,
    cluster: MemoryCluster,
    *,
    within: float = 3,
    name: str = "web",
    gate: CanaryGateName = "rollback",
) -> tuple[bool, str]:
    patience = timedelta(seconds=within)
    gates = StoredGates(answers=answers, clusters={"two": cluster}, clock=FixedClock(NOW), within=patience)
    answer = await gates.answer("two", gate, "shop", name, "59968b6cb7")
    return answer.open, answer.because


def rolling_out() -> MemoryCluster:
    cluster = MemoryCluster()
    put_canary(cluster, "Progressing", target=NEW_HERE, primary=OLD_HERE)
    return cluster


async def test_a_gate_is_open_for_exactly_the_images_it_was_decided_for() -> None:
    assert await asked(Remembered([stored()]), rolling_out()) == (True, "it was decided")


async def test_an_order_to_roll_back_expires() -> None:
    fresh = await asked(Remembered([stored()], age=timedelta(minutes=10)), rolling_out())
    is_open, because = await asked(Remembered([stored()], age=timedelta(minutes=10, seconds=1)), rolling_out())

    assert (fresh[0], is_open) == (True, False)
    assert "asked for more than 0:10:00 ago" in because


async def test_a_confirmation_stays_until_it_is_decided_anew() -> None:
    answers = Remembered([stored(gate="confirm-rollout")], age=timedelta(days=3))

    assert await asked(answers, rolling_out(), gate="confirm-rollout") == (True, "it was decided")


@pytest.mark.parametrize("images", [(), (OLD_HERE,), (NEW_HERE, OLD_HERE)])
async def test_a_gate_decided_for_other_images_is_closed(images: tuple[str, ...]) -> None:
    is_open, because = await asked(Remembered([stored(images=images)]), rolling_out())

    assert not is_open
    assert "not what shop/web carries now" in because


async def test_a_closed_gate_says_why_without_asking_the_cluster() -> None:
    cluster = rolling_out()

    assert await asked(Remembered([stored(is_open=False)]), cluster) == (False, "it was decided")
    assert cluster.asked == []


async def test_a_canary_nobody_decided_about_is_closed() -> None:
    is_open, because = await asked(Remembered([stored()]), rolling_out(), name="unheard-of")

    assert (is_open, because) == (False, "no stored decision opens rollback for shop/unheard-of in two")


async def test_a_gate_of_a_canary_that_went_is_closed() -> None:
    assert not (await asked(Remembered([stored()]), MemoryCluster()))[0]


@pytest.mark.parametrize("fault", [TemporaryError("the cluster is away"), PermanentError("a right is missing")])
async def test_a_cluster_that_does_not_answer_keeps_the_gate_closed(fault: TemporaryError | PermanentError) -> None:
    cluster = rolling_out()
    cluster.fault = fault

    is_open, because = await asked(Remembered([stored()]), cluster)

    assert (is_open, str(fault) in because) == (False, True)


async def test_a_journal_that_does_not_answer_keeps_the_gate_closed() -> None:
    answers = Remembered([stored()], fault=TemporaryError("the journal is down"))

    assert not (await asked(answers, rolling_out()))[0]


async def test_a_slow_cluster_keeps_the_gate_closed_in_time() -> None:
    cluster = rolling_out()
    cluster.slow = 60

    is_open, because = await asked(Remembered([stored()]), cluster, within=0.01)

    assert (is_open, "no answer within 0.01 s" in because) == (False, True)


def change(phase: str, **status: Any) -> Change:
    meta = {"namespace": "shop", "name": "web"}
    spec = {"targetRef": {"kind": "Deployment", "name": "web"}}
    return Change(how="changed", object={"metadata": meta, "spec": spec, "status": {"phase": phase, **status}})


def test_only_a_canary_that_moved_on_is_news() -> None:
    moved = Moved()
    told = []
    for one in (
        change("Progressing", canaryWeight=10),
        change("Progressing", canaryWeight=20),
        change("Progressing", canaryWeight=20, lastAppliedSpec="2"),
        change("Dancing"),
        change("Dancing"),
        change("Failed"),
        Change(how="deleted", object={"metadata": {"namespace": "shop", "name": "web"}}),
        change("Failed"),
    ):
        told.append(moved.is_news(one))
        moved.learn(one)

    assert told == [True, False, True, True, False, True, True, True]


def test_what_was_not_taken_stays_news() -> None:
    moved = Moved()

    assert [moved.is_news(change("Failed")) for _ in range(2)] == [True, True]
