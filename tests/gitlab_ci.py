"""A CI/CD configuration as GitLab sees it: inputs filled in, includes merged, `extends` and `!reference` resolved.

The order is GitLab's own (docs.gitlab.com: ci/inputs, ci/yaml/includes, ci/yaml/yaml_optimization): each file's
inputs, then its includes below it, then `extends`, then `!reference`. What cannot be resolved raises `Unresolved`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.nodes import SequenceNode

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATES = REPOSITORY / ".gitlab" / "ci"
OWN_PROJECT = "demo/sluice"
"""The project of this repository, as the examples call it."""

Plain: TypeAlias = Any
INTERPOLATION = re.compile(r"\$\[\[\s*(.*?)\s*\]\]")
TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "array": (list,), "number": (int, float), "boolean": (bool,)}
NOT_JOBS = frozenset({"stages", "workflow", "variables", "default", "include", "image", "services", "cache", "spec"})


class Unresolved(Exception):
    """GitLab would refuse the configuration; the text says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`!reference [job, key, …]`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A whole configuration. keys: everything at its top, hidden jobs and their functions too."""

    keys: Mapping[str, Plain]
    defaults: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def jobs(self) -> dict[str, dict[str, Plain]]:
        """What runs, by name."""
        return {
            name: value
            for name, value in self.keys.items()
            if name not in NOT_JOBS and not name.startswith(".") and isinstance(value, dict)
        }

    def script(self, job: str) -> str:
        """A job's commands in one text, as the runner executes them in one shell."""
        said = {**self.defaults, **self.jobs[job]}
        lines: list[str] = said.get("before_script", []) + said["script"]
        return "\n".join(line.rstrip("\n") for line in lines) + "\n"


def configuration(file: Path, inputs: Mapping[str, Plain] | None = None) -> Configuration:
    """The configuration that a file makes with these inputs."""
    merged = included(file, inputs or {})
    merged.pop("include", None)
    extended = {name: extend(merged, name, ()) for name in merged}
    resolved = {name: dereferenced(value, extended, ()) for name, value in extended.items()}
    for name, value in resolved.items():
        if isinstance(value, dict):
            resolved[name] = {key: flat(one) if key.endswith("script") else one for key, one in value.items()}
    return Configuration(keys=resolved, defaults=resolved.get("default", {}))


def texts(file: Path) -> list[Plain]:
    """The documents of a file; `!reference` as `Reference`."""
    yaml = YAML(typ="safe", pure=True)

    def reference(constructor: Any, node: SequenceNode) -> Reference:
        return Reference(tuple(str(constructor.construct_object(one)) for one in node.value))

    yaml.constructor.add_constructor("!reference", reference)
    return list(yaml.load_all(file.read_text("utf-8")))


def header(file: Path) -> dict[str, dict[str, Plain]]:
    """The inputs that a file declares."""
    documents = texts(file)
    if len(documents) == 1:
        return {}
    declared = documents[0]["spec"]["inputs"]
    return {name: about or {} for name, about in declared.items()}


def included(file: Path, inputs: Mapping[str, Plain]) -> dict[str, Plain]:
    """A file with its inputs filled in and its includes below it: what the file itself says, wins."""
    try:
        filled = interpolated(texts(file)[-1], values(header(file), inputs))
    except Unresolved as error:
        raise Unresolved(
            f"{file.relative_to(REPOSITORY) if file.is_relative_to(REPOSITORY) else file}: {error}"
        ) from error
    below: dict[str, Plain] = {}
    for entry in listed(filled.get("include", [])):
        for path in where(entry, file):
            below = deeply(below, included(path, entry.get("inputs", {}) if isinstance(entry, dict) else {}))
    return deeply(below, filled)


def where(entry: Plain, file: Path) -> list[Path]:
    """The files of one `include` entry: `local` from the root of its project, `project` only where it is this one."""
    match entry:
        case {"local": str(local)}:
            return [root_of(file) / local.removeprefix("/")]
        case {"project": project, "ref": str(), "file": name} if project == OWN_PROJECT:
            return [REPOSITORY / str(one).removeprefix("/") for one in listed(name)]
        case _:
            raise Unresolved(f"{file}: cannot include {entry}")


