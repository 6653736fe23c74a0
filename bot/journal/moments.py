"""Moments are stored as whole microseconds since 1970 in UTC: they sort, compare and add alike in both databases.

SQLite has no timestamp type (texts sort wrongly as soon as two formats meet) and PostgreSQL's depends on the session's
time zone; an integer leaves neither a choice, and Python's datetime has exactly this resolution.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware moment; TypeError for a naive one."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC moment that `to_micros` gave."""
    return EPOCH + timedelta(microseconds=micros)


class Moment(TypeDecorator[datetime]):
    """A column of aware UTC moments, kept as integer microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """An aware moment on its way into the database."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """A moment on its way out."""
        return None if value is None else from_micros(value)
