"""Whatever the order of events, no key has two owners and nothing that was dirtied is forgotten."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_cases import LEASE, clock, journal, journal_url, migrated_database, migrated_file
from sqlalchemy import Connection, delete

from bot.clock import FixedClock
from bot.errors import StaleError, TemporaryError
from bot.journal import Claim, Journal
from bot.journal.schema import work, work_causes
from bot.keys import ApplicationKey, Key

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

KEYS = [ApplicationKey("acme", name) for name in ("cart", "shop")]
LONG = timedelta(days=1)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("dirty"), st.integers(0, 1)),
        st.tuples(st.just("claim"), st.integers(1, 2)),
        st.tuples(st.just("finish"), st.integers(0, 3)),
        st.tuples(st.just("retry"), st.integers(0, 3)),
        st.tuples(st.just("renew"), st.integers(0, 3)),
        st.tuples(st.just("bury"), st.integers(0, 3)),
        st.tuples(st.just("pass"), st.integers(1, 40)),
    ),
    max_size=25,
)


@dataclass
class World:
    """What the test knows beside the journal."""

    journal: Journal
    clock: FixedClock
    held: list[Claim] = field(default_factory=list)
    live: dict[Key, Claim] = field(default_factory=dict)
    dirtied: dict[Key, int] = field(default_factory=dict)
    covered: dict[Key, int] = field(default_factory=dict)
    buried: dict[Key, int] = field(default_factory=dict)
    highest_fence: dict[Key, int] = field(default_factory=dict)

    async def step(self, name: str, number: int) -> None:
        """Do one thing, and check what it answers against what is known."""
        if name == "dirty":
            await self.dirty(KEYS[number])
        elif name == "claim":
            await self.claim(number)
        elif name == "pass":
            self.clock.at += timedelta(seconds=number)
        elif self.held:
            await self.give_back(name, self.held[number % len(self.held)])

    async def dirty(self, key: Key) -> None:
        """A number beyond all before."""
        number = await self.journal.dirty([key], because="event")
        assert number > max(self.dirtied.values(), default=0)
        self.dirtied[key] = number

    async def claim(self, limit: int) -> None:
        """No key whose lease is alive, and always a higher fence."""
        for claim in await self.journal.claim("worker", lease=LEASE, limit=limit):
            alive = self.live.get(claim.key)
            assert alive is None or alive.lease_until <= self.clock.at
            assert claim.fence > self.highest_fence.get(claim.key, 0)
            assert claim.to_seq == self.dirtied[claim.key]
            assert claim.from_seq == self.covered.get(claim.key, 0)
            self.highest_fence[claim.key] = claim.fence
            self.live[claim.key] = claim
            self.held.append(claim)

    async def give_back(self, name: str, claim: Claim) -> None:
        """Only the newest claim of a key counts; all others are told that they are late."""
        newest = self.live.get(claim.key)
        current = newest is not None and newest.fence == claim.fence
        try:
            renewed = await self.say(name, claim)
        except StaleError:
            assert not current
            self.held.remove(claim)
            return
        assert current
        if renewed is not None:
            self.live[claim.key] = renewed
            self.held[self.held.index(claim)] = renewed
            return
        self.held.remove(claim)
        del self.live[claim.key]

    async def say(self, name: str, claim: Claim) -> Claim | None:
        """Finish, retry, bury or renew; only the last leaves a claim."""
        if name == "finish":
            await self.journal.finish(claim, wake_at=None, because="done")
            self.covered[claim.key] = claim.to_seq
        elif name == "retry":
            await self.journal.retry(claim, error=TemporaryError("down"))
        elif name == "bury":
            await self.journal.bury(claim, reason="broken")
            self.buried[claim.key] = claim.to_seq
        else:
            return await self.journal.renew(claim, LEASE)
        return None

    async def work_off(self) -> None:
        """Finish whatever becomes due until nothing does."""
        self.clock.at += LONG
        while claims := await self.journal.claim("last", lease=LEASE, limit=10):
            for claim in claims:
                await self.say("finish", claim)
            self.clock.at += LONG


def _empty(connection: Connection) -> None:
    connection.execute(delete(work_causes))
    connection.execute(delete(work))


@given(steps=steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_key_has_two_owners_and_every_dirtying_is_covered(
    journal: Journal, clock: FixedClock, steps: list[tuple[str, int]]
) -> None:
    await journal._write(_empty)
    counted = await journal.dirty([KEYS[0]], because="where the counter stands")
    await journal._write(_empty)
    clock.at = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
    world = World(journal=journal, clock=clock, dirtied={ApplicationKey("none", "none"): counted})

    for name, number in steps:
        await world.step(name, number)
    await world.work_off()

    for key, number in world.dirtied.items():
        last_buried = world.buried.get(key, 0)
        assert key not in KEYS or number <= max(world.covered.get(key, 0), last_buried)
    dead = {one.key for one in await journal.dead_work()}
    assert dead == {key for key, seq in world.buried.items() if seq == world.dirtied[key] and seq > covered(world, key)}


def covered(world: World, key: Key) -> int:
    """Up to which number the key's dirtyings were finished."""
    return world.covered.get(key, 0)
