"""What git says when it fails, translated once: a lost race, a missing right, or a server that is away."""

import re

from bot.clients.git.process import Finished
from bot.errors import PermanentError, SluiceError, StaleError, TemporaryError

_LOST_RACE = (
    "(stale info)", "(fetch first)", "(non-fast-forward)", "(already exists)", "cannot lock ref",
    "failed to update ref", "reference already exists", "incorrect old value provided",
)  # fmt: skip
_PROTECTED = ("protected branch", "pre-receive hook declined", "deny updating", "not allowed to force push")
_NO_RIGHT = (
    "not allowed to push", "not allowed to upload", "You are not allowed", "returned error: 403", "insufficient_scope",
)  # fmt: skip
_NO_TOKEN = (
    "Authentication failed", "HTTP Basic: Access denied", "could not read Username", "could not read Password",
    "returned error: 401",
)  # fmt: skip
_NOT_THERE = re.compile(
    r"repository '[^']*' not found|could not be found|returned error: 404|does not appear to be a git repo",
    re.IGNORECASE,
)
_SERVER_FAULT = ("internal api unreachable", "api is not accessible", "internal server error", "returned error: 5")
"""GitLab's own hooks say these when GitLab is broken, and the push is then "declined" all the same."""


class PushRefused(PermanentError):
    """The branch is closed to the bot's pushes: protected, or without the right. Another way may be open."""


def lost_race(text: str) -> bool:
    """Whether the push was rejected because the branch is not where it was expected."""
    return any(sign in text for sign in _LOST_RACE)


def rejected_push(branch: str, finished: Finished) -> SluiceError:
    """The error for a push that did not happen. StaleError: somebody else wrote first. PushRefused: no right."""
    text = finished.output.decode("utf-8", "replace") + finished.errors
    if lost_race(text):
        return StaleError(
            f"the push to {branch} was refused: the branch has moved since it was read. "
            "Nothing was overwritten; it is looked at again by itself."
        )
    if not _any(text, _SERVER_FAULT) and (_any(text, _PROTECTED) or _any(text, _NO_RIGHT)):
        return PushRefused(
            f"the push to {branch} was refused{_said(text)}: the branch is protected or the bot's user may not write. "
            "Let the user push to this branch (Developer, and allowed in the branch's protection; token scope "
            "write_repository), or let changes go by merge request only."
        )
    return failed(f"the push to {branch}", finished)


def failed(what: str, finished: Finished) -> SluiceError:
    """The error for any other command that talks to the server. What is not known to be lasting is temporary."""
    text = finished.errors
    if _any(text, _NO_TOKEN):
        return PermanentError(
            f"{what} failed{_said(text)}: the server does not accept the token. Make a new one with the scopes "
            "read_repository and write_repository, put it where the operator settings say, and redeliver the work."
        )
    if _any(text, _NO_RIGHT):
        return PermanentError(
            f"{what} failed{_said(text)}: the token's user may not do this. Give it the role Developer in the project "
            "and the token the scopes read_repository and write_repository."
        )
    if _NOT_THERE.search(text):
        return PermanentError(
            f"{what} failed{_said(text)}: there is no such repository, or the token's user may not see it. "
            "Check the project's path in the operator settings and the user's role."
        )
    return TemporaryError(
        f"{what} failed{_said(text)}. It is tried again by itself; look at the network or the server if this goes on."
    )


def _any(text: str, signs: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(sign.lower() in lowered for sign in signs)


def _said(text: str) -> str:
    """The telling line of git's words, without addresses that could hold a credential."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s*(remote: *\S|fatal:|error:|!)", line)]
    telling = next((line for line in lines if re.search(r"GitLab|fatal|not allowed", line)), lines[0] if lines else "")
    return f" ({re.sub(r'://[^/@ ]*@', '://', telling)[:300]})" if telling else ""
