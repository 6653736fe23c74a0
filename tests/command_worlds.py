"""Commands as rules see them: builders with plain defaults, and what a decision about one comes to."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rule_worlds import (
    APPLICATION,
    NEW,
    NOW,
    OLD,
    STAGING,
    TENANT,
    Memory,
    done,
    merge_request,
    promotion,
    record,
    seen,
)

from bot.actions import Decision, Inside, React, Reply, SettleCommand
from bot.keys import CommandKey, EnvironmentKey
from bot.observing import Bound, Caller, Command, Fault, Heard, NoteSeen, Place, Principal, Promotion, Role, Spoken
from bot.releases import Release
from config.policy import Policy
from handlers.chatops.facts import observe
from handlers.chatops.rule import decide

THREAD = "demo/flux-config:merge_request:3"
KEY = CommandKey(TENANT, THREAD)
WORDS = "f" * 64
CHANGE = "a" * 64
MAINTAINER = Principal(kind="gitlab", id="7", name="maintainer")
PLACE = Place(
    door="note",
    thread=THREAD,
    message="40",
    project="demo/flux-config",
    noteable="merge_request",
    iid=3,
    note=40,
    discussion="d",
)
BOUND = Bound(release_id=NEW.id, release=NEW.name, change=CHANGE)
WAITS = promotion(STAGING, NEW, "ready", merge_request=3, opened_at=NOW - timedelta(minutes=5))


def caller(role: Role = "maintainer", principal: Principal = MAINTAINER, **more: Any) -> Caller:
    """Somebody as GitLab knows them now."""
    return Caller(principal=principal, role=role, **more)


def command(
    said: Spoken | Fault,
    *,
    key: EnvironmentKey | None = STAGING,
    place: Place = PLACE,
    principal: Principal = MAINTAINER,
    bound: Bound = BOUND,
    said_at: datetime = NOW,
    **more: Any,
) -> Command:
    """A line that was heard a moment ago, bound to what waited then."""
    heard = Heard(
        place=place,
        principal=principal,
        line=0,
        text="/sluice something",
        tenant=TENANT,
        said=said if isinstance(said, Spoken) else None,
        fault=said if isinstance(said, Fault) else None,
        words=WORDS,
        said_at=said_at,
        key=key,
        application=key.application if key else "",
        environment=key.environment if key else (said.environment if isinstance(said, Spoken) else ""),
    )
    fields: dict[str, Any] = {"id": "c1", "state": "heard", "because": "", "code": "", "heard_at": NOW, **more}
    return Command(heard=heard, bound=bound, **fields)


def note(**more: Any) -> NoteSeen:
    """The note as it was signed."""
    return NoteSeen(author=MAINTAINER.id, words=WORDS, edited=False, **more)


def thread(*said: Command, who: Caller | None = None, waits: Promotion | None = WAITS, **more: Any) -> Memory:
    """A thread with commands; 1.1.0 waits for staging, where 1.0.0 runs."""
    someone = who or caller()
    memory = Memory(
        known_releases=(record(NEW), record(OLD, baseline=True)),
        environments={STAGING: seen(STAGING, OLD)},
        known_promotions=(*([waits] if waits else []), promotion(STAGING, OLD, baseline=True)),
        merge_requests={STAGING: merge_request(NEW, change=CHANGE)} if waits else {},
        said={KEY: said},
        callers={str(one.heard.principal): someone for one in said},
        notes={PLACE.note: note()},
    )
    return replace(memory, **more)


def decided(memory: Memory, policy: Policy | None = None, now: datetime = NOW) -> Decision:
    """Observe and decide, now."""
    return decide(done(observe(KEY, memory)), policy or memory.policy, now)


def code(decision: Decision) -> str:
    """How the command was settled, `open` when it was not."""
    settled = [one for one in decision.actions if isinstance(one, SettleCommand)]
    assert len(settled) <= 1
    return settled[0].code if settled else "open"


def left(decision: Decision) -> list[Inside]:
    """What the command left behind, beside its own end."""
    apart = (React, Reply, SettleCommand)
    return [one for one in decision.actions if not isinstance(one, apart)]  # type: ignore[misc]


def named(key: EnvironmentKey, verb: str, release: Release | None = None, **more: Any) -> Spoken:
    """A line about an environment."""
    fields = {"version": release.version if release else "", **more}
    return Spoken(verb=verb, application=APPLICATION, environment=key.environment, **fields)
