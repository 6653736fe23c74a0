"""A command that became a request keeps what was meant and who asked, and its thread hears of the end, on both."""

from datetime import timedelta

from journal_cases import START, clock, journal, journal_url, migrated_database, migrated_file

from bot.actions import MarkTold, OpenRequest, SettleRequest
from bot.clock import FixedClock
from bot.commanded import Heard, Place, Principal, Spoken
from bot.journal import Claim, Journal
from bot.keys import CommandKey, EnvironmentKey

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

PRODUCTION = EnvironmentKey("acme", "shop", "production")
THREAD = "team:C1:U1"
KEY = CommandKey("acme", THREAD)
CHAT = Principal(kind="chat", id="T1/U1", name="someone")
LINKED = Principal(kind="gitlab", id="7", name="maintainer")
HEARD = Heard(
    place=Place(door="slack", thread=THREAD, message="m1", chat="team", team="T1", channel="C1"),
    principal=CHAT,
    line=0,
    text="promote to production --override no-hold --reason fire",
    tenant="acme",
    said=Spoken(verb="promote", environment="production", override=("no-hold",), reason="fire"),
    fault=None,
    words="f" * 64,
    said_at=START,
    key=PRODUCTION,
    application="shop",
    environment="production",
)


async def claim_of(journal: Journal, key: object) -> Claim:
    """The work on one key, taken."""
    claims = await journal.claim("worker", lease=timedelta(seconds=30), limit=10)
    (found,) = [claim for claim in claims if claim.key == key]
    return found


def opening(command: str) -> OpenRequest:
    """The rule found out which release and whose account is meant."""
    return OpenRequest(
        command=command,
        key=PRODUCTION,
        kind="promote",
        because="1.2.3 is promoted once its gates are green",
        version="1.2.3",
        release_id="a" * 64,
        principal=LINKED,
    )


async def test_a_request_names_the_release_and_the_account_that_were_meant(journal: Journal) -> None:
    command = await journal.say(HEARD)

    await journal.keep(await claim_of(journal, KEY), [opening(command)])

    (request,) = await journal.requests(PRODUCTION)
    assert (request.id, request.kind, request.version, request.release_id) == (command, "promote", "1.2.3", "a" * 64)
    assert (request.principal, request.account) == ("maintainer", "7")
    assert (request.because, request.override) == ("fire", ("no-hold",))


async def test_the_thread_is_woken_by_the_end_and_told_its_code_once(journal: Journal, clock: FixedClock) -> None:
    command = await journal.say(HEARD)
    thread = await claim_of(journal, KEY)
    await journal.keep(thread, [opening(command)])
    await journal.finish(thread, wake_at=None, because="it waits")
    (request,) = await journal.requests(PRODUCTION)
    clock.at += timedelta(seconds=1)

    answer = SettleRequest(request=request, outcome="refused", because="release-captain cancelled it", code="cancelled")
    await journal.keep(await claim_of(journal, PRODUCTION.owner), [answer])

    thread = await claim_of(journal, KEY)
    (ended,) = await journal.ended_commands(KEY)
    assert (ended.state, ended.code, ended.because) == ("refused", "cancelled", "release-captain cancelled it")
    await journal.keep(thread, [MarkTold(command=command)])
    assert await journal.ended_commands(KEY) == ()
    assert await journal.requests(PRODUCTION) == ()
