"""Structured logs on standard error: one JSON object a line, of named fields only.

A field that is not on the list is dropped, and exceptions are reported by class and place: no line
can carry a name, a number or a document, whoever logs it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog

from shared.faults import describe

FIELDS: Final = frozenset(
    {
        "event", "level", "timestamp", "service", "place", "what", "topic", "partition",
        "offset", "count", "seconds", "group", "partitions", "reason", "port", "code",
        "migrations", "kind", "attempt", "error", "version", "channel", "status", "template",
        "size", "task",
    }
)  # fmt: skip


def _whitelist(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = fields.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        fields["error"] = describe(error)
    return {name: value for name, value in fields.items() if name in FIELDS}


def _render(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(fields), default=str).decode()


class _ToStandardError(logging.Handler):
    """Libraries' warnings, without their arguments: those may quote what they choked on."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        fields = {"what": f"{record.name}:{record.funcName}:{record.lineno}", "event": "library"}
        if error is not None:
            fields["error"] = describe(error)
        structlog.get_logger().log(record.levelno, **fields)


def configure(service: str, level: str) -> None:
    """Sets up logging for the process. `level` is DEBUG, INFO, WARNING or ERROR."""
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.contextvars.merge_contextvars,
            _whitelist,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    root = logging.getLogger()
    root.handlers = [_ToStandardError()]
    root.setLevel(max(number, logging.WARNING))


def logger(service: str) -> structlog.typing.FilteringBoundLogger:
    """The service's logger; fields that are not in FIELDS are dropped."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=service)
    return bound
