"""The three patch types of the Kubernetes API, applied to a document."""

from typing import Any

from bot.sandbox.cluster.statuses import bad_request
from bot.sandbox.documents import Document, copy_of


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386): null removes, mappings merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """A strategic merge in which lists of named mappings merge by `name`, as containers, env and volumes do.

    The real one takes each list's key from the type (`ports` by containerPort, …) and knows `$patch` directives;
    those directives are refused here.
    """
    if not isinstance(patch, dict):
        return patch
    if any(str(key).startswith("$") for key in patch):
        raise bad_request("strategic merge directives ($patch, $setElementOrder, …) are not modelled by the sandbox")
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif _named(value) and _named(result.get(key)):
            result[key] = _merge_named(result[key], value)
        else:
            result[key] = strategic(result.get(key), value)
    return result


def json_patch(target: Document, operations: Any) -> Document:
    """RFC 6902 in order, all or nothing. Raises ApiError 400 for a path or test that does not hold."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is a list of operations")
    result: Any = copy_of(target)
    for operation in operations:
        result = _operate(result, operation)
    if not isinstance(result, dict):
        raise bad_request("the patch left no object")
    return result


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "name" in one for one in value)


def _merge_named(target: list[Document], patch: list[Document]) -> list[Document]:
    merged = {one["name"]: one for one in target}
    for one in patch:
        merged[one["name"]] = strategic(merged.get(one["name"]), one)
    return list(merged.values())


def _operate(document: Any, operation: Any) -> Any:
    match operation:
        case {"op": "add", "path": str(path), "value": value}:
            return _add(document, path, value)
        case {"op": "remove", "path": str(path)}:
            return _take(document, path)[0]
        case {"op": "replace", "path": str(path), "value": value}:
            return _add(_take(document, path)[0], path, value) if path else value
        case {"op": "test", "path": str(path), "value": value}:
            return _tested(document, path, value)
        case {"op": "copy", "from": str(source), "path": str(path)}:
            return _add(document, path, copy_of({"it": _get(document, source)})["it"])
        case {"op": "move", "from": str(source), "path": str(path)}:
            rest, value = _take(document, source)
            return _add(rest, path, value)
        case _:
            raise bad_request(f"not a JSON patch operation: {operation!r}")


def _tested(document: Any, path: str, value: Any) -> Any:
    if _get(document, path) != value:
        raise bad_request(f"testing path {path} failed")
    return document


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise bad_request(f"not a JSON pointer: {path}")
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _get(document: Any, path: str) -> Any:
    value = document
    for step in _steps(path):
        value = _below(value, step, path)
    return value


def _below(value: Any, step: str, path: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    raise bad_request(f"the path {path} does not exist")


def _add(document: Any, path: str, value: Any) -> Any:
    steps = _steps(path)
    if not steps:
        return value
    parent = _get(document, path.rpartition("/")[0])
    if isinstance(parent, dict):
        parent[steps[-1]] = value
    elif isinstance(parent, list) and (steps[-1] == "-" or steps[-1].isdecimal()):
        parent.insert(len(parent) if steps[-1] == "-" else int(steps[-1]), value)
    else:
        raise bad_request(f"nothing can be added at {path}")
    return document


def _take(document: Any, path: str) -> tuple[Any, Any]:
    value = _get(document, path)
    parent, last = _get(document, path.rpartition("/")[0]), _steps(path)[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document, value
