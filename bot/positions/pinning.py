"""The markers of a position are pinned and given back: who writes its values changes, and not one other byte.

While an environment is pinned its `$imagepolicy` markers read `$sluice-pinned`, which Flux passes over: narrowing a
policy's range alone would let its stale selection be written once more (design section 6). ConfigurationFault with
file:line where the position cannot be found.
"""

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
    owners = {mark.owner for mark in marks(text, position)}
    if "imagepolicy" in owners:
        return "active"
    return "pinned" if "sluice-pinned" in owners else "none"


def policies(text: str, position: Position) -> tuple[str, ...]:
    """The image policies, as `namespace:name`, that the position's active and pinned markers name; each once."""
    return tuple(dict.fromkeys(mark.image_policy for mark in marks(text, position) if mark.image_policy))


def unmarked_lines(text: str, position: Position) -> tuple[int, ...]:
    """The lines whose tag, digest or whole image Flux would leave as it is: no active or pinned marker stands there."""
    marked = {mark.scalar.start for mark in marks(text, position) if mark.active or mark.pinned}
    slots = [slot for standing in locate(text, position) for slot in standing.slots]
    chosen = [slot.scalar for slot in slots if slot.part in ("tag", "digest", "image")]
    return tuple(sorted({scalar.line for scalar in chosen if scalar.start not in marked}))


def joined(markings: tuple[Marking, ...]) -> Marking:
    """The marking of several positions together: active where one of them is, else pinned where one of them is."""
    if "active" in markings:
        return "active"
    return "pinned" if "pinned" in markings else "none"


def marks(text: str, position: Position) -> tuple[Marked, ...]:
    """Every marker that stands behind a value of the position, in order."""
    starts = {slot.scalar.start for standing in locate(text, position) for slot in standing.slots}
    found = marked_values(text, documents(text, file=position.file))
    return tuple(mark for mark in found if mark.scalar.start in starts)


def _owned(text: str, position: Position, before: Owner, after: Owner) -> str:
    for mark in reversed([mark for mark in marks(text, position) if mark.owner == before]):
        text = text[: mark.start] + after + text[mark.end :]
    return text
