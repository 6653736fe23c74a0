"""Brings the tables up to date at start-up: one look when they are, Alembic only when they are not."""

from sqlalchemy import Connection, inspect, text

from bot.errors import PermanentError
from bot.journal.migrations import HEAD

# Any number does, as long as every version of this program takes the same.
STARTERS = 7_305_191_846_213


def migrate(connection: Connection) -> None:
    """Migrate within the caller's transaction; of several starters one does it and the others wait for it.

    PermanentError when a newer version of the program has migrated the database already.
    """
    if version(connection) == HEAD:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": STARTERS})
    found = version(connection)
    if found == HEAD:
        return
    # Alembic takes longer to import than everything else here together.
    from bot.journal.migrations.upgrade import known_versions, upgrade

    if found is not None and found not in known_versions():
        raise _newer(found)
    upgrade(connection)


def require_current(connection: Connection) -> None:
    """PermanentError unless the tables are of this version: who only reads migrates nothing."""
    found = version(connection)
    if found != HEAD:
        raise PermanentError(
            f"the journal's tables are of version {found or 'none'}, this program reads {HEAD}: "
            "start the server of the same version once, it migrates them."
        )


def version(connection: Connection) -> str | None:
    """The version of the tables, None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _newer(found: str) -> PermanentError:
    return PermanentError(
        f"the journal's tables are of version {found}, which this program does not know: a newer one has migrated "
        f"them (this one knows up to {HEAD}). Start the newer version, or restore a backup from before."
    )
