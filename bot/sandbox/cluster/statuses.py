"""What a Kubernetes API server says when it refuses: a Status object with its reason and code."""

from bot.sandbox.cluster.kinds import Kind
from bot.sandbox.documents import Document


class ApiError(Exception):
    """A refused request. Reasons and codes are those of apimachinery's StatusReason (pkg/api/errors)."""

    def __init__(self, code: int, reason: str, message: str, details: Document | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def status(self) -> Document:
        """The Status object."""
        body: Document = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "code": self.code,
        }
        if self.details is not None:
            body["details"] = self.details
        return body


def _details(kind: Kind, name: str) -> Document:
    return (
        {"name": name, "group": kind.group, "kind": kind.plural} if kind.group else {"name": name, "kind": kind.plural}
    )


def unauthorized() -> ApiError:
    """No token, or an unknown one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, kind: Kind, namespace: str, name: str) -> ApiError:
    """RBAC says no."""
    scope = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    named = f' "{name}"' if name else ""
    text = (
        f'{kind.resource}{named} is forbidden: User "{user}" cannot {verb} resource "{kind.plural}" '
        f'in API group "{kind.group}"{scope}'
    )
    return ApiError(403, "Forbidden", text, _details(kind, name))


def not_found(kind: Kind, name: str) -> ApiError:
    """No such object."""
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def no_such_path() -> ApiError:
    """No such resource."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str) -> ApiError:
    """A create of what is there."""
    return ApiError(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str) -> ApiError:
    """A write against an older resourceVersion."""
    text = (
        f'Operation cannot be fulfilled on {kind.resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return ApiError(409, "Conflict", text, _details(kind, name))


def bad_request(message: str) -> ApiError:
    """A request that makes no sense."""
    return ApiError(400, "BadRequest", message)


def invalid(kind: Kind, name: str, problem: str) -> ApiError:
    """An object that cannot be."""
    text = f'{kind.kind}.{kind.group or "core"} "{name}" is invalid: {problem}'
    return ApiError(422, "Invalid", text, _details(kind, name))


def expired(message: str) -> ApiError:
    """A resourceVersion or continue token that the server no longer has: HTTP 410, reason Expired."""
    return ApiError(410, "Expired", message)


def unsupported_patch(kind: Kind) -> ApiError:
    """A patch type this kind does not take."""
    accepted = "application/json-patch+json, application/merge-patch+json"
    if kind.builtin:
        accepted += ", application/strategic-merge-patch+json"
    return ApiError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {accepted}",
    )


def unmodelled(what: str) -> ApiError:
    """What a real cluster can do and this one does not pretend to."""
    return ApiError(501, "NotImplemented", f"{what} is not modelled by the sandbox's cluster")
