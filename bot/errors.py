"""The two error words of the program: what time may heal, and what a person must mend."""

from datetime import timedelta


class SluiceError(Exception):
    """The base of both; never raised itself. The text says what happened, why, and what to do."""


class TemporaryError(SluiceError):
    """Time may heal it: the work is tried again after `retry_after`, or after the usual back-off when that is None."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StaleError(TemporaryError):
    """The world moved between looking and acting (a lost race, a lost lease): nothing is wrong, look again."""


class PermanentError(SluiceError):
    """A person must act: the work is kept with this reason and can be redelivered once it is mended."""
