"""People roll back, allow and hold through the API: who and why is kept, and the application is looked at first."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_cases import (
    POLICY,
    RELEASE,
    SHOP,
    STAGING,
    START,
    WORSE,
    adopt,
    governing,
    serving,
    tell_rollback,
    tell_story,
)
from journal_cases import take_one

from bot.actions import SettleRequest
from bot.journal import Journal
from bot.records import ReleaseRecord, Request
from bot.releases import Release
from config.policy import Policy

PLACE = {"application": "shop", "environment": "staging"}
ROLLBACK = {**PLACE, "reason": "orders\n are lost"}
NEXT = Release(application="shop", images=(), version="1.2.0")


async def settle(journal: Journal, request: Request, because: str) -> None:
    """What a rule does with a request."""
    await journal.keep(await take_one(journal), [SettleRequest(request=request, outcome="refused", because=because)])


async def test_rollback_is_asked_for_what_git_declares(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)
        await adopt(caller.journal)

        taken = await caller.post("/rollbacks", ROLLBACK)

        (request,) = await caller.journal.requests(STAGING)
        claim = await take_one(caller.journal)
    assert (taken["state"], taken["bound_to"]) == ("open", "app:demo/shop@staging")
    assert "1.0.0" in taken["because"]
    assert request == Request(
        id=taken["command"],
        key=STAGING,
        kind="rollback",
        principal="ci",
        because="orders are lost",
        at=START,
        version="1.0.0",
    )
    assert (claim.key, claim.because) == (SHOP, "ci asked for rollback of staging")


async def test_rollback_may_name_a_version_and_deny_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)
        await adopt(caller.journal)

        await caller.post("/rollbacks", {**ROLLBACK, "version": "0.9.0", "deny": True})

        (request,) = await caller.journal.requests(STAGING)
    assert (request.version, request.deny) == ("0.9.0", True)


async def test_version_that_was_never_there_is_not_taken_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)
        await adopt(caller.journal)
        await caller.journal.save_release(SHOP, ReleaseRecord(release=NEXT, first_seen=START))

        never = await caller.post("/rollbacks", {**ROLLBACK, "version": "1.2.0"}, status=409)
        unknown = await caller.post("/rollbacks", {**ROLLBACK, "version": "1.0.9"}, status=404)
        waiting = await caller.post("/rollbacks", {**ROLLBACK, "version": "1.1.0"}, status=404)

        requests = await caller.journal.requests(STAGING)
    assert (never["error"]["code"], never["error"]["what"]) == ("never_there", "1.2.0 was never in staging.")
    assert "1.0.0, 0.9.0" in never["error"]["why"]
    assert unknown["error"]["code"] == "unknown_version"
    assert unknown["error"]["do"].startswith("Did you mean ")
    assert "1.0.0" in unknown["error"]["do"]
    assert waiting["error"]["what"] == "There is no version '1.1.0' of staging."
    assert requests == ()


async def test_denied_version_may_be_asked_in_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_rollback(caller.journal, caller.clock)
        await adopt(caller.journal)

        taken = await caller.post("/allow", {**PLACE, "version": "1.1.0", "reason": "the probe was wrong"})

        (request,) = await caller.journal.requests(STAGING)
    assert (request.kind, request.version, request.because) == ("allow", "1.1.0", "the probe was wrong")
    assert "1.1.0 is revoked" in taken["because"]


async def test_command_tells_the_answer_once_a_rule_gave_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_rollback(caller.journal, caller.clock)
        await adopt(caller.journal)
        number = (await caller.post("/rollbacks", {**ROLLBACK, "version": "1.1.0", "deny": True}))["command"]
        (request,) = await caller.journal.requests(STAGING)

        before = await caller.get(f"/commands/{number}")
        caller.clock.at += timedelta(seconds=3)
        await settle(caller.journal, request, "1.1.0 was taken back already")
        after = await caller.get(f"/commands/{number}")

    assert (before["state"], before["settled_at"], before["reason"]) == ("open", None, "orders are lost")
    assert (before["principal"], before["door"], before["kind"]) == ("ci", "api", "rollback")
    assert before["text"] == "rollback shop staging 1.1.0 --deny"
    assert (after["state"], after["because"]) == ("refused", "1.1.0 was taken back already")
    assert after["settled_at"] == "2026-03-02T09:00:03Z"


async def test_unknown_command_is_404(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.get("/commands/none", status=404)

    assert "none" in refused["error"]["what"]


@pytest.mark.parametrize("path", ["/rollbacks", "/allow", "/holds", "/holds/lift"])
async def test_unknown_names_are_answered_with_known_ones(tmp_path: Path, path: str) -> None:
    body = {"reason": "a test", "version": "1.0.0"} if path == "/allow" else {"reason": "a test"}
    async with serving(tmp_path) as caller:
        application = await caller.post(path, {**body, "application": "shpo", "environment": "staging"}, status=404)
        environment = await caller.post(path, {**body, "application": "shop", "environment": "stagin"}, status=404)

    assert (application["error"]["do"], environment["error"]["do"]) == ("Did you mean shop?", "Did you mean staging?")


@pytest.mark.parametrize(
    "body",
    [
        PLACE,
        {**PLACE, "reason": "  "},
        {**PLACE, "reason": "x" * 501},
        {**ROLLBACK, "denny": True},
        {**ROLLBACK, "deny": "yes"},
    ],
)
async def test_unclear_rollbacks_are_refused(tmp_path: Path, body: dict[str, object]) -> None:
    async with serving(tmp_path) as caller:
        await adopt(caller.journal)

        refused = await caller.post("/rollbacks", body, status=400)

        requests = await caller.journal.requests(STAGING)
    assert refused["error"]["code"] == "bad_request"
    assert requests == ()


async def test_nothing_is_asked_where_the_bot_only_observes(tmp_path: Path) -> None:
    observing = governing("demo")
    observing.learn("demo", Policy.parse(POLICY.replace("mode: act", "mode: observe")))
    async with serving(tmp_path, tenants=observing) as caller:
        await tell_story(caller.journal)

        stranger = await caller.post("/rollbacks", ROLLBACK, status=409)
        await adopt(caller.journal)
        observed = await caller.post("/rollbacks", ROLLBACK, status=409)

        requests = await caller.journal.requests(STAGING)
    assert stranger["error"]["do"] == "`sluice adopt demo` lets it act."
    assert "mode: observe" in observed["error"]["why"]
    assert requests == ()


async def test_hold_stands_until_it_is_lifted(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        taken = await caller.post("/holds", {**PLACE, "reason": "the sale is on"})
        held = (await caller.get("/holds?application=shop"))["holds"]
        elsewhere = (await caller.get("/status"))["environments"][0]["holds"]
        status = (await caller.get("/status"))["environments"][1]["holds"]
        lifted = await caller.post("/holds/lift", PLACE)
        left = (await caller.get("/holds"))["holds"]
        again = await caller.post("/holds/lift", PLACE, status=404)

    assert (taken["state"], lifted["state"]) == ("done", "done")
    assert "until somebody lifts it" in taken["because"]
    assert [(hold["environment"], hold["principal"], hold["because"], hold["until"]) for hold in held] == [
        ("staging", "ci", "the sale is on", None)
    ]
    assert (elsewhere, status) == ([], held)
    assert left == []
    assert again["error"]["what"] == "Nobody holds shop in staging."


async def test_hold_where_the_build_is_followed_promises_no_more_than_it_holds(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        taken = await caller.post("/holds", {**PLACE, "environment": "dev", "reason": "the sale is on"})

    assert "it follows its build by itself, which no hold stops" in taken["because"]


@pytest.mark.parametrize("end", [{"for": "4h"}, {"until": "2026-03-02T14:00:00+01:00"}])
async def test_hold_may_end_by_itself(tmp_path: Path, end: dict[str, str]) -> None:
    async with serving(tmp_path) as caller:
        await caller.post("/holds", {**PLACE, "reason": "the sale is on", **end})

        (hold,) = await caller.journal.holds(STAGING)
        caller.clock.at += timedelta(hours=4)
        left = (await caller.get("/holds"))["holds"]

    assert hold.until == START + timedelta(hours=4)
    assert left == []


@pytest.mark.parametrize(
    "end",
    [
        {"for": "4 hours"},
        {"for": "0s"},
        {"until": "2026-03-02T09:00:00Z"},
        {"until": "2026-03-02T19:00:00"},
        {"until": "2026-03-02T19:00:00Z", "for": "4h"},
        {"till": "2026-03-02T19:00:00Z"},
    ],
)
async def test_unclear_end_of_a_hold_is_refused(tmp_path: Path, end: dict[str, str]) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.post("/holds", {**PLACE, "reason": "the sale is on", **end}, status=400)

        held = await caller.journal.holds(STAGING)
    assert all(refused["error"].values())
    assert held == ()


async def test_holds_of_unknown_names_are_404(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        application = await caller.get("/holds?application=shpo", status=404)
        tenant = await caller.get("/holds?tenant=dmo", status=404)

    assert (application["error"]["do"], tenant["error"]["do"]) == ("Did you mean shop?", "Did you mean demo?")


async def test_status_tells_what_was_taken_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_rollback(caller.journal, caller.clock)

        _, staging = (await caller.get("/status"))["environments"]

    assert (staging["promotion"]["state"], staging["promotion"]["failure"]) == ("rolled_back", "measured")
    assert staging["denied"] == [RELEASE.version]
    assert staging["pin"] == {
        "version": "1.0.0",
        "instead_of": "1.1.0",
        "failure": "measured",
        "since": "2026-03-02T09:00:00Z",
        "because": WORSE,
        "by": "ci",
    }
