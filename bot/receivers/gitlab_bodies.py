"""The few fields of a GitLab body that are read before the answer: what it is about, and secrets to cut out."""

from typing import Any

import msgspec

from bot.events import Unreadable
from bot.receivers.json_edges import decode
from bot.receivers.scopes import Scope


class ProjectRef(msgspec.Struct, gc=False):
    """The `project` of webhook bodies; a deleted or blank one may lack its path."""

    path_with_namespace: str | None = None


class GroupRef(msgspec.Struct, gc=False):
    """The `group` of group hooks; `group_path` is the last part only and proves nothing."""

    full_path: str | None = None


class Subject(msgspec.Struct, gc=False):
    """What a body says it is and is about; system hooks name the project at the top."""

    object_kind: str | None = None
    event_name: str | None = None
    project: ProjectRef | None = None
    path_with_namespace: str | None = None
    project_path_with_namespace: str | None = None
    group: GroupRef | None = None
    full_path: str | None = None

    def within(self, scope: Scope) -> bool:
        """Whether every project the body names (else its group) lies within the scope."""
        in_project = self.project.path_with_namespace if self.project is not None else None
        if self.path_with_namespace is None and self.project_path_with_namespace is None:
            return scope.admits(in_project, None if in_project else self._group())
        named = (in_project, self.path_with_namespace, self.project_path_with_namespace)
        return all(scope.admits(path) for path in named if path is not None)

    def _group(self) -> str | None:
        return self.group.full_path if self.group and self.group.full_path else self.full_path


class _Attributes(msgspec.Struct):
    variables: msgspec.Raw = msgspec.Raw(b"[]")


class _Pipeline(msgspec.Struct):
    object_attributes: _Attributes | None = None


_SUBJECT = msgspec.json.Decoder(Subject)
_PIPELINE = msgspec.json.Decoder(_Pipeline)
_VARIABLES = msgspec.json.Decoder(list[dict[str, Any]])


def named_subject(body: bytes) -> Subject | Unreadable:
    """Decode only what the scope check needs."""
    return decode(_SUBJECT, body, "GitLab webhook body")


def without_variables(body: bytes, subject: Subject | Unreadable) -> bytes:
    """The body with the values of pipeline variables replaced by `***`: they may be secrets and are never stored."""
    if isinstance(subject, Unreadable) or subject.object_kind != "pipeline":
        return body
    pipeline = decode(_PIPELINE, body, "pipeline")
    if isinstance(pipeline, Unreadable) or pipeline.object_attributes is None:
        return body
    raw = bytes(pipeline.object_attributes.variables)
    variables = decode(_VARIABLES, raw, "list of variables")
    if isinstance(variables, Unreadable) or not variables:
        return body
    masked = [{"key": variable.get("key"), "value": "***"} for variable in variables]
    return body.replace(raw, msgspec.json.encode(masked))
