"""The gates of a promotion, one file each: `judge` says green, waiting or red, and why."""

OVERRIDABLE = frozenset({"healthy before", "approved", "no freeze", "no hold", "loses nothing", "target settled"})
"""What a person with the right to override may pass over, by name. A denied release, an untested head and a branch that
somebody else wrote to are never passed over (design section 5)."""


def gate_name(written: str) -> str:
    """A gate as the table names it, however it was typed: `no-freeze` and `no_freeze` are `no freeze`."""
    return " ".join(written.lower().replace("-", " ").replace("_", " ").split())
