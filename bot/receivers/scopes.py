"""A secret is bound to a project, a group or the instance, and vouches for nothing outside of that.

With one secret for all projects whoever holds it can name any project in a payload (Atlantis, Lighthouse, gidgetlab).
"""

from dataclasses import dataclass
from typing import Literal

from bot.errors import PermanentError

Kind = Literal["instance", "group", "project"]
KINDS: dict[str, Kind] = {"instance": "instance", "group": "group", "project": "project"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a GitLab secret vouches for; `path` is the full path, empty for the instance."""

    kind: Kind
    path: str = ""

    def __post_init__(self) -> None:
        """PermanentError for a project without a group, or a path where none belongs."""
        wanted = {"instance": not self.path, "group": bool(self.path), "project": "/" in self.path}
        if not wanted[self.kind]:
            raise PermanentError(f"{self} is no scope: expected instance, group:PATH or project:GROUP/NAME.")

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}" if self.path else self.kind

    def admits(self, project: str | None, group: str | None = None) -> bool:
        """Whether a body naming this project (or, without one, this group) may come with this secret.

        A body that names no project can only come from a group's hook or the instance's. Paths ignore case.
        """
        if self.kind == "instance":
            return True
        mine = self.path.lower()
        if self.kind == "project":
            return project is not None and project.lower() == mine
        if project is not None:
            return project.lower().startswith(f"{mine}/")
        return group is None or f"{group.lower()}/".startswith(f"{mine}/")


def parse_scope(text: str) -> Scope:
    """Read `instance`, `group:<path>` or `project:<path>`; PermanentError for anything else."""
    name, _, path = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise PermanentError(f"{text!r} is no scope: expected instance, group:PATH or project:GROUP/NAME.")
    return Scope(kind, path.strip("/"))
