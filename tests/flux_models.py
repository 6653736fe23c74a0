"""JSON schemas of what TypeScript declarations of Kubernetes models describe (npm's @kubernetes-models packages).

The declarations are made by a program and regular; syntax that is not known here is refused, never passed over. Types
of Kubernetes itself are left to the caller, as names of Go types.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
Foreign = Callable[[str], Schema]
"""From the name of a Go type, as `k8s.io/api/core/v1.Container`, to its schema."""
IMPORT = re.compile(r"^import \{ ([^}]+) \} from \"([^\"]+)\";$", re.MULTILINE)
INTERFACE = re.compile(
    r"^export interface I(?P<name>\w+)(?: extends (?P<bases>[^{]+))? \{(?P<body>.*?)^\}", re.M | re.S
)
ALIAS = re.compile(r"^export type I(?P<name>\w+) = (?P<type>.*?);$", re.M | re.S)
COMMENT = re.compile(r"/\*\*.*?\*/", re.DOTALL)
TOKEN = re.compile(r'\s*("[^"]*"|\w+|\[|\]|[{}<>|;:?])')
PLAIN: dict[str, Schema] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "any": {},
    "unknown": {},
}
GROUPS = {"": "core", "networking.k8s.io": "networking", "rbac.authorization.k8s.io": "rbac"}
"""API group -> folder of k8s.io/api, where the two differ."""


class UnknownSyntax(Exception):
    """A declaration is written in a way that this reader does not know."""


@dataclass(slots=True)
class Models:
    """The declarations below one folder."""

    folder: Path
    foreign: Foreign
    _read: dict[Path, Schema] = field(default_factory=dict)

    def schema(self, file: Path) -> Schema:
        """The schema of the one type that a file declares."""
        if file not in self._read:
            self._read[file] = self._declared(file)
        return self._read[file]

    def _declared(self, file: Path) -> Schema:
        text = COMMENT.sub("", file.read_text("utf-8"))
        known = {name.strip(): source for names, source in IMPORT.findall(text) for name in names.split(",")}
        interface, alias = INTERFACE.search(text), ALIAS.search(text)
        if interface is not None:
            found = self._reader(interface["body"], known, file).members()
            for base in (interface["bases"] or "").split(","):
                if base.strip() not in ("", "TypeMeta"):
                    found = _merged(self._named(base.strip(), known, file), found)
            return found
        if alias is not None:
            return self._reader(alias["type"], known, file).union()
        raise UnknownSyntax(f"{file} declares neither an interface nor a type")

    def _reader(self, text: str, known: dict[str, str], file: Path) -> "Reader":
        tokens = TOKEN.findall(text)
        if "".join(tokens) != re.sub(r"\s", "", text):
            raise UnknownSyntax(f"{file}: {text.strip()[:200]}")
        return Reader(tokens=tokens, named=lambda name: self._named(name, known, file), file=file)

    def _named(self, name: str, known: dict[str, str], file: Path) -> Schema:
        source = known.get(name)
        if source is None:
            raise UnknownSyntax(f"{file} names {name}, which it does not import")
        if source.startswith("."):
            return self.schema((file.parent / source).resolve().with_suffix(".d.ts"))
        return self.foreign(go_type(source))


@dataclass(slots=True)
class Reader:
    """Reads one type from its tokens."""

    tokens: list[str]
    named: Foreign
    file: Path

    def union(self) -> Schema:
        found = [self._one()]
        while self._next_is("|"):
            found.append(self._one())
        if len(found) == 1:
            return found[0]
        texts = [one["const"] for one in found if "const" in one]
        return {"enum": texts} if len(texts) == len(found) else {"anyOf": found}

    def members(self) -> Schema:
        """`"name"?: type;` until the brace or the end."""
        properties: Schema = {}
        required = []
        while self.tokens and self.tokens[0] != "}":
            name = self._take().strip('"')
            if not self._next_is("?"):
                required.append(name)
            self._expect(":")
            properties[name] = self.union()
            self._expect(";")
        found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**found, "required": required} if required else found

    def _one(self) -> Schema:
        token = self._take()
        if token in PLAIN:
            return dict(PLAIN[token])
        if token.startswith('"'):
            return {"const": token.strip('"')}
        if token == "Array":
            self._expect("<")
            found = {"type": "array", "items": self.union()}
            self._expect(">")
            return found
        return self._braced() if token == "{" else self.named(token)

    def _braced(self) -> Schema:
        if self._next_is("}"):
            return {"type": "object"}
        if self.tokens[0] != "[":
            found = self.members()
        else:
            for token in ("[", "key", ":", "string", "]", ":"):
                self._expect(token)
            found = {"type": "object", "additionalProperties": self.union()}
            self._next_is(";")
        self._expect("}")
        return found

    def _take(self) -> str:
        if not self.tokens:
            raise UnknownSyntax(f"{self.file} ends in the middle of a type")
        return self.tokens.pop(0)

    def _next_is(self, token: str) -> bool:
        if not self.tokens or self.tokens[0] != token:
            return False
        del self.tokens[0]
        return True

    def _expect(self, token: str) -> None:
        found = self._take()
        if found != token:
            raise UnknownSyntax(f"{self.file}: {found} stands where {token} is expected")


def _merged(base: Schema, own: Schema) -> Schema:
    required = [*base.get("required", []), *own.get("required", [])]
    return {**own, "properties": {**base["properties"], **own["properties"]}, "required": required}


def go_type(source: str) -> str:
    """The Go type of an imported module: `kubernetes-models/apps/v1/DeploymentStrategy`."""
    package, _, rest = source.removeprefix("@kubernetes-models/").partition("/")
    place, _, name = rest.rpartition("/")
    if package == "apimachinery":
        return f"k8s.io/apimachinery/pkg/{place}.{name}"
    if package != "kubernetes-models":
        raise UnknownSyntax(f"{source} is of a package that is not known here")
    group, _, version = place.rpartition("/")
    return f"k8s.io/api/{GROUPS.get(group, group)}/{version}.{name}"
