"""The refusals of the GitLab API, worded as GitLab words them (lib/api/helpers.rb)."""

from collections.abc import Mapping


class ApiProblem(Exception):
    """A refusal: an HTTP status, the JSON body GitLab sends with it, and extra headers."""

    def __init__(self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = dict(body)
        self.headers = dict(headers or {})


def refused(status: int, message: object) -> ApiProblem:
    return ApiProblem(status, {"message": message})


def not_found(what: str = "") -> ApiProblem:
    return refused(404, f"404 {what} Not Found" if what else "404 Not Found")


def forbidden(reason: str = "") -> ApiProblem:
    return refused(403, f"403 Forbidden - {reason}" if reason else "403 Forbidden")


def unauthorized() -> ApiProblem:
    return refused(401, "401 Unauthorized")


def not_allowed() -> ApiProblem:
    return refused(405, "405 Method Not Allowed")


def bad_request(reason: object) -> ApiProblem:
    return refused(400, reason)


def bad_parameter(sentence: str) -> ApiProblem:
    """Parameter checks of Grape answer under `error`, not `message`."""
    return ApiProblem(400, {"error": sentence})


def conflict(message: object = "409 Conflict") -> ApiProblem:
    return refused(409, message)


def unprocessable(message: object) -> ApiProblem:
    return refused(422, message)


def insufficient_scope(scope: str) -> ApiProblem:
    body = {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": scope,
    }
    return ApiProblem(
        403, body, {"WWW-Authenticate": 'Bearer realm="Protected by OAuth 2.0", error="insufficient_scope"'}
    )


def invalid_token(description: str) -> ApiProblem:
    return ApiProblem(401, {"error": "invalid_token", "error_description": description})
