"""What is remembered of releases, promotions, environments and Flux objects, in the vocabulary of `bot.records`."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, delete, select

from bot.journal.area import Area, insert_or_ignore, insert_or_update
from bot.journal.behalf import asked_in
from bot.journal.schema_records import baselines, environment_state, promotions, releases, sources
from bot.keys import ApplicationKey, EnvironmentKey, SourceKey
from bot.observing import FailureMark
from bot.records import EnvironmentState, Failure, Promotion, ReleaseRecord, SourceState
from bot.releases import Image, Release
from bot.tracing.promotions import PromotionMark

RELEASE = TypeAdapter(Release)
IMAGES = TypeAdapter(tuple[Image, ...])
SOURCE = TypeAdapter(SourceState)
FAILURE = TypeAdapter(Failure)
OF_EACH = 20
"""How many promotions of each environment are always told, those superseded before they landed left out."""
FAILURES = 50
"""How many failed promotions of a tenant are told at most; a brake needs a handful."""


class Records(Area):
    """The journal's memory, one method to keep and one to read each kind."""

    async def save_release(self, key: ApplicationKey, record: ReleaseRecord) -> None:
        """A release is known from now on; when it was first seen, and whether as baseline, stays as it was."""
        await self._write(lambda c: keep_release(c, key, record))

    async def releases(self, key: ApplicationKey, limit: int = 100) -> tuple[ReleaseRecord, ...]:
        """The releases of an application, newest first seen first."""
        return await self._read(lambda c: _releases(c, key, limit))

    async def save_promotion(self, promotion: Promotion) -> None:
        """Where a promotion stands."""
        await self._write(lambda c: keep_promotion(c, promotion))

    async def promotions(self, key: ApplicationKey, limit: int = 100) -> tuple[Promotion, ...]:
        """Promotions of an application, newest first: the newest `limit`, and of each environment at least 20.

        An environment that gets every build must not hide what was healthy in one that gets a release now and then.
        """
        return await self._read(lambda c: _promotions(c, key, limit))

    async def promotion(self, promotion: str) -> Promotion | None:
        """One promotion by its id."""
        return await self._read(lambda c: _promotion(c, promotion))

    async def promotion_of(self, tenant: str, merge_request: int) -> Promotion | None:
        """The newest promotion a merge request of the tenant's config project belongs to."""
        return await self._read(lambda c: _promotion_of(c, tenant, merge_request))

    async def promotion_marks(self, key: EnvironmentKey) -> tuple[PromotionMark, ...]:
        """The newest promotions into an environment, with the trace in which each began; newest first."""
        return await self._read(lambda c: _promotion_marks(c, key))

    async def failures(self, tenant: str) -> tuple[FailureMark, ...]:
        """The newest promotions of all applications of the tenant that failed, newest first, at most 50.

        What had not failed and a person took back is none of them: it says nothing of the platform.
        """
        return await self._read(lambda c: _failures(c, tenant))

    async def save_environment_state(self, state: EnvironmentState) -> None:
        """What a cluster of an environment runs, and how it is."""
        await self._write(lambda c: keep_environment_state(c, state))

    async def environment_states(self, key: ApplicationKey) -> tuple[EnvironmentState, ...]:
        """Every environment and cluster an application was seen in."""
        return await self._read(lambda c: _environment_states(c, key))

    async def forget_environment_state(self, key: EnvironmentKey, cluster: str) -> None:
        """A cluster no longer serves this environment."""
        await self._write(lambda c: _forget_state(c, key, cluster))

    async def save_source(self, key: SourceKey, state: SourceState) -> None:
        """What a Flux object was last seen to carry."""
        now = self._now()
        await self._write(lambda c: keep_source(c, key, state, now))

    async def source(self, key: SourceKey) -> SourceState | None:
        """What a Flux object was last seen to carry, None at first sight."""
        return await self._read(lambda c: _source(c, key))

    async def save_baseline(self, key: ApplicationKey) -> None:
        """The first sight of an application is recorded; a second time changes nothing."""
        now = self._now()
        await self._write(lambda c: keep_baseline(c, key, now))

    async def baseline(self, key: ApplicationKey) -> datetime | None:
        """When the application was first seen, None when it was not."""
        return await self._read(lambda c: _baseline(c, key))


