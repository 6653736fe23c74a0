"""What time may heal at GitLab: throttling, breakdowns, and answers that are cut short."""

from datetime import timedelta

import msgspec

from bot.clients.gitlab.errors import error_text, readable, redact
from bot.clients.gitlab.transport import Answer
from bot.errors import PermanentError, TemporaryError


class Throttled(TemporaryError):
    """GitLab said 429 and did nothing: the very same request may be sent again after `seconds`."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message, retry_after=timedelta(seconds=seconds))
        self.seconds = seconds


def throttled(method: str, answer: Answer, seconds: float) -> Throttled:
    """The error for a 429."""
    return Throttled(
        f"GitLab asked to slow down: {method} {readable(answer.url.raw_path)} was answered 429. "
        f"It is tried again in {seconds:.0f} s by itself; lower the request budget in the operator settings, "
        "or raise the limit of the bot's user, if this happens often.",
        seconds=seconds,
    )


def broken(method: str, answer: Answer, *, secret: str, wait: timedelta | None) -> TemporaryError:
    """The error for a 5xx."""
    text = redact(error_text(answer.body), secret)
    return TemporaryError(
        f"GitLab failed: {method} {readable(answer.url.raw_path)} was answered {answer.status}"
        f"{f' ({text})' if text else ''}. It is tried again by itself; look at GitLab's own state if this goes on.",
        retry_after=wait,
    )


def undecodable(answer: Answer, error: msgspec.MsgspecError) -> TemporaryError | PermanentError:
    """The error for a success whose body is not the JSON it should be: cut short may heal, another shape does not."""
    route = f"{readable(answer.url.raw_path)} (status {answer.status}, {len(answer.body)} bytes)"
    if isinstance(error, msgspec.ValidationError):
        return PermanentError(
            f"GitLab's answer to {route} has another shape than expected: {error}. "
            "This GitLab version may be newer or older than Sluice knows: see the supported versions."
        )
    return TemporaryError(
        f"GitLab's answer to {route} is not JSON. A proxy or a maintenance page may have answered instead; "
        "it is tried again by itself."
    )