def root_of(file: Path) -> Path:
    """The root of the project a file belongs to."""
    return (
        REPOSITORY if file.is_relative_to(REPOSITORY) else next(one for one in file.parents if (one / ".git").exists())
    )


def values(declared: Mapping[str, Mapping[str, Plain]], given: Mapping[str, Plain]) -> dict[str, Plain]:
    """The value of each input, checked as GitLab checks it."""
    if unknown := set(given) - set(declared):
        raise Unresolved(f"unknown inputs: {', '.join(sorted(unknown))}")
    return {name: value_of(name, about, given) for name, about in declared.items()}


def value_of(name: str, about: Mapping[str, Plain], given: Mapping[str, Plain]) -> Plain:
    if name not in given and "default" not in about:
        raise Unresolved(f"the input {name} is required")
    value: Plain = given[name] if name in given else about["default"]
    kind = about.get("type", "string")
    if not isinstance(value, TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
        raise Unresolved(f"the input {name} is not of the type {kind}: {value!r}")
    if "options" in about and value not in about["options"]:
        raise Unresolved(f"the input {name} is none of {about['options']}: {value!r}")
    if "regex" in about and not re.search(about["regex"], str(value)):
        raise Unresolved(f"the input {name} does not match {about['regex']}: {value!r}")
    return value


def interpolated(node: Plain, filled: Mapping[str, Plain]) -> Plain:
    """Keys and values with `$[[ inputs.name ]]` replaced; a value that is nothing else keeps its type."""
    match node:
        case dict():
            return {interpolated(key, filled): interpolated(value, filled) for key, value in node.items()}
        case list():
            return [interpolated(one, filled) for one in node]
        case str():
            whole = INTERPOLATION.fullmatch(node)
            if whole and "[[" not in whole.group(1):
                return input_named(whole.group(1), filled)
            return INTERPOLATION.sub(lambda found: as_text(input_named(found.group(1), filled)), node)
        case _:
            return node


def input_named(expression: str, filled: Mapping[str, Plain]) -> Plain:
    name = expression.removeprefix("inputs.")
    if not expression.startswith("inputs.") or name not in filled:
        raise Unresolved(f"unknown interpolation: $[[ {expression} ]]")
    return filled[name]


def as_text(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def extend(keys: Mapping[str, Plain], name: str, above: tuple[str, ...]) -> Plain:
    """A job on top of those it extends."""
    job = keys[name]
    if not isinstance(job, dict) or "extends" not in job:
        return job
    base: dict[str, Plain] = {}
    for parent in listed(job["extends"]):
        if parent not in keys or parent in above:
            raise Unresolved(f"{name} extends {parent}, which is unknown or extends {name} itself")
        base = deeply(base, extend(keys, parent, (*above, name)))
    return deeply(base, {key: value for key, value in job.items() if key != "extends"})


def dereferenced(node: Plain, keys: Mapping[str, Plain], above: tuple[Reference, ...]) -> Plain:
    """Every `!reference` replaced by what it names."""

    def inside(one: Plain) -> Plain:
        return dereferenced(one, keys, above)

    match node:
        case Reference():
            if node in above:
                raise Unresolved(f"!reference {list(node.path)} leads back to itself")
            return dereferenced(found_at(keys, node), keys, (*above, node))
        case dict():
            return {key: inside(value) for key, value in node.items()}
        case list():
            return [inside(one) for one in node]
        case _:
            return node


def found_at(keys: Mapping[str, Plain], reference: Reference) -> Plain:
    found: Plain = keys
    for part in reference.path:
        if not isinstance(found, Mapping) or part not in found:
            raise Unresolved(f"!reference {list(reference.path)} names nothing")
        found = found[part]
    return found


def deeply(below: Mapping[str, Plain], above: Mapping[str, Plain]) -> dict[str, Plain]:
    """Mappings merged; everything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = deeply(merged[key], value) if both else value
    return merged


def flat(script: Plain) -> list[str]:
    """A script's lines; references bring lists into lists."""
    return [line for one in listed(script) for line in (flat(one) if isinstance(one, list) else [one])]


def listed(value: Plain) -> list[Plain]:
    """One or several."""
    return value if isinstance(value, list) else [value]