def keep_release(connection: Connection, key: ApplicationKey, record: ReleaseRecord) -> None:
    """Upsert; version and commit may become known later than the images."""
    values = {
        "tenant": key.tenant,
        "application": key.application,
        "id": record.release.id,
        "version": record.release.version,
        "revision": record.release.commit,
        "images": IMAGES.dump_json(record.release.images).decode(),
        "first_seen": record.first_seen,
        "baseline": record.baseline,
        "tag_moved": record.tag_moved,
    }
    connection.execute(insert_or_update(connection, releases, "first_seen", "baseline").values(values))


def keep_promotion(connection: Connection, promotion: Promotion) -> None:
    """Upsert by id; when it began, and the trace in which it did, stay as they were."""
    values = {
        "id": promotion.id,
        **_place(promotion.key),
        "release_id": promotion.release.id,
        "release": RELEASE.dump_json(promotion.release).decode(),
        "state": promotion.state,
        "because": promotion.because,
        "opened_at": promotion.opened_at,
        "updated_at": promotion.updated_at,
        "merge_request": promotion.merge_request,
        "merged_revision": promotion.merged_revision,
        "healthy_at": promotion.healthy_at,
        "baseline": promotion.baseline,
        "failure": FAILURE.dump_json(promotion.failure).decode() if promotion.failure else None,
        "failed_at": _failed_at(promotion.failure),
        "asked_again_at": promotion.asked_again_at,
        "change": promotion.change,
        "trace": asked_in(),
    }
    connection.execute(insert_or_update(connection, promotions, "opened_at", "trace").values(values))


def _failed_at(failure: Failure | None) -> datetime | None:
    """When it failed by itself; a person's wish to be rid of it is no failure that a brake counts."""
    return None if failure is None or failure.cause == "person" else failure.at


def keep_environment_state(connection: Connection, state: EnvironmentState) -> None:
    """Upsert by environment and cluster."""
    values = {
        **_place(state.key),
        "cluster": state.cluster,
        "release_id": state.release_id,
        "version": state.version,
        "revision": state.revision,
        "health": state.health,
        "ever_healthy": state.ever_healthy,
        "because": state.because,
        "since": state.since,
    }
    connection.execute(insert_or_update(connection, environment_state).values(values))


def keep_source(connection: Connection, key: SourceKey, state: SourceState, now: datetime) -> None:
    """Upsert by key."""
    values = {"key": str(key), "state": SOURCE.dump_json(state), "seen_at": now}
    connection.execute(insert_or_update(connection, sources).values(values))


def keep_baseline(connection: Connection, key: ApplicationKey, now: datetime) -> None:
    """Insert once."""
    values = {"tenant": key.tenant, "application": key.application, "at": now}
    connection.execute(insert_or_ignore(connection, baselines).values(values))


def _place(key: EnvironmentKey) -> dict[str, object]:
    return {"tenant": key.tenant, "application": key.application, "environment": key.environment}


def _releases(connection: Connection, key: ApplicationKey, limit: int) -> tuple[ReleaseRecord, ...]:
    wanted = select(releases).where(releases.c.tenant == key.tenant, releases.c.application == key.application)
    rows = connection.execute(wanted.order_by(releases.c.first_seen.desc(), releases.c.id).limit(limit)).all()
    return tuple(_release_of(row) for row in rows)


def _release_of(row: Row[tuple[object, ...]]) -> ReleaseRecord:
    release = Release(
        application=row.application,
        images=IMAGES.validate_json(row.images),
        version=row.version,
        commit=row.revision,
    )
    return ReleaseRecord(release=release, first_seen=row.first_seen, baseline=row.baseline, tag_moved=row.tag_moved)


def _promotions(connection: Connection, key: ApplicationKey, limit: int) -> tuple[Promotion, ...]:
    known = promotions.c
    wanted = select(promotions).where(known.tenant == key.tenant, known.application == key.application)
    newest = wanted.order_by(known.opened_at.desc(), known.id.desc())
    found = {row.id: row for row in connection.execute(newest.limit(limit)).all()}
    for environment in _environments_of(connection, key) if len(found) == limit else ():
        here = newest.where(known.environment == environment, known.state != "superseded").limit(OF_EACH)
        found |= {row.id: row for row in connection.execute(here).all()}
    return tuple(sorted(map(_promotion_from, found.values()), key=lambda one: (one.opened_at, one.id), reverse=True))


