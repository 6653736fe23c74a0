"""A config repository is looked through before it is trusted: every position of its policy, and who writes it."""

from collections.abc import Callable, Iterator

from bot.positions.editing import read_images
from bot.positions.markers import Marked
from bot.positions.pinning import marks, unmarked_lines
from bot.positions.writers import find_ranges, find_writers
from config.diagnostics import ConfigurationFault, Diagnostic
from config.policy import POLICY_FILE, EnvironmentPolicy, Policy, Position

Reader = Callable[[str], str | None]
"""The text of a file of the repository by its path from the root; None when there is none."""


def pairs(policy: Policy) -> Iterator[EnvironmentPolicy]:
    """Every application in every environment of the policy."""
    for application in policy.applications:
        for environment in policy.environments_of(application):
            yield policy.environment(application, environment)


def check_positions(policy: Policy, read: Reader) -> tuple[Diagnostic, ...]:
    """Positions that cannot be read, or that somebody else writes than the delivery says."""
    found: dict[Diagnostic, None] = {}
    for pair in pairs(policy):
        pinned = read(policy.pin_file(pair.application, pair.name)) is not None
        for position in pair.positions:
            found |= dict.fromkeys(_position(pair, position, read(position.file), pinned=pinned))
        if pair.delivery == "image_automation":
            found |= dict.fromkeys(_several(pair, read))
    return tuple(found)


def _position(pair: EnvironmentPolicy, position: Position, text: str | None, *, pinned: bool) -> tuple[Diagnostic, ...]:
    if text is None:
        return (_missing(pair, position.file),)
    try:
        match pair.delivery:
            case "merge_request":
                others = find_writers(text, position)
            case "image_automation":
                others = find_ranges(text, position) or tuple(_markers(pair, text, position, pinned=pinned))
            case "observe":
                others = ()
        if not others:
            read_images(text, position)
    except ConfigurationFault as error:
        return error.diagnostics
    return others


def _markers(pair: EnvironmentPolicy, text: str, position: Position, *, pinned: bool) -> Iterator[Diagnostic]:
    for line in unmarked_lines(text, position):
        yield Diagnostic(
            file=position.file,
            line=line,
            code="no-marker",
            what=f"image automation should write this line for {pair.name}, but it carries no marker",
            why="Flux writes marked lines alone, so a promotion would never arrive here",
            do='Write # {"$imagepolicy": "namespace:name:tag"} behind it (:digest, or nothing for a whole image).',
        )
    for mark in marks(text, position):
        if mark.pinned and not pinned:
            yield _at(
                mark,
                position.file,
                code="pinned-marker",
                what="image automation is kept from this line, but nothing is pinned",
                why=f"{pair.application} has no file in .sluice/pins/{pair.name}, so nothing will ever give it back",
                do="Replace $sluice-pinned by $imagepolicy in the marker, or restore the pin from the Git history.",
            )
        if mark.active and pinned:
            yield _at(
                mark,
                position.file,
                code="pin-undone",
                what=f"{pair.application} is pinned in {pair.name}, but image automation may write this line",
                why="it would commit the release that was taken back, once more",
                do="Replace $imagepolicy by $sluice-pinned in the marker; Sluice gives it back when the pin is lifted.",
            )


def _several(pair: EnvironmentPolicy, read: Reader) -> Iterator[Diagnostic]:
    named: dict[str, str] = {}
    for position in pair.positions:
        for mark in _marks(position, read(position.file)):
            policy = mark.image_policy
            if policy and named.setdefault(position.of, policy) != policy:
                yield _at(
                    mark,
                    position.file,
                    code="several-policies",
                    what=f"{position.of} is chosen by {named[position.of]} and by {policy} in {pair.name}",
                    why="two policies may choose two versions of one image",
                    do="Name the same ImagePolicy in every marker of the image.",
                )


def _marks(position: Position, text: str | None) -> tuple[Marked, ...]:
    try:
        return () if text is None else marks(text, position)
    except ConfigurationFault:
        return ()  # told already, with the position itself


def _at(mark: Marked, file: str, *, code: str, what: str, why: str, do: str) -> Diagnostic:
    return Diagnostic(file=file, line=mark.scalar.line, column=mark.column, code=code, what=what, why=why, do=do)


def _missing(pair: EnvironmentPolicy, file: str) -> Diagnostic:
    return Diagnostic(
        file=file,
        code="position-file",
        what="this file does not exist",
        why=f"{POLICY_FILE} says that an image of {pair.application} stands there in {pair.name}",
        do="Add the file, or correct the position.",
    )
