"""What a sender reads: one small JSON answer each, the same words for the same reason, never what was sent."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import msgspec
from aiohttp import web

from bot.receivers.verdicts import RefusalCode

ErrorCode = (
    RefusalCode
    | Literal[
        "not_found",
        "method_not_allowed",
        "too_large",
        "encoded",
        "body_timeout",
        "broken_body",
        "unsupported_expectation",
        "overloaded",
        "journal_down",
    ]
)

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reason:
    """What happened, why, and what to do, for the person who reads the sender's delivery log."""

    status: int
    what: str
    why: str
    do: str


NOT_ACCEPTED = "The delivery was not accepted."
REASONS: dict[ErrorCode, Reason] = {
    "no_credential": Reason(401, NOT_ACCEPTED, "It carries no signature or token.", "Set the secret on the sender."),
    "bad_token": Reason(401, NOT_ACCEPTED, "Its token is none of the live ones.", "Set the secret on the sender anew."),
    "bad_signature": Reason(
        401,
        NOT_ACCEPTED,
        "Its signature does not match the body under any live secret.",
        "Set the secret on the sender anew, and let no proxy rewrite bodies.",
    ),
    "signature_required": Reason(
        401,
        NOT_ACCEPTED,
        "This secret has a signing token, so a plain token opens nothing any more.",
        "Set the signing token on the webhook, or remove it from the bot's settings.",
    ),
    "too_old": Reason(
        401,
        NOT_ACCEPTED,
        "Its timestamp lies too far from our clock: it may be a replay.",
        "Compare the clocks of both machines; send anew instead of replaying.",
    ),
    "outside_scope": Reason(
        401,
        NOT_ACCEPTED,
        "It names a project or group outside of what its secret is bound to.",
        "Use the secret of that project, or bind this one to a group that holds it.",
    ),
    "not_found": Reason(404, "There is nothing here.", "No such path is configured.", "Compare the URL with settings."),
    "method_not_allowed": Reason(
        405, "This method is not allowed here.", "Hooks and gates take POST.", "Use an allowed method (header Allow)."
    ),
    "too_large": Reason(413, NOT_ACCEPTED, "Its body is larger than the limit.", "Send less; GitLab stops at 25 MB."),
    "encoded": Reason(
        415, NOT_ACCEPTED, "It has a Content-Encoding; only plain bodies are read.", "Send the body uncompressed."
    ),
    "body_timeout": Reason(408, NOT_ACCEPTED, "Its body did not arrive in time.", "Send it again, in one go."),
    "broken_body": Reason(400, NOT_ACCEPTED, "Its body breaks the rules of HTTP.", "Look at the proxy in between."),
    "unsupported_expectation": Reason(
        417, NOT_ACCEPTED, "Its Expect header asks for something unknown.", "Expect 100-continue, or nothing."
    ),
    "overloaded": Reason(503, NOT_ACCEPTED, "Too much is being received at once.", "Send it again after Retry-After."),
    "journal_down": Reason(
        503, NOT_ACCEPTED, "It could not be stored, so it was not taken.", "Send it again after Retry-After."
    ),
}
CLOSING = frozenset({"too_large", "encoded", "body_timeout", "broken_body", "overloaded"})
"""Answers after which the rest of a body would still be on its way: the connection ends."""


def _encoded(code: ErrorCode, reason: Reason) -> bytes:
    return msgspec.json.encode({"error": {"code": code, "what": reason.what, "why": reason.why, "do": reason.do}})


_BODIES = {code: _encoded(code, reason) for code, reason in REASONS.items()}


def refusal(code: ErrorCode, *, retry_after: timedelta | None = None, allow: str = "") -> web.Response:
    """The answer for a code; `allow` lists methods for 405."""
    response = web.Response(status=REASONS[code].status, body=_BODIES[code], headers=JSON)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after.total_seconds())))
    if allow:
        response.headers["Allow"] = allow
    if code in CLOSING:
        response.force_close()
    return response


def gate(*, open_: bool, because: str) -> web.Response:
    """200 for an open gate, 403 for a closed one, never 204 (Flagger 1.41 fails on anything above 202)."""
    body = msgspec.json.encode({"open": open_, "because": because})
    return web.Response(status=200 if open_ else 403, body=body, headers=JSON)


def json(content: object, *, status: int = 200) -> web.Response:
    """Any small JSON answer."""
    return web.Response(status=status, body=msgspec.json.encode(content), headers=JSON)
