"""The markers of a position are pinned and given back: who writes its values changes, and not one other byte.

While an environment is pinned its `$imagepolicy` markers read `$sluice-pinned`, which Flux passes over: narrowing a
policy's range alone would let its stale selection be written once more (design section 6). ConfigurationFault with
file:line where the position cannot be found.
"""

from collections.abc import Iterator

from bot.observing import Marking
from bot.positions.locating import locate
from bot.positions.markers import Marked, Owner, marked_values
from config.position import Position
from config.yaml_text import documents


def pin_markers(text: str, position: Position) -> str:
    """`text` with the position's active markers pinned: Flux's image automation no longer writes these values."""
    return _owned(text, position, "imagepolicy", "sluice-pinned")


def unpin_markers(text: str, position: Position) -> str:
    """`text` with the position's pinned markers active again. It undoes `pin_markers` where nothing was pinned."""
    return _owned(text, position, "sluice-pinned", "imagepolicy")


def marking(text: str, position: Position) -> Marking:
    """Who writes the position's values, by their markers."""
    owners = {mark.owner for mark in _marks(text, position)}
    if "imagepolicy" in owners:
        return "active"
    return "pinned" if "sluice-pinned" in owners else "none"


def policies(text: str, position: Position) -> tuple[str, ...]:
    """The image policies, as `namespace:name`, that the position's active and pinned markers name; each once."""
    named = [mark.policy.split(":") for mark in _marks(text, position) if mark.active or mark.pinned]
    return tuple(dict.fromkeys(":".join(parts[:2]) for parts in named if len(parts) > 1))


def joined(markings: tuple[Marking, ...]) -> Marking:
    """The marking of several positions together: active where one of them is, else pinned where one of them is."""
    if "active" in markings:
        return "active"
    return "pinned" if "pinned" in markings else "none"


def _owned(text: str, position: Position, before: Owner, after: Owner) -> str:
    for mark in reversed([mark for mark in _marks(text, position) if mark.owner == before]):
        text = text[: mark.start] + after + text[mark.end :]
    return text


def _marks(text: str, position: Position) -> Iterator[Marked]:
    starts = {slot.scalar.start for standing in locate(text, position) for slot in standing.slots}
    return (mark for mark in marked_values(text, documents(text, file=position.file)) if mark.scalar.start in starts)
