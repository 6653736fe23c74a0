"""A stored body is shown only with everything masked that looks like a secret or an address of a person."""

import re
from collections.abc import Mapping

import msgspec

MASKED = "[masked]"
SECRET_NAMES = re.compile(
    r"token|secret|passw|authori[sz]ation|credential|cookie|private|signature|api_?key|e-?mail|^variables$|ssh_url",
    re.IGNORECASE,
)
"""Names of fields whose values are masked whole. GitLab's pipelines carry `variables`, users carry `email`."""
SECRET_TEXTS = re.compile(
    r"gl[a-z]{2,6}-[\w.-]{8,}|whsec_[\w+/=]+|(?<=://)[^/@\s]+@|[\w.+-]+@[\w-]+\.[\w.-]+|(?i:bearer\s+)[\w.~+/=-]+"
)
"""GitLab's own token prefixes, signing tokens, credentials in URLs, addresses of people, bearer tokens."""


def redacted(body: bytes) -> object:
    """The body as JSON without secrets; MASKED when it is no JSON, because then nothing can be told apart."""
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return MASKED
    return _masked(found)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return SECRET_TEXTS.sub(MASKED, value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): MASKED if _is_secret(str(name), item) else _masked(item) for name, item in value.items()}
    return value


def _is_secret(name: str, value: object) -> bool:
    """An empty value or a yes or no tells nothing, and masking it would hide that it is empty."""
    return bool(SECRET_NAMES.search(name)) and value not in (None, "", True, False, [], {})
