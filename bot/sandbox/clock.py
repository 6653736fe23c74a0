"""The sandbox's own time: it follows the machine's clock until it is frozen or moved forward by the control API."""

from datetime import UTC, datetime, timedelta

from bot.errors import PermanentError


class SandboxClock:
    """Every timestamp the sandbox writes comes from here; waits (intervals, roll-outs, retries) keep real seconds."""

    def __init__(self) -> None:
        self._shift = timedelta(0)
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The sandbox's present as an aware UTC datetime."""
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.now(UTC) + self._shift

    def __call__(self) -> datetime:
        return self.now()

    def advance(self, by: timedelta) -> None:
        """Move forward; never back, because resource versions and commits already carry the later time."""
        if by < timedelta(0):
            raise PermanentError(f"cannot move the sandbox's clock back by {-by}: time in it only goes forward")
        if self._frozen_at is not None:
            self._frozen_at += by
        self._shift += by

    def freeze(self) -> None:
        """Stand still at the present until `thaw`."""
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Go on from the frozen moment."""
        if self._frozen_at is None:
            return
        self._shift = self._frozen_at - datetime.now(UTC)
        self._frozen_at = None
