"""Setter markers in YAML: a value whose line ends in `# {"$imagepolicy": "ns:name[:part]"}` is replaced in place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# image-automation-controller, internal/update/setters.go: name, :tag, :name and :digest setters.
MARKED = re.compile(
    r"""^(?P<head>\s*(?:-\s+)?[\w.\-/"']+:\s+|\s*-\s+)(?P<value>"[^"]*"|'[^']*'|[^\s#]+)"""
    r"""(?P<gap>\s+)(?P<marker>\#\s*\{\s*"\$imagepolicy"\s*:\s*"(?P<setter>[^"]+)"\s*\}.*)$"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What a policy selects, as setters may need it."""

    name: str
    tag: str
    digest: str = ""

    def parts(self, policy: str) -> dict[str, str]:
        """Setter name to value for a policy `namespace:name`."""
        whole = f"{self.name}:{self.tag}" + (f"@{self.digest}" if self.digest else "")
        return {policy: whole, f"{policy}:tag": self.tag, f"{policy}:name": self.name, f"{policy}:digest": self.digest}


def updated(text: str, setters: Mapping[str, str]) -> str:
    """The text with every marked value of a known setter replaced; everything else byte for byte as it was."""
    lines = text.splitlines(keepends=True)
    return "".join(_updated_line(line, setters) for line in lines)


def _updated_line(line: str, setters: Mapping[str, str]) -> str:
    body = line.rstrip("\r\n")
    found = MARKED.match(body)
    if found is None or found["setter"] not in setters:
        return line
    value = _like(found["value"], setters[found["setter"]])
    return f"{found['head']}{value}{found['gap']}{found['marker']}{line[len(body) :]}"


def _like(old: str, new: str) -> str:
    """The new value in the old one's quotes; unquoted text that YAML would read as a number or nothing gets quotes."""
    if old[0] in "\"'":
        return f"{old[0]}{new}{old[0]}"
    if new == "" or re.fullmatch(r"[-+]?[\d_]+(\.\d*)?([eE][-+]?\d+)?|0[xo][0-9a-fA-F]+", new):
        return f'"{new}"'
    return new
