"""GitLab's refusals, translated once into what happened, why, and what to do.

The statuses are those of https://docs.gitlab.com/api/rest/troubleshooting/ (18.x); roles those of
https://docs.gitlab.com/user/permissions/ (18.x).
"""

import json
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from bot.errors import PermanentError

Feature = Literal[
    "project", "merge requests", "merging", "pipelines", "repository", "commit statuses", "deployments",
    "environments", "notes", "issues", "labels", "members", "approvals", "user", "version", "api",
]  # fmt: skip
"""What a request is for: it names the right that is missing when GitLab refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """The least project role and token scope a feature needs."""

    role: str
    scope: str


RIGHTS: dict[Feature, Right] = {
    "project": Right(role="Reporter", scope="read_api"),
    "merge requests": Right(role="Developer", scope="api"),
    "merging": Right(role="allowed to merge into the target branch (Developer or Maintainer)", scope="api"),
    "pipelines": Right(role="Reporter", scope="read_api"),
    "repository": Right(role="Reporter", scope="read_api"),
    "commit statuses": Right(role="Developer", scope="api"),
    "deployments": Right(role="Developer, and allowed to deploy where the environment is protected", scope="api"),
    "environments": Right(role="Developer", scope="api"),
    "notes": Right(role="Reporter", scope="api"),
    "issues": Right(role="Reporter", scope="api"),
    "labels": Right(role="Reporter", scope="api"),
    "members": Right(role="Guest", scope="read_api"),
    "approvals": Right(role="Reporter", scope="read_api"),
    "user": Right(role="none", scope="read_api"),
    "version": Right(role="none", scope="read_api"),
    "api": Right(role="Developer", scope="api"),
}


class GitLabRefusal(PermanentError):
    """GitLab answered 4xx: `status` and `text` (GitLab's own words, redacted) let an effect look before it judges."""

    def __init__(self, message: str, *, status: int, text: str) -> None:
        super().__init__(message)
        self.status = status
        self.text = text


MEANINGS: dict[int, tuple[str, str]] = {
    400: ("GitLab finds the request invalid", "Correct the value it names in the policy or the project's settings"),
    401: (
        "the token is missing, wrong, expired or revoked",
        "Make a new token with scope {scope}, put it where the operator settings say, and redeliver the work",
    ),
    403: (
        "the token's user may not use {feature} here, or the token lacks a scope",
        "Give the user the role {role} in the project and the token the scope {scope}",
    ),
    404: (
        "there is no such thing, or the token's user may not see it",
        "Check the path in the settings, and that the user has the role {role} in the project",
    ),
    405: ("GitLab does not allow this in the present state", "Look at the page of the merge request for its reason"),
    409: ("it conflicts with what is there already", "Look at what is there; the next run starts from that"),
    413: ("the request is too large for GitLab", "Shorten the text that is sent"),
    422: ("GitLab cannot process these values", "Correct the value it names in the policy or the project's settings"),
}

EXCEPTIONS: dict[tuple[int, Feature], tuple[str, str]] = {
    # https://docs.gitlab.com/api/merge_requests/#merge-a-merge-request: 401 here is about the right, not the token.
    (401, "merging"): (
        "the token's user may not merge into this branch, or the token is expired",
        "Let the user merge into the protected branch, or leave merging to people with `merge: manual`",
    ),
    # GitLab says the same word for a feature that is switched off (lib/api/issues.rb, 18.x; gitlab #421244).
    (403, "issues"): (
        "issues are switched off in this project, or the token's user may not write them, or the token lacks a scope",
        "Switch issues on in the project's settings (General, Visibility), give the user the role {role} and the token "
        "the scope {scope}",
    ),
}

_OTHER = ("GitLab answered in a way that is not documented", "Look at GitLab's log for this request")
_REDIRECTED = ("the project or the server has moved", "Write the new path or address into the settings")
_SECRETS = re.compile(
    r"(gl[a-z]{2,9}-[\w.-]{8,}|(?<=bearer )[\w.~+/=-]{6,}|(?<=private_token=)[^\s&]+|(?<=access_token=)[^\s&]+|(?<=://)[^/\s@]+(?=@))",
    re.IGNORECASE,
)


def refusal(*, status: int, method: str, path: str, body: bytes, feature: Feature, secret: str = "") -> GitLabRefusal:
    """The exception for an answer that is neither success, 429 nor 5xx."""
    text = redact(error_text(body), secret)
    why, advice = EXCEPTIONS.get((status, feature)) or MEANINGS.get(status) or _unlisted(status)
    right = RIGHTS[feature]
    words = {"feature": feature, "role": right.role, "scope": missing_scope(body) or right.scope}
    message = (
        f"GitLab refused {method} {readable(path)} with {status}{f' ({text})' if text else ''}: "
        f"{why.format(**words)}. {advice.format(**words)}."
    )
    return GitLabRefusal(redact(message, secret), status=status, text=text)


def error_text(body: bytes) -> str:
    """GitLab's own words out of an error body of any shape, on one line of at most 300 characters."""
    try:
        parsed: object = json.loads(body)
    except ValueError:
        return _one_line(_plain(body.decode("utf-8", "replace")))
    if not isinstance(parsed, dict):
        return _one_line(_flatten(parsed))
    parts = [parsed.get(key) for key in ("message", "error", "error_description", "errors")]
    return _one_line("; ".join(_flatten(part) for part in parts if part))


def missing_scope(body: bytes) -> str:
    """The scope that an `insufficient_scope` answer asks for (RFC 6750 section 3), or nothing."""
    try:
        parsed: object = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(parsed, dict) or parsed.get("error") != "insufficient_scope":
        return ""
    return str(parsed.get("scope") or "")


def redact(text: str, secret: str = "") -> str:
    """The text without the given secret and without anything shaped like a GitLab token or a credential in a URL."""
    if secret:
        text = text.replace(secret, "[redacted]")
    return _SECRETS.sub("[redacted]", text)


def readable(path: str) -> str:
    """A request path for people: decoded and without its query."""
    return unquote(path.partition("?")[0])


def _unlisted(status: int) -> tuple[str, str]:
    return _REDIRECTED if 300 <= status < 400 else _OTHER


def _flatten(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_flatten(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_flatten(item) for item in value)
    return str(value)


def _plain(text: str) -> str:
    return "a page of HTML" if text.lstrip().lower().startswith(("<!doctype", "<html")) else text


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"
