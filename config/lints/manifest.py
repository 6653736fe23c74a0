"""One document of a YAML file, seen as a Kubernetes object where it is one."""

from dataclasses import dataclass

from config.diagnostics import Diagnostic
from config.yaml_text import Node, Scalar, Sequence, child_of, documents, scalar_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An object with its file. `group` and `version` are the halves of apiVersion; empty for other documents."""

    file: str
    root: Node
    group: str
    version: str
    kind: str
    name: str

    def text(self, *keys: str) -> str | None:
        """The text at a path of keys; None when there is none."""
        found = self.scalar(*keys)
        return found.text if found is not None else None

    def scalar(self, *keys: str) -> Scalar | None:
        """The scalar at a path of keys; None when there is none."""
        found = child_of(self.root, *keys)
        return found if isinstance(found, Scalar) else None

    def items(self, *keys: str) -> tuple[Scalar, ...]:
        """The scalars of the list at a path of keys."""
        found = child_of(self.root, *keys)
        return tuple(item for item in found.items if isinstance(item, Scalar)) if isinstance(found, Sequence) else ()

    def finding(self, node: Node | None, code: str, *, what: str, why: str, do: str) -> Diagnostic:
        """A diagnostic at `node`, or at the object itself."""
        place = node or self.root
        return Diagnostic(file=self.file, line=place.line, column=place.column, code=code, what=what, why=why, do=do)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def manifests(file: str, text: str) -> tuple[Manifest, ...]:
    """Every document of a file; ConfigurationFault when it is not YAML."""
    return tuple(_manifest(file, root) for root in documents(text, file=file))


def _manifest(file: str, root: Node) -> Manifest:
    group, slash, version = (scalar_of(root, "apiVersion") or "").rpartition("/")
    name = scalar_of(child_of(root, "metadata"), "name") or "without a name"
    return Manifest(
        file=file,
        root=root,
        group=group if slash else "",
        version=version,
        kind=scalar_of(root, "kind") or "",
        name=name,
    )
