"""The bot's own files in a checkout are looked through: each reads, and belongs to something in the policy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.errors import PermanentError
from bot.positions.checkout import Reader, pairs
from bot.positions.denials import parse_denial_file
from bot.positions.pins import parse_pin_file
from bot.positions.records import parse_release_file, place_of
from config.diagnostics import ConfigurationFault, Diagnostic
from config.policy import DENIALS, PINS, RELEASES, EnvironmentPolicy, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A folder of files of ours. name: as a person calls one. parse: raises when a text is none."""

    folder: str
    code: str
    name: str
    parse: Callable[[str, str], object]


KINDS = (
    _Kind(folder=RELEASES, code="release-file", name="release file", parse=lambda t, f: parse_release_file(t, file=f)),
    _Kind(folder=PINS, code="pin-file", name="pin", parse=lambda t, f: parse_pin_file(t, file=f)),
    _Kind(folder=DENIALS, code="denial-file", name="denial file", parse=lambda t, f: parse_denial_file(t, file=f)),
)


def check_own_files(policy: Policy, files: Iterable[str], read: Reader) -> tuple[Diagnostic, ...]:
    """Release files, pins and denials that cannot be read, or that belong to nothing in the policy.

    A missing one is no fault: a release file comes with the first promotion, the others with a rollback.
    """
    known = {f"{pair.name}/{pair.application}.yaml": pair for pair in pairs(policy)}
    found: list[Diagnostic] = []
    for file in sorted(files):
        for kind in KINDS:
            if file.startswith(f"{kind.folder}/"):
                pair = known.get(file.removeprefix(f"{kind.folder}/"))
                found += _file(kind, file, pair, read(file) or "")
    return tuple(found)


def _file(kind: _Kind, file: str, pair: EnvironmentPolicy | None, text: str) -> Iterator[Diagnostic]:
    if pair is None:
        yield Diagnostic(
            file=file,
            code=kind.code,
            what=f"this {kind.name} belongs to nothing",
            why="the policy has no such application in such an environment",
            do="Delete it, or add the application and environment to the policy.",
        )
        return
    try:
        application, environment = place_of(text, file=file)
        kind.parse(text, file)
    except ConfigurationFault as error:
        yield from error.diagnostics
    except PermanentError as error:
        yield _wrong(kind, file, str(error))
    else:
        if (application, environment) != (pair.application, pair.name):
            yield _wrong(kind, file, f"it is written for {application} in {environment}")


def _wrong(kind: _Kind, file: str, why: str) -> Diagnostic:
    return Diagnostic(
        file=file,
        code=kind.code,
        what=f"this {kind.name} cannot be used",
        why=why,
        do="Restore it from the Git history; Sluice writes it.",
    )
