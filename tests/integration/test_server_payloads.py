"""Every recorded body is accepted over HTTP, by an inbox in memory and by the real journals."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from receiving import (
    NOW,
    SIGNING_TOKEN,
    MemoryInbox,
    ScriptedGates,
    serving,
    signed_by_flux,
    signed_by_gitlab,
    with_token,
)
from shared_payloads import payload_files, payload_id, vectors

from bot.clock import FixedClock, SystemClock
from bot.events import Understood, Unheard, Unreadable
from bot.journal import Journal
from bot.receivers.gitlab import GitlabSecret
from bot.receivers.parsing import parse
from bot.receivers.scopes import Scope
from bot.server import ServerSettings
from bot.server_ports import Inbox

GITLAB = payload_files("gitlab-client-go/**/*.json") + payload_files("gitlab-derived/*.json")
FLUX = payload_files("flux/*.json")
FLAGGER = payload_files("flagger/*.json")


def either(signing_token: str) -> list[GitlabSecret]:
    """Two secrets of the instance: one plain, one signing."""
    everything = Scope("instance")
    return [
        GitlabSecret(scope=everything, tokens=["plain"]),
        GitlabSecret(scope=everything, signing_tokens=[signing_token]),
    ]


SETTINGS = ServerSettings(
    gitlab=either(SIGNING_TOKEN),
    flux={"eu-1": ["hmac-secret"]},
    flagger={"eu-1": ["t0ken"]},
)


async def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


def flux_body(path: Path) -> bytes:
    return str(json.loads(path.read_bytes())["raw"]).encode()


def moment(body: bytes) -> datetime:
    content = json.loads(body) if body else {}
    return datetime.fromisoformat(content["timestamp"]) if "timestamp" in content else NOW


def flagger_path(path: Path) -> str:
    """The route of the hook a body was recorded from."""
    recorded = str(json.loads(path.read_bytes())["path"]).strip("/")
    hook = {"global-event": "event", "slack": "event"}.get(recorded, recorded)
    return f"/gates/eu-1/{hook}" if hook.startswith("confirm") or hook == "rollback" else f"/hooks/flagger/eu-1/{hook}"


@pytest.mark.parametrize("path", GITLAB, ids=payload_id)
async def test_every_gitlab_body_is_accepted_by_token(path: Path) -> None:
    inbox = MemoryInbox()

    async with serving(SETTINGS, inbox=inbox) as url:
        status, answer = await post(url + "/hooks/gitlab", path.read_bytes(), {"X-Gitlab-Token": "plain"})

    assert (status, answer) == (202, {"id": inbox.deliveries[0].id})
    assert isinstance(parse(inbox.deliveries[0]), Understood | Unheard | Unreadable)


@pytest.mark.parametrize("path", GITLAB, ids=payload_id)
async def test_every_gitlab_body_is_accepted_by_signature(path: Path) -> None:
    inbox = MemoryInbox()
    body = path.read_bytes()

    async with serving(SETTINGS, inbox=inbox) as url:
        status, _ = await post(url + "/hooks/gitlab", body, signed_by_gitlab(body))

    assert status == 202
    assert inbox.deliveries[0].idempotency_key == "f5e5f430-f57b"


@pytest.mark.parametrize("path", FLUX, ids=payload_id)
async def test_every_flux_body_is_accepted(path: Path) -> None:
    inbox = MemoryInbox()
    body = flux_body(path)
    headers = signed_by_flux(body, "hmac-secret")

    async with serving(SETTINGS, inbox=inbox, clock=FixedClock(moment(body))) as url:
        status, _ = await post(url + "/hooks/flux/eu-1", body, headers)

    assert status == 202
    assert inbox.deliveries[0].body == body


@pytest.mark.parametrize("path", FLAGGER, ids=payload_id)
async def test_every_flagger_body_is_accepted_at_its_route(path: Path) -> None:
    inbox = MemoryInbox()
    body = with_token(json.loads(path.read_bytes())["body"], "t0ken")
    route = flagger_path(path)

    async with serving(SETTINGS, inbox=inbox, gates=ScriptedGates(open_gates={"confirm-rollout"})) as url:
        status, _ = await post(url + route, body)

    assert status == (200 if route.startswith("/hooks/") or route.endswith("confirm-rollout") else 403)
    assert inbox.deliveries[0].endpoint == route.removeprefix("/hooks").strip("/")
    assert b"t0ken" not in inbox.deliveries[0].body


@pytest.mark.parametrize("version", ["minimal_pre_17.4", "from_17.4", "with_signing_token"])
async def test_the_headers_of_every_gitlab_version_are_accepted(version: str) -> None:
    recorded = vectors("gitlab_delivery_headers")[version]
    headers = {name: value.replace("<secret>", "plain") for name, value in recorded.items()}
    signing = vectors("signatures")["gitlab_signing_token"]
    settings = ServerSettings(gitlab=either(signing["signing_token"]))
    clock = FixedClock(datetime.fromtimestamp(int(signing["webhook-timestamp"]), NOW.tzinfo))
    inbox = MemoryInbox()

    async with serving(settings, inbox=inbox, clock=clock) as url:
        status, _ = await post(url + "/hooks/gitlab", signing["body"].encode(), headers)

    (kept,) = inbox.deliveries
    assert status == 202
    assert kept.headers["x-gitlab-event-uuid"] == recorded["X-Gitlab-Event-UUID"]
    assert kept.idempotency_key == recorded.get("Idempotency-Key", kept.id)


@pytest.fixture(params=["sqlite", "postgresql"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'journal.db'}"
    else:
        url = request.getfixturevalue("postgresql_url").replace("+asyncpg", "")
    opened = await Journal.open(url, SystemClock())
    yield opened
    await opened.close()


async def test_every_body_is_stored_by_the_real_journal(journal: Journal) -> None:
    inbox: Inbox = journal
    requests = [("/hooks/gitlab", path.read_bytes(), {"X-Gitlab-Token": "plain"}) for path in GITLAB]
    requests += [
        (flagger_path(path), with_token(json.loads(path.read_bytes())["body"], "t0ken"), {}) for path in FLAGGER
    ]
    flux = {flux_body(path) for path in FLUX}
    requests += [("/hooks/flux/eu-1", body, signed_by_flux(body, "hmac-secret")) for body in flux]
    patient = replace(SETTINGS, flux_max_age=timedelta(days=1))

    async with serving(patient, inbox=inbox) as url:
        answers = [(await post(url + route, body, headers))[0] for route, body, headers in requests]

    assert set(answers) == {200, 202, 403}
    assert await journal.counts() == {"received": len(requests)}


async def test_a_repeated_delivery_is_stored_once_and_told_so(journal: Journal) -> None:
    headers = {"X-Gitlab-Token": "plain", "Idempotency-Key": "one"}

    async with serving(SETTINGS, inbox=journal) as url:
        first = await post(url + "/hooks/gitlab", b"{}", headers)
        again = await post(url + "/hooks/gitlab", b"{}", headers)

    assert first[0] == again[0] == 202
    assert again[1] == {"id": first[1]["id"], "duplicate": True}
    assert await journal.counts() == {"received": 1}
