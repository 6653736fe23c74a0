"""YAML manifests of a tree of files, read as kustomize reads them."""

import io
import posixpath
from collections.abc import Mapping
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.sandbox.documents import Document


class BuildFailed(Exception):
    """The manifests could not be built; the text is the message of the BuildFailed event."""


def documents_of(files: Mapping[str, bytes], name: str) -> list[Document]:
    """Every YAML document of a file. Raises BuildFailed."""
    if name not in files:
        raise BuildFailed(f"accumulating resources: accumulation err='{name}': no such file or directory")
    return [_object(one, name) for one in _load(files[name].decode(errors="replace"), name) if one is not None]


def mapping_of(files: Mapping[str, bytes], name: str) -> Document:
    """A file's one YAML mapping. Raises BuildFailed."""
    loaded = _load(files[name].decode(errors="replace"), name)
    if len(loaded) != 1 or not isinstance(loaded[0], dict):
        raise BuildFailed(f"invalid Kustomization: {name} is not one mapping")
    return loaded[0]


def text_of(text: str) -> Any:
    """The one YAML document of an inline text. Raises BuildFailed."""
    loaded = _load(text, "inline")
    return loaded[0] if loaded else None


def within(folder: str, entry: str) -> str:
    """A path relative to a folder of the tree. Raises BuildFailed when it leaves the tree."""
    joined = posixpath.normpath(posixpath.join(folder, entry))
    if joined.startswith(("..", "/")):
        raise BuildFailed(f"security; file '{entry}' is not in or below the root")
    return "" if joined == "." else joined


def _load(text: str, name: str) -> list[Any]:
    yaml = YAML(typ="safe", pure=True)
    try:
        return [_plain(one) for one in yaml.load_all(io.StringIO(text))]
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        raise BuildFailed(f"MalformedYAMLError: yaml: line {line}: {error.problem} in File: {name}") from error
    except YAMLError as error:
        raise BuildFailed(f"MalformedYAMLError: yaml: {error} in File: {name}") from error


def _plain(value: Any) -> Any:
    """Dates are text in Kubernetes."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _object(loaded: Any, name: str) -> Document:
    complete = isinstance(loaded, dict) and loaded.get("apiVersion") and loaded.get("kind")
    if not complete or not (loaded.get("metadata") or {}).get("name"):
        raise BuildFailed(f"failed to decode Kubernetes apiVersion, kind and name from: {name}")
    return dict(loaded)
