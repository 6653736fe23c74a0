"""Durations as Go writes and reads them, because Flux's messages and specs are made of them."""

import re

from bot.errors import PermanentError

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def seconds_of(text: str) -> float:
    """Read `1h30m`, `15s`, `1.5h` (Go, time.ParseDuration). Raises PermanentError for anything else."""
    if not re.fullmatch(rf"({PART.pattern})+", text):
        raise PermanentError(f"not a duration: {text!r}. Write it as Go does, like 1h30m or 15s")
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))


def go_duration(seconds: float) -> str:
    """Write seconds as Go's Duration.String does: `1h0m0s`, `30.047214138s`, `14.785449ms`, `0s`."""
    nanoseconds = round(seconds * 1e9)
    if nanoseconds == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if nanoseconds < size * 1000:
            return f"{_decimal(nanoseconds, size)}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 1_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 1_000_000_000)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _decimal(value: int, size: int) -> str:
    whole, fraction = divmod(value, size)
    digits = f"{fraction:0{len(str(size)) - 1}d}".rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)
