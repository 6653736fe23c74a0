"""Live secrets are compared in constant time, all of them each time, so an answer's duration tells nothing.

Plain comparison of webhook tokens was CVE-2022-43411 (Jenkins GitLab plugin) and is how gidgetlab does it today.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import PermanentError


@dataclass(frozen=True, slots=True, repr=False)
class LiveTokens:
    """The tokens that open one door; several while one is being rotated. Keeps digests, never the tokens."""

    digests: tuple[bytes, ...]

    @classmethod
    def of(cls, tokens: Iterable[str]) -> "LiveTokens":
        """Take the tokens as configured; PermanentError for an empty one, which an empty header would match."""
        kept = tuple(tokens)
        if not all(kept):
            raise PermanentError("a webhook token is empty: any request could pass. Set a random one, or remove it.")
        return cls(tuple(digest_of(token) for token in kept))

    def match(self, digest: bytes) -> bool:
        """Whether `digest_of(presented)` is one of ours; every live token is compared, whichever matches."""
        found = False
        for mine in self.digests:
            found |= hmac.compare_digest(mine, digest)
        return found


def digest_of(token: str) -> bytes:
    """Digests have one length, so comparing them does not tell how long a token is."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
