"""JSON from outside becomes typed data or an Unreadable with its reason, never an exception.

Only the named fields are decoded, so a field nobody reads cannot make a delivery unreadable. A reason says where the
shape is wrong and never repeats a value.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

import msgspec

from bot.events import Unreadable

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
"""Text that names a thing: not empty, one line, no control characters (PostgreSQL stores no NUL)."""

Line = Annotated[str, msgspec.Meta(max_length=1024, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""The same, possibly empty."""

Segment = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"\A[^\x00-\x20\x7f/]+\Z")]
"""A Kubernetes name or namespace, as it stands between slashes in a key."""

LONGEST_KEY = 300
LONGEST_HEADER = 200


def decode(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T | Unreadable:
    """Decode the fields the decoder's type names; `what` finishes the sentence "the body is no …"."""
    try:
        return decoder.decode(body)
    # RecursionError: nested deeper than the interpreter allows. UnicodeDecodeError: bytes that are no UTF-8.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(reason=f"the body is no {what}: {error}")


def semantic_key(*parts: str) -> str:
    """One text from the parts that make two deliveries say the same; a long one ends in its hash."""
    text = "|".join(part.replace("|", "%7C") for part in parts)
    if len(text) <= LONGEST_KEY:
        return text
    return f"{text[:200]}|sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def storable(header: str) -> str:
    """A header as it may be stored: printable ASCII of modest length, else its hash (equal in, equal out)."""
    if len(header) <= LONGEST_HEADER and header.isascii() and header.isprintable():
        return header
    return f"sha256:{hashlib.sha256(header.encode('utf-8', 'surrogateescape')).hexdigest()}"


def storable_headers(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of the named headers that came, as they may be stored."""
    found = {name: headers[name] for name in names if name in headers}
    together = "".join(found.values())
    if len(together) <= LONGEST_HEADER and together.isascii() and together.isprintable():
        return found
    return {name: storable(header) for name, header in found.items()}


def printable(text: str) -> str:
    """Free text without the NUL characters that a database refuses."""
    return text.replace("\x00", "")
