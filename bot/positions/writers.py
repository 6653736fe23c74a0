"""One writer per field: whoever else writes a position, or would write it again, is found with file and line."""

from collections.abc import Iterator
from re import compile as pattern

from bot.positions.locating import locate
from bot.positions.markers import marked_values
from bot.positions.paths import follow, object_of
from config.diagnostics import Diagnostic
from config.position import ChartVersion, OciRef, Position
from config.yaml_text import Mapping, Node, Scalar, child_of, documents, resolved

EXACT_VERSION = pattern(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
"""Everything else in a chart version is a range to Helm (Masterminds/semver)."""


def find_writers(text: str, position: Position) -> tuple[Diagnostic, ...]:
    """Image automation's markers and version ranges at the position; ConfigurationFault when it cannot be found."""
    return find_ranges(text, position) or tuple(_markers(text, position))


def find_ranges(text: str, position: Position) -> tuple[Diagnostic, ...]:
    """Version ranges at the position, by which the cluster chooses what runs whoever else writes there."""
    return tuple(_ranges(text, position))


def _markers(text: str, position: Position) -> Iterator[Diagnostic]:
    starts = {slot.scalar.start for standing in locate(text, position) for slot in standing.slots}
    for mark in marked_values(text, documents(text, file=position.file)):
        if mark.pinned and mark.scalar.start in starts:
            yield Diagnostic(
                file=position.file,
                line=mark.scalar.line,
                column=mark.column,
                code="pinned-marker",
                what=f"this line is pinned away from image automation ({mark.policy}), but merge requests write it",
                why="lifting the pin would give the line back to image automation, over every promotion",
                do="Replace $sluice-pinned by $sluice in the marker, or use delivery: image_automation.",
            )
        if mark.active and mark.scalar.start in starts:
            yield Diagnostic(
                file=position.file,
                line=mark.scalar.line,
                column=mark.column,
                code="two-writers",
                what=f"image automation writes this line too ({mark.policy})",
                why="it would commit its own choice over every promotion and rollback",
                do="Replace $imagepolicy by $sluice in the marker, or use delivery: image_automation or observe.",
            )


def _ranges(text: str, position: Position) -> Iterator[Diagnostic]:
    roots = documents(text, file=position.file)
    if isinstance(position, ChartVersion):
        for root in roots:
            node = follow(root, position.path) if position.object in ("", object_of(root)) else None
            meant = resolved(node) if node is not None else None
            if isinstance(meant, Scalar) and not EXACT_VERSION.fullmatch(meant.text):
                yield _range(position.file, meant, meant.text or "an empty version")
    if isinstance(position, OciRef):
        for root in roots:
            ref = child_of(root, "spec", "ref") if object_of(root).startswith("OCIRepository/") else None
            wanted = position.object in ("", object_of(root))
            for key in ("semver", "semverFilter"):
                value = ref.get(key) if wanted and isinstance(ref, Mapping) else None
                if value is not None:
                    yield _range(position.file, value, f"spec.ref.{key}")


def _range(file: str, node: Node, what: str) -> Diagnostic:
    return Diagnostic(
        file=file,
        line=node.line,
        column=node.column,
        code="version-range",
        what=f"{what} lets the cluster choose the version",
        why="Flux would move on by itself, past every gate",
        do="Write the exact version that runs now.",
    )
