"""Lists in pages: `limit` and `continue` over one consistent snapshot, which an expiry takes away."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.cluster.kinds import Kind
from bot.sandbox.cluster.objects import Objects, parse_version
from bot.sandbox.cluster.selectors import Selector, by_fields, by_labels
from bot.sandbox.cluster.statuses import ApiError, bad_request, expired
from bot.sandbox.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What is left of a list after a page."""

    version: int
    items: list[Document]


def selector_of(query: Mapping[str, str]) -> Selector:
    """The labelSelector and fieldSelector of a query together."""
    labels, fields = by_labels(query.get("labelSelector", "")), by_fields(query.get("fieldSelector", ""))
    return lambda document: labels(document) and fields(document)


class Lists:
    """Answers list requests (Kubernetes, "API Concepts", retrieving large results sets in chunks)."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._rests: dict[str, Rest] = {}

    def forget(self) -> None:
        """Every continue token is too old from now on."""
        self._rests.clear()

    def page(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> Document:
        """One page. Raises ApiError: 410 for a forgotten continue token, 504 for a version of the future."""
        token = query.get("continue", "")
        whole = self._continued(token) if token else self._fresh(kind, namespace, query)
        limit = _limit(query)
        if not limit or len(whole.items) <= limit:
            return _list(kind, whole.items, {"resourceVersion": str(whole.version)})
        rest = Rest(version=whole.version, items=whole.items[limit:])
        following = secrets.token_urlsafe(16)
        self._rests[following] = rest
        meta = {
            "resourceVersion": str(whole.version),
            "continue": following,
            "remainingItemCount": len(rest.items),
        }
        return _list(kind, whole.items[:limit], meta)

    def _fresh(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> Rest:
        wanted = parse_version(query.get("resourceVersion") or "0")
        if wanted > self._objects.version:
            raise ApiError(504, "Timeout", f"Too large resource version: {wanted}, current: {self._objects.version}")
        selected = selector_of(query)
        items = [document for document in self._objects.all(kind, namespace) if selected(document)]
        return Rest(version=self._objects.version, items=items)

    def _continued(self, token: str) -> Rest:
        rest = self._rests.get(token)
        if rest is None:
            raise expired("The provided continue parameter is too old to display a consistent list result.")
        return rest


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", "0")
    if not text.isdecimal():
        raise bad_request(f"limit is not a number: {text}")
    return int(text)


def _list(kind: Kind, items: list[Document], meta: Document) -> Document:
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": items}
