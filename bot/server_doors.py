"""A door is one path that takes deliveries: check, read, verify, store, and only then answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from aiohttp import hdrs, web

from bot.clock import Clock
from bot.errors import PermanentError, TemporaryError
from bot.events import Delivery
from bot.journal.inbox import delivery_id
from bot.receivers.verdicts import Receiver, Refused, Verified
from bot.server_acknowledgement import accepted
from bot.server_answers import ErrorCode, refusal
from bot.server_bodies import Hold, Load, arrived_body, awaited_body
from bot.server_metrics import ReceivedCounter
from bot.server_ports import Inbox
from bot.server_traces import TraceOf

log = structlog.get_logger()

OFF_LOOP = 256 * 1024
"""Bodies above this many bytes are verified in a thread: hashing 25 MB takes tens of milliseconds."""

Reply = Callable[[Delivery], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """What all doors share."""

    inbox: Inbox
    clock: Clock
    load: Load
    received: ReceivedCounter
    trace_of: TraceOf
    body_timeout: timedelta
    retry_after: timedelta


class Door:
    """One path: `endpoint` as in Delivery, who verifies, the cap in bytes, the status of its acceptance."""

    def __init__(
        self,
        hall: Hall,
        endpoint: str,
        receiver: Receiver,
        *,
        limit: int,
        status: int = 202,
        reply: Reply | None = None,
    ) -> None:
        """With `reply` the door is a question: it is answered by that, after the question was stored."""
        self._hall = hall
        self._endpoint = endpoint
        self._source = endpoint.partition("/")[0]
        self._receiver = receiver
        self._limit = limit
        self._status = status
        self._reply = reply

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; everything authentic is stored before its answer."""
        early = self._objection(request)
        if early is not None:
            return self._refuse(early)
        hold = self._hall.load.enter()
        try:
            return await self._take_in(request, hold)
        finally:
            self._hall.load.leave(hold)

    async def expect(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Object before the body is sent, where the sender waits for leave (`Expect: 100-continue`, RFC 9110)."""
        if request.headers[hdrs.EXPECT].lower() != "100-continue":
            return self._refuse("unsupported_expectation")
        early = self._objection(request)
        if early is not None:
            return self._refuse(early)
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None

    def _objection(self, request: web.BaseRequest) -> ErrorCode | None:
        """What is wrong by the headers alone, before a byte of the body is read."""
        headers = request.headers
        if hdrs.CONTENT_ENCODING in headers:
            return "encoded"
        if not self._receiver.claims(headers):
            return "no_credential"
        length = request.content_length
        if length is not None and length > self._limit:
            return "too_large"
        return "overloaded" if self._hall.load.is_full else None

    async def _take_in(self, request: web.BaseRequest, hold: Hold) -> web.StreamResponse:
        hall = self._hall
        body = arrived_body(request.content, limit=self._limit, load=hall.load, hold=hold)
        if body is None:
            body = await awaited_body(
                request.content, limit=self._limit, within=hall.body_timeout, load=hall.load, hold=hold
            )
        if isinstance(body, str):
            return self._refuse(body)
        now = hall.clock.now()
        if len(body) <= OFF_LOOP:
            verdict = self._receiver.verify(request.headers, body, now)
        else:
            verdict = await asyncio.to_thread(self._receiver.verify, request.headers, body, now)
        if isinstance(verdict, Refused):
            return self._refuse(verdict.code)
        delivery = self._delivery(request, verdict, now)
        try:
            receipt = await hall.inbox.put(delivery)
        except (TemporaryError, PermanentError) as error:
            return self._not_stored(error)
        hall.received.count(self._source, "duplicate" if receipt.duplicate else "accepted")
        if self._reply is not None:
            return await self._reply(delivery)
        return accepted(request, receipt.id, duplicate=receipt.duplicate, status=self._status, now=now)

    def _delivery(self, request: web.BaseRequest, verified: Verified, now: datetime) -> Delivery:
        own_id = delivery_id(now)
        return Delivery(
            id=own_id,
            endpoint=self._endpoint,
            idempotency_key=verified.idempotency_key or own_id,
            received_at=now,
            headers=verified.headers,
            body=verified.body,
            scope=verified.scope,
            trace=self._hall.trace_of(request.headers, own_id),
        )

    def _not_stored(self, error: TemporaryError | PermanentError) -> web.Response:
        log.warning("delivery not stored", endpoint=self._endpoint, because=str(error))
        retry_after = error.retry_after if isinstance(error, TemporaryError) else None
        self._hall.received.count(self._source, "journal_down")
        return refusal("journal_down", retry_after=retry_after or self._hall.retry_after)

    def _refuse(self, code: ErrorCode) -> web.Response:
        self._hall.received.count(self._source, code)
        log.info("delivery refused", endpoint=self._endpoint, code=code)
        return refusal(code, retry_after=self._hall.retry_after if code == "overloaded" else None)
