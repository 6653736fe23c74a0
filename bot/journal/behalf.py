"""What a transaction writes on somebody's behalf belongs to the trace in which it was asked for, on whichever thread.

So whoever makes a key dirty or begins a promotion need not carry the trace there, and cannot forget it.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy import Connection

from bot.tracing.carried import current

T = TypeVar("T")
_TRACE: ContextVar[str] = ContextVar("_TRACE", default="")


def on_behalf(fn: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """The same closure, which knows the trace that is active now when it is run later."""
    trace = current()
    if not trace:
        return fn

    def run(connection: Connection) -> T:
        before = _TRACE.set(trace)
        try:
            return fn(connection)
        finally:
            _TRACE.reset(before)

    return run


def asked_in() -> str:
    """Within such a closure: the trace, as a traceparent; empty for none."""
    return _TRACE.get()
