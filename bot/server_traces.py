"""Every delivery gets a trace that others can follow: the sender's, or a fresh one."""

import os
import re

TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""W3C Trace Context, level 1, section 3.2: version ff and all-zero ids are invalid."""


def trace_of(traceparent: str | None) -> str:
    """The sender's trace when its header is valid, else a fresh one."""
    if traceparent is not None and TRACEPARENT.fullmatch(traceparent):
        return traceparent
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-01"
