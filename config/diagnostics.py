"""What is wrong with a configuration, said so that a person can mend it: where, what, why, and what to do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from bot.errors import PermanentError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Diagnostic:
    """One finding. `line` and `column` count from 1; 0 when the finding has no place inside `file`.

    `code` is a short stable word in kebab case: `sluice check-config --ignore CODE` switches it off.
    `file` is a path as the reader was given it, or the name of an environment variable (`$SLUICE_…`).
    """

    file: str
    line: int = 0
    column: int = 0
    code: str
    what: str
    why: str
    do: str

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals make it a link."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.why}. {self.do} [{self.code}]"

    def as_json(self) -> dict[str, str | int]:
        """The fields by name, for `--json` and for the API."""
        return asdict(self)


class ConfigurationFault(PermanentError):
    """A configuration cannot be used; `diagnostics` holds every reason found, in file order."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics))
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))


class PolicyFault(ConfigurationFault):
    """A tenant's policy cannot be used; the last good one stays in force."""


class SettingsFault(ConfigurationFault):
    """The operator's settings cannot be used; the program does not start."""
