"""What the program tells while it runs: one line for each event, and never a secret in it."""

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog
from opentelemetry import trace
from pydantic import BaseModel, SecretStr

from bot.errors import PermanentError
from config.credentials import read_secret
from config.settings import Settings

MASK = "[secret]"
SHORTEST = 6
"""Shorter secrets are not masked: their letters would be found inside innocent words."""
NO_SECRETS = frozenset({"ca_file", "kubeconfig"})


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Log to `stream` (default: stderr): JSON for collectors, key=value on a terminal."""
    out = stream or sys.stderr
    level = getattr(logging, settings.log.level.upper())
    readable = settings.log.format == "console" and out.isatty()
    render = Masking(_renderer(readable=readable), secrets_of(settings))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        *([] if readable else [add_trace]),
    ]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    _route_libraries(shared, render, level, out)


def _route_libraries(shared: list[structlog.typing.Processor], render: "Masking", level: int, out: TextIO) -> None:
    """Libraries log through the standard library; their lines get the same form, from warnings on."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))


def add_trace(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The trace that the line belongs to, under the names that OpenTelemetry gives them in logs of any format."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _renderer(*, readable: bool) -> structlog.typing.Processor:
    if readable:
        order = ["timestamp", "level", "event"]
        return structlog.processors.KeyValueRenderer(key_order=order, drop_missing=True, repr_native_str=False)
    return structlog.processors.JSONRenderer(serializer=_dumps)


def _dumps(event: Any, **kwargs: Any) -> str:
    return json.dumps(event, ensure_ascii=False, **kwargs)


class Masking:
    """Renders a line, then masks every configured secret in it, wherever it came from."""

    def __init__(self, render: structlog.typing.Processor, secrets: Iterable[str]) -> None:
        self._render = render
        written = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # The longest first: one secret may be the beginning of another.
        self._secrets = sorted(written, key=len, reverse=True)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """The line."""
        line = str(self._render(logger, method, event))
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line


def _forms(secret: str) -> Iterator[str]:
    """As it is, as JSON writes it, and as Python's repr does."""
    yield secret
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every secret the settings hold or name a file for; a file that cannot be read now holds nothing to mask."""
    return frozenset(_secrets(settings))


def _secrets(block: object, name: str = "") -> Iterator[str]:
    match block:
        case SecretStr():
            yield block.get_secret_value()
        case Path() if "file" in name and name not in NO_SECRETS:
            yield from _in_file(block)
        case BaseModel():
            for field, value in block:
                yield from _secrets(value, field)
        case Mapping():
            for value in block.values():
                yield from _secrets(value, name)
        case tuple() | list():
            for value in block:
                yield from _secrets(value, name)
        case _:
            return


def _in_file(file: Path) -> Iterator[str]:
    try:
        yield read_secret(file).get_secret_value()
    except PermanentError:
        return
