"""Whatever goes wrong is answered in one form: a stable code, what happened, why, and what to do."""

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api.forms import ErrorForm, Refusal
from bot.errors import PermanentError, TemporaryError

log = structlog.get_logger(__name__)


class Problem(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str, *, what: str, why: str, do: str) -> None:
        super().__init__(f"{what} {why} {do}")
        self.status = status
        self.refusal = Refusal(error=ErrorForm(code=code, what=what, why=why, do=do))


def bad_request(what: str, why: str, do: str) -> Problem:
    """The request cannot be understood."""
    return Problem(400, "bad_request", what=what, why=why, do=do)


def not_found(what: str, why: str, do: str, *, code: str = "not_found") -> Problem:
    """What was named does not exist."""
    return Problem(404, code, what=what, why=why, do=do)


def answer(content: object, *, status: int = 200) -> web.Response:
    """Content as JSON."""
    body = msgspec.json.encode(content)
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def refuse(problem: Problem) -> web.Response:
    """The problem as JSON; 401 says how to come in (RFC 6750, section 3)."""
    response = answer(problem.refusal, status=problem.status)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="sluice"'
    return response


@web.middleware
async def in_one_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Translate every refusal, the router's own among them."""
    try:
        return await handler(request)
    except Problem as problem:
        return refuse(problem)
    except TemporaryError as error:
        return refuse(of_error(503, "try_again", error, "It may heal by itself: ask again in a moment."))
    except PermanentError as error:
        return refuse(of_error(409, "person_needed", error, "Mend it, then ask again."))
    except web.HTTPMethodNotAllowed as error:
        refusal = refuse(_wrong_method(request, error))
        refusal.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return refusal
    except web.HTTPNotFound:
        return refuse(_no_path())
    except web.HTTPRequestEntityTooLarge:
        return refuse(_too_large())


def of_error(status: int, code: str, error: Exception, do: str) -> Problem:
    """One of the two error words; its message says most already."""
    log.info("request failed", code=code, because=str(error))
    return Problem(status, code, what="The request could not be carried out.", why=str(error), do=do)


def _no_path() -> Problem:
    return not_found("There is nothing here.", "The API has no such path.", "See openapi.json beside it.")


def _wrong_method(request: web.Request, error: web.HTTPMethodNotAllowed) -> Problem:
    allowed = ", ".join(sorted(error.allowed_methods))
    why = f"It takes {allowed}, not {request.method}."
    return Problem(405, "method_not_allowed", what="This method is not allowed here.", why=why, do="See openapi.json.")


def _too_large() -> Problem:
    return Problem(413, "too_large", what="The body is too large.", why="Commands are small.", do="Send less.")
