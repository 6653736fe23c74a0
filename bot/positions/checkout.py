"""A config repository is looked through before it is trusted: every position and release file of its policy."""

from collections.abc import Callable, Iterable, Iterator

from bot.errors import PermanentError
from bot.positions.editing import read_images
from bot.positions.records import environment_of_release_file, parse_release_file
from bot.positions.writers import find_writers
from config.diagnostics import ConfigurationFault, Diagnostic
from config.policy import POLICY_FILE, RELEASES, EnvironmentPolicy, Policy, Position

Reader = Callable[[str], str | None]
"""The text of a file of the repository by its path from the root; None when there is none."""


def check_positions(policy: Policy, read: Reader) -> tuple[Diagnostic, ...]:
    """Positions that cannot be read, and fields that merge requests would share with another writer."""
    found: dict[Diagnostic, None] = {}
    for pair in _pairs(policy):
        for position in pair.positions:
            found |= dict.fromkeys(_position(pair, position, read))
    return tuple(found)


def check_release_files(policy: Policy, files: Iterable[str], read: Reader) -> tuple[Diagnostic, ...]:
    """Release files that cannot be read, or that belong to nothing in the policy. A missing one is no fault: it comes
    with the first promotion."""
    known = {policy.release_file(pair.application, pair.name): pair for pair in _pairs(policy)}
    found: list[Diagnostic] = []
    for file in sorted(files):
        if file.startswith(f"{RELEASES}/"):
            found += _release_file(file, known.get(file), read(file) or "")
    return tuple(found)


def _pairs(policy: Policy) -> Iterator[EnvironmentPolicy]:
    for application in policy.applications:
        for environment in policy.environments_of(application):
            yield policy.environment(application, environment)


def _position(pair: EnvironmentPolicy, position: Position, read: Reader) -> tuple[Diagnostic, ...]:
    text = read(position.file)
    if text is None:
        return (_missing(pair, position.file),)
    try:
        writers = find_writers(text, position) if pair.delivery == "merge_request" else ()
        if not writers:
            read_images(text, position)
    except ConfigurationFault as error:
        return error.diagnostics
    return writers


def _missing(pair: EnvironmentPolicy, file: str) -> Diagnostic:
    return Diagnostic(
        file=file,
        code="position-file",
        what="this file does not exist",
        why=f"{POLICY_FILE} says that an image of {pair.application} stands there in {pair.name}",
        do="Add the file, or correct the position.",
    )


def _release_file(file: str, pair: EnvironmentPolicy | None, text: str) -> Iterator[Diagnostic]:
    if pair is None:
        yield Diagnostic(
            file=file,
            code="release-file",
            what="this release file belongs to nothing",
            why="the policy has no such application in such an environment",
            do="Delete it, or add the application and environment to the policy.",
        )
        return
    try:
        release, environment = parse_release_file(text, file=file), environment_of_release_file(text, file=file)
    except ConfigurationFault as error:
        yield from error.diagnostics
    except PermanentError as error:
        yield _wrong(file, str(error))
    else:
        if (release.application, environment) != (pair.application, pair.name):
            yield _wrong(file, f"it is written for {release.application} in {environment}")


def _wrong(file: str, why: str) -> Diagnostic:
    return Diagnostic(
        file=file,
        code="release-file",
        what="this release file cannot be used",
        why=why,
        do="Restore it from the Git history; Sluice writes it.",
    )
