"""Every delivery gets an id that sorts by time, and a trace that others can follow."""

import os
import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""W3C Trace Context, level 1, section 3.2: version ff and all-zero ids are invalid."""


def delivery_id(now: datetime) -> str:
    """A version 7 UUID (RFC 9562, section 5.7, method 3): milliseconds, a fraction of one, then 62 random bits."""
    millis, micros = divmod((now - EPOCH) // MICROSECOND, 1000)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    value = millis << 80 | 7 << 76 | (micros * 4096 // 1000) << 64 | 2 << 62 | random
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def trace_of(traceparent: str | None) -> str:
    """The sender's trace when its header is valid, else a fresh one."""
    if traceparent is not None and TRACEPARENT.fullmatch(traceparent):
        return traceparent
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-01"
