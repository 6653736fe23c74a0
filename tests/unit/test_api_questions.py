"""What the API answers about the installation, its deliveries and its decisions."""

import hashlib
import json
from pathlib import Path

import pytest
from api_cases import BECAUSE, BODY, STAGING, START, cannot_read, configuration, gate, governing, serving, tell_story
from journal_cases import a_delivery

from bot.clock import FixedClock
from bot.explaining import Explained


async def test_status_tells_what_runs_and_what_is_waited_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)

        status = await caller.get("/status")

    dev, staging = status["environments"]
    assert (dev["environment"], dev["health"], dev["promotion"]) == ("dev", "unknown", None)
    assert (staging["declared"], staging["running"], staging["health"]) == ("1.0.0", "", "failed")
    assert [cluster["version"] for cluster in staging["clusters"]] == ["1.0.0", "0.9.0"]
    assert (staging["promotion"]["state"], staging["promotion"]["because"]) == ("waiting", BECAUSE)
    assert staging["promotion"]["url"] == "https://gitlab.example/demo/flux-config/-/merge_requests/7"
    assert (staging["last_run"]["handler"], staging["last_run"]["kind"]) == ("promotion", "wait")
    assert status["deliveries"] == {"done": 1}


async def test_status_tells_adoption_and_a_faulty_policy(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await caller.journal.learn_configuration(configuration(caller.journal.installation_id, fault="line 3 is wrong"))

        (tenant,) = (await caller.get("/status"))["tenants"]

    assert tenant["adopted"] is True
    assert tenant["policy_fault"] == "line 3 is wrong"


async def test_another_installations_identity_is_no_adoption(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await caller.journal.learn_configuration(configuration("somebody-else"))

        (tenant,) = (await caller.get("/status"))["tenants"]

    assert tenant["adopted"] is False


async def test_status_can_be_narrowed(tmp_path: Path) -> None:
    async with serving(tmp_path, tenants=governing("demo", "other")) as caller:
        everything = await caller.get("/status")
        narrowed = await caller.get("/status?tenant=other&application=shop")

    assert len(everything["environments"]) == 4
    assert {row["tenant"] for row in narrowed["environments"]} == {"other"}


async def test_status_of_an_unknown_name_is_404(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        tenant = await caller.get("/status?tenant=demp", status=404)
        application = await caller.get("/status?application=shpo", status=404)

    assert (tenant["error"]["do"], application["error"]["do"]) == ("Did you mean demo?", "Did you mean shop?")


async def test_why_is_decided_by_the_explainer(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        caller.explainer.answers = [
            Explained(rule="promotion", subject=str(STAGING), kind="wait", because=BECAUSE, gates=(gate(),))
        ]

        why = await caller.get("/why?application=shop&environment=staging")

    assert caller.explainer.asked == [STAGING]
    assert why["live"] is True
    assert why["explained"][0]["because"] == BECAUSE
    assert why["explained"][0]["gates"] == [
        {"name": "healthy before", "verdict": "waiting", "because": "dev is not healthy yet"}
    ]


@pytest.mark.parametrize(
    ("query", "code", "do"),
    [
        ("application=shpo&environment=staging", "unknown_application", "Did you mean shop?"),
        ("application=shop&environment=stagin", "unknown_environment", "Did you mean staging?"),
        ("application=shop&environment=moon", "unknown_environment", "There is dev, staging."),
        ("application=shop&environment=dev&tenant=dmo", "unknown_tenant", "Did you mean demo?"),
    ],
)
async def test_unknown_names_are_answered_with_known_ones(tmp_path: Path, query: str, code: str, do: str) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.get(f"/why?{query}", status=404)

    assert (refused["error"]["code"], refused["error"]["do"]) == (code, do)


async def test_application_of_several_tenants_must_be_said_whose(tmp_path: Path) -> None:
    async with serving(tmp_path, tenants=governing("demo", "other")) as caller:
        refused = await caller.get("/why?application=shop&environment=dev", status=400)
        await caller.get("/why?application=shop&environment=dev&tenant=other")

    assert "demo, other" in refused["error"]["why"]


async def test_delivery_tells_what_was_decided_because_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        number = await tell_story(caller.journal)

        story = await caller.get(f"/deliveries/{number}")

    assert story["delivery"]["phase"] == "done"
    assert story["keys"] == ["app:demo/shop"]
    assert [run["because"] for run in story["runs"]] == [BECAUSE]
    assert story["runs"][0]["actions"] == ["WriteSticky"]
    assert story["headers"] == {"x-gitlab-event": "Push Hook"}
    assert story["body"] is None
    assert story["body_sha256"] == hashlib.sha256(json.dumps(BODY).encode()).hexdigest()


async def test_body_is_shown_masked_and_only_when_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        number = await tell_story(caller.journal)

        body = (await caller.get(f"/deliveries/{number}?body=true"))["body"]

    assert body["ref"] == "main"
    assert (body["token"], body["user"]["email"]) == ("[masked]", "[masked]")


async def test_deliveries_are_filtered_by_phase_and_endpoint(tmp_path: Path) -> None:
    clock = FixedClock(START)
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)
        await caller.journal.put(a_delivery(clock, endpoint="flux/demo"))
        await caller.journal.digest(cannot_read)

        unreadable = await caller.get("/deliveries?phase=unreadable")
        gitlab = await caller.get("/deliveries?endpoint=gitlab")
        newest = await caller.get("/deliveries?limit=1")

    assert [row["reason"] for row in unreadable["deliveries"]] == ["it is not JSON"]
    assert [row["phase"] for row in gitlab["deliveries"]] == ["done"]
    assert [row["endpoint"] for row in newest["deliveries"]] == ["flux/demo"]


async def test_runs_are_found_by_subject(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)

        found = await caller.get(f"/runs?subject={STAGING}")
        nothing = await caller.get("/runs?subject=app:demo/shop@dev")

    assert [run["outcome"] for run in found["runs"]] == ["waiting"]
    assert nothing["runs"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/deliveries?limit=0",
        "/deliveries?limit=many",
        "/deliveries?phase=lost",
        "/why?application=shop",
        "/runs?subject=nonsense",
        "/runs?subject=cfg:demo@dev",
    ],
)
async def test_unusable_values_are_400_with_what_to_do(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.get(path, status=400)

    assert refused["error"]["code"] == "bad_request"
    assert all(refused["error"].values())


async def test_unknown_delivery_is_404(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.get("/deliveries/none", status=404)

    assert "none" in refused["error"]["what"]


async def test_router_refuses_in_the_same_form(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        missing = await caller.get("/nowhere", status=404)
        wrong = await caller.post("/status", status=405)

    assert missing["error"]["code"] == "not_found"
    assert wrong["error"]["code"] == "method_not_allowed"
