"""The JSON documents that the sandbox's parts keep, serve and patch, and the few ways of reading and writing them."""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

# A served document has the shape its sender gave it, not one that we chose: this is a JSON edge.
Document = dict[str, Any]


def path(document: Mapping[str, Any], *keys: str) -> Any:
    """The value below these keys, or None as soon as one of them is missing."""
    value: Any = document
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def copy_of(document: Document) -> Document:
    """A copy that shares nothing with the original."""
    return deepcopy(document)


def seconds_text(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes and Flux write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(document: Any) -> bytes:
    """The same bytes for the same content, whatever the order of keys."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
