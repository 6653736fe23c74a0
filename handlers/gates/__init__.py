"""The gates of a promotion, one file each: `judge` says green, waiting or red, and why."""

OVERRIDABLE = frozenset({"healthy before", "approved", "no freeze", "no hold", "loses nothing", "target settled"})
"""What a person with the right to override may pass over, by name. A denied release, an untested head and a branch that
somebody else wrote to are never passed over (design section 5)."""
