"""Each kind of position finds its slots in a text, or says at which line it cannot."""

from collections.abc import Iterator

from bot.positions.markers import Marked, marked_values
from bot.positions.paths import follow, object_of, one_document, parent
from bot.positions.slots import Part, Slot, Standing, editable, fault
from config.position import ChartVersion, HelmValues, KustomizeImages, OciRef, Position, Setter, YamlPath
from config.yaml_text import Mapping, Node, Scalar, Sequence, child_of, documents, resolved, scalar_of

HELM_PARTS: dict[str, Part] = {"tag": "tag", "digest": "digest", "repository": "repository", "registry": "registry"}
"""The conventional names of an image's parts in chart values."""


def locate(text: str, position: Position) -> tuple[Standing, ...]:
    """Where the position's image stands in `text`: once, or once for every marked line."""
    found = documents(text, file=position.file)
    match position:
        case KustomizeImages():
            return (_kustomize(found, position),)
        case Setter():
            return _setter(text, found, position)
        case HelmValues():
            return (_helm(found, position),)
        case OciRef():
            return (_oci(found, position),)
        case ChartVersion():
            return (_path(found, position.file, position.path, position.object, "tag"),)
        case YamlPath():
            return (_path(found, position.file, position.path, position.object, position.part),)


def _kustomize(found: tuple[Node, ...], position: KustomizeImages) -> Standing:
    images = next((node for node in (child_of(root, "images") for root in found) if node is not None), None)
    items = images.items if isinstance(images, Sequence) else ()
    entries = [item for item in items if scalar_of(item, "name") == position.image]
    if len(entries) != 1:
        names = ", ".join(scalar_of(item, "name") or "?" for item in items) or "none"
        raise fault(
            position.file, entries[1] if entries else images,
            what=f"images has {len(entries)} entries named {position.image}", why=f"it has {names}",
            do="Write exactly one, with newTag, or correct the position's image in .sluice/policy.yaml.",
        )  # fmt: skip
    return _entry(entries[0], position)


def _entry(entry: Node, position: KustomizeImages) -> Standing:
    node = resolved(entry)
    values = {key.text: value for key, value in node.pairs} if isinstance(node, Mapping) else {}
    if "tagSuffix" in values:
        raise fault(
            position.file, values["tagSuffix"], what="tagSuffix stands beside the image", why="it would change the tag",
            do="Take it out, and give the environment its own tag in .sluice/policy.yaml.",
        )  # fmt: skip
    parts: tuple[tuple[str, Part], ...] = (("newName", "name"), ("newTag", "tag"), ("digest", "digest"))
    slots = tuple(Slot(part=p, scalar=editable(position.file, values[key])) for key, p in parts if key in values)
    if not {"tag", "digest"} & {slot.part for slot in slots}:
        raise fault(
            position.file, entry, what=f"the entry {position.image} has neither newTag nor digest",
            why="there is nothing to promote", do="Write newTag with the version that runs now.",
        )  # fmt: skip
    return Standing(slots=slots, name=position.image, names_itself="newName" not in values)


def _setter(text: str, found: tuple[Node, ...], position: Setter) -> tuple[Standing, ...]:
    ours = [mark for mark in marked_values(text, found) if _means(mark.policy, position.marker)]
    if not ours:
        raise fault(
            position.file, None, what=f"no line is marked {position.marker}",
            why="the position names a setter marker that the file does not have",
            do=f'Write # {{"$sluice": "{position.marker}"}} behind the value.',
        )  # fmt: skip
    groups: dict[Node, list[Slot]] = {}
    whole: list[Standing] = []
    for mark in ours:
        slot = _marked_slot(mark, position.file)
        if slot.part == "image":
            whole.append(Standing(slots=(slot,)))
        else:
            groups.setdefault(mark.parent, []).append(slot)
    return (*whole, *(Standing(slots=tuple(slots)) for slots in groups.values()))