def _environments_of(connection: Connection, key: ApplicationKey) -> Sequence[str]:
    """The environments in which a cluster was seen: elsewhere no release was ever healthy."""
    seen = environment_state.c
    wanted = select(seen.environment).where(seen.tenant == key.tenant, seen.application == key.application)
    return connection.execute(wanted.distinct().order_by(seen.environment)).scalars().all()


def _promotion(connection: Connection, promotion: str) -> Promotion | None:
    rows = connection.execute(select(promotions).where(promotions.c.id == promotion)).all()
    return _only(rows)


def _promotion_of(connection: Connection, tenant: str, merge_request: int) -> Promotion | None:
    wanted = select(promotions).where(promotions.c.tenant == tenant, promotions.c.merge_request == merge_request)
    return _only(connection.execute(wanted.order_by(promotions.c.opened_at.desc()).limit(1)).all())


def _promotion_marks(connection: Connection, key: EnvironmentKey) -> tuple[PromotionMark, ...]:
    known = promotions.c
    here = (
        (known.tenant == key.tenant) & (known.application == key.application) & (known.environment == key.environment)
    )
    newest = select(promotions).where(here).order_by(known.opened_at.desc(), known.id.desc()).limit(OF_EACH)
    return tuple(_mark_of(row) for row in connection.execute(newest).all())


def _mark_of(row: Row[tuple[object, ...]]) -> PromotionMark:
    release = RELEASE.validate_json(row.release)
    return PromotionMark(
        id=row.id,
        release_id=row.release_id,
        release=release.name,
        commit=release.commit,
        merge_request=row.merge_request,
        trace=row.trace,
    )


def _only(rows: Sequence[Row[tuple[object, ...]]]) -> Promotion | None:
    return _promotion_from(rows[0]) if rows else None


def _promotion_from(row: Row[tuple[object, ...]]) -> Promotion:
    return Promotion(
        id=row.id,
        key=EnvironmentKey(row.tenant, row.application, row.environment),
        release=RELEASE.validate_json(row.release),
        state=row.state,
        because=row.because,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        merge_request=row.merge_request,
        merged_revision=row.merged_revision,
        healthy_at=row.healthy_at,
        baseline=row.baseline,
        failure=FAILURE.validate_json(row.failure) if row.failure else None,
        asked_again_at=row.asked_again_at,
        change=row.change,
    )


def _failures(connection: Connection, tenant: str) -> tuple[FailureMark, ...]:
    failed = promotions.c.failed_at
    wanted = select(promotions.c.application, promotions.c.environment, promotions.c.release, failed)
    newest = wanted.where(promotions.c.tenant == tenant, failed.is_not(None)).order_by(failed.desc(), promotions.c.id)
    rows = connection.execute(newest.limit(FAILURES)).all()
    return tuple(
        FailureMark(
            key=EnvironmentKey(tenant, row.application, row.environment),
            at=row.failed_at,
            release=RELEASE.validate_json(row.release).name,
        )
        for row in rows
    )


def _environment_states(connection: Connection, key: ApplicationKey) -> tuple[EnvironmentState, ...]:
    seen = environment_state.c
    wanted = select(environment_state).where(seen.tenant == key.tenant, seen.application == key.application)
    rows = connection.execute(wanted.order_by(seen.environment, seen.cluster)).all()
    return tuple(_state_from(row) for row in rows)


def _state_from(row: Row[tuple[object, ...]]) -> EnvironmentState:
    return EnvironmentState(
        key=EnvironmentKey(row.tenant, row.application, row.environment),
        cluster=row.cluster,
        release_id=row.release_id,
        version=row.version,
        revision=row.revision,
        health=row.health,
        ever_healthy=row.ever_healthy,
        because=row.because,
        since=row.since,
    )


def _forget_state(connection: Connection, key: EnvironmentKey, cluster: str) -> None:
    seen = environment_state.c
    here = (seen.tenant == key.tenant) & (seen.application == key.application) & (seen.environment == key.environment)
    connection.execute(delete(environment_state).where(here, seen.cluster == cluster))


def _source(connection: Connection, key: SourceKey) -> SourceState | None:
    state = connection.execute(select(sources.c.state).where(sources.c.key == str(key))).scalar_one_or_none()
    return None if state is None else SOURCE.validate_json(state)


def _baseline(connection: Connection, key: ApplicationKey) -> datetime | None:
    at = select(baselines.c.at).where(baselines.c.tenant == key.tenant, baselines.c.application == key.application)
    return connection.execute(at).scalar_one_or_none()
