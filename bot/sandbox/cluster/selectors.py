"""Label and field selectors as the API takes them in queries."""

import re
from collections.abc import Callable

from bot.sandbox.cluster.statuses import bad_request
from bot.sandbox.documents import Document, path

Selector = Callable[[Document], bool]
SET = re.compile(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)")
EQUAL = re.compile(r"([^!=\s]+)\s*(==|!=|=)\s*(\S*)")
FIELDS = re.compile(r"metadata\.(name|namespace)|involvedObject\.\w+|reason|type|status\.phase|spec\.nodeName")


def everything(_: Document) -> bool:
    """The selector of no selection."""
    return True


def by_labels(text: str) -> Selector:
    """A labelSelector (Kubernetes, "Labels and Selectors"). Raises ApiError 400 when it cannot be read."""
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    tests = [_requirement(part) for part in parts]
    return lambda document: all(test(path(document, "metadata", "labels") or {}) for test in tests)


def by_fields(text: str) -> Selector:
    """A fieldSelector on the few fields that are selectable. Raises ApiError 400 otherwise."""
    tests = [_field(part.strip()) for part in text.split(",") if part.strip()]
    return lambda document: all(test(document) for test in tests)


def _requirement(text: str) -> Callable[[Document], bool]:
    if found := SET.fullmatch(text):
        key, operator = found[1], found[2]
        values = {value.strip() for value in found[3].split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := EQUAL.fullmatch(text):
        key, operator, value = found[1], found[2], found[3]
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if re.fullmatch(r"!?[\w./-]+", text):
        return (lambda labels: text[1:] not in labels) if text[0] == "!" else (lambda labels: text in labels)
    raise bad_request(f"unable to parse requirement: {text}")


def _field(text: str) -> Selector:
    found = EQUAL.fullmatch(text)
    if found is None or not FIELDS.fullmatch(found[1]):
        raise bad_request(f"field label not supported: {text}")
    keys, wanted, negated = found[1].split("."), found[3], found[2] == "!="
    return lambda document: (str(path(document, *keys) or "") == wanted) is not negated