def _means(policy: str, marker: str) -> bool:
    return policy == marker or (marker.count(":") == 1 and policy.startswith(f"{marker}:"))


def _marked_slot(mark: Marked, file: str) -> Slot:
    parts: dict[str, Part] = {"": "image", "tag": "tag", "name": "name", "digest": "digest"}
    suffix = mark.policy.split(":", 2)[2] if mark.policy.count(":") > 1 else ""
    if suffix not in parts:
        raise fault(
            file, mark.scalar, what=f"the marker {mark.policy} is unknown", why=f"{suffix} is no part of an image",
            do="Write :tag, :name, :digest, or nothing for the whole image.",
        )  # fmt: skip
    return Slot(part=parts[suffix], scalar=editable(file, mark.scalar))


def _helm(found: tuple[Node, ...], position: HelmValues) -> Standing:
    root = one_document(position.file, found, position.path, position.object)
    node = follow(root, position.path)
    meant = resolved(node) if node is not None else None
    head, last = parent(position.path)
    if isinstance(meant, Mapping):
        return _conventional(meant, position)
    around = follow(root, head) if last == "tag" else None
    around = resolved(around) if around is not None else None
    if isinstance(around, Mapping):
        return _conventional(around, position)
    scalar = editable(position.file, node)
    whole = "/" in scalar.text or "@" in scalar.text
    return Standing(slots=(Slot(part="image" if whole else "tag", scalar=scalar),))


def _conventional(block: Mapping, position: HelmValues) -> Standing:
    slots = tuple(
        Slot(part=HELM_PARTS[key.text], scalar=editable(position.file, value))
        for key, value in block.pairs
        if key.text in HELM_PARTS and not _unset(value)
    )
    parts = {slot.part for slot in slots}
    if not parts & {"tag", "digest"}:
        raise fault(
            position.file, block, what="there is neither tag nor digest at this position",
            why="there is nothing to promote", do="Write tag with the version that runs now.",
        )  # fmt: skip
    if "registry" in parts and "repository" not in parts:
        slots = tuple(slot for slot in slots if slot.part != "registry")
    if "repository" in parts and "registry" not in parts:
        slots = tuple(Slot(part="name", scalar=s.scalar) if s.part == "repository" else s for s in slots)
    return Standing(slots=slots)


def _unset(value: Node) -> bool:
    # Charts write `digest:` or `digest: ""` for "none": filling it in would pin what the author left open.
    return isinstance(value, Scalar) and (value.text in ("", "~", "null"))


def _oci(found: tuple[Node, ...], position: OciRef) -> Standing:
    sources = tuple(root for root in found if object_of(root).startswith("OCIRepository/"))
    root = one_document(position.file, sources, "spec.ref", position.object)
    ref = child_of(root, "spec", "ref")
    slots = [
        Slot(part=part, scalar=editable(position.file, value)) for part, value in _ref_parts(ref) if not _unset(value)
    ]
    if not slots:
        raise fault(
            position.file, ref, what="spec.ref has neither tag nor digest", why="there is nothing to promote",
            do="Write tag with the version that runs now.",
        )  # fmt: skip
    url = follow(root, "spec.url")
    if isinstance(url, Scalar) and url.text.startswith("oci://"):
        slots.append(Slot(part="url", scalar=editable(position.file, url)))
    return Standing(slots=tuple(slots))


def _ref_parts(ref: Node | None) -> Iterator[tuple[Part, Node]]:
    parts: tuple[tuple[str, Part], ...] = (("tag", "tag"), ("digest", "digest"))
    for key, part in parts:
        value = ref.get(key) if isinstance(ref, Mapping) else None
        if value is not None:
            yield part, value


def _path(found: tuple[Node, ...], file: str, path: str, wanted: str, part: Part) -> Standing:
    root = one_document(file, found, path, wanted)
    return Standing(slots=(Slot(part=part, scalar=editable(file, follow(root, path))),))
