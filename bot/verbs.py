"""What a verb takes, as data: the grammar reads by it, and `help` is written from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Slot = Literal["application", "environment", "version", "verb", "code", "percent", "end"]
"""What may stand behind a verb. end: `until TIME` or `for DURATION`."""
Flag = Literal["--reason", "--dry-run", "--replace", "--skip", "--override", "--deny"]
SWITCHES: Mapping[str, Literal["dry_run", "replace", "deny"]] = {
    "--dry-run": "dry_run",
    "--replace": "replace",
    "--deny": "deny",
}
VALUED: frozenset[str] = frozenset({"--skip", "--override"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbForm:
    """One verb. usage: after our name, as `help` shows it. about: a sentence for people.

    takes: slots, each at most once. needs: those of them that must be known in the end, said or inferred.
    reason: whether it must be given. changes: False for verbs that only answer.
    """

    name: str
    usage: str
    about: str
    takes: frozenset[Slot] = frozenset()
    needs: frozenset[Slot] = frozenset()
    flags: frozenset[Flag] = frozenset()
    reason: Literal["none", "optional", "required"] = "none"
    changes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that words are compared with. environments: of each application, by its name."""

    environments: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def applications(self) -> frozenset[str]:
        """Every application."""
        return frozenset(self.environments)

    @property
    def everywhere(self) -> frozenset[str]:
        """Every environment of any application."""
        return frozenset(name for names in self.environments.values() for name in names)
