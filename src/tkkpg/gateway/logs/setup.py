"""Where log lines go and what they pass on the way."""

from __future__ import annotations

import io
import json
import logging
from typing import Final, TextIO

import structlog
from structlog.types import EventDict, FilteringBoundLogger, Processor

from tkkpg.gateway.logs.masking import mask_event

QUIET: Final = {
    "alembic": logging.WARNING,  # tells at every start that there is nothing to do
    "httpcore2": logging.WARNING,  # at lower levels these write whole URLs and headers
    "httpx2": logging.WARNING,
    "uvicorn.access": logging.CRITICAL,  # writes the query, and with it session ids; see AccessLog
}

# Made once: `json.dumps` would make one a line.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def configure(stream: TextIO, *, human: bool) -> None:
    """Send everything logged from now on to a stream; calling it again moves it to another.

    Args:
        stream: Gets one line an event.
        human: Aligned lines for reading along, instead of JSON.
    """
    if isinstance(stream, io.TextIOWrapper):
        # A character that the stream cannot write must not fail the request that logs it.
        stream.reconfigure(errors="backslashreplace")
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # plain text, without local variables
        mask_event,
        *(_for_people(stream) if human else [_as_json]),
    ]
    structlog.configure(
        processors=[structlog.stdlib.add_logger_name, *chain],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda name="": _NamedLogger(stream, name),
        cache_logger_on_first_use=False,
    )
    _redirect_standard_logging(stream, chain)


def get_logger(name: str) -> FilteringBoundLogger:
    """Make a logger; its name stands in each line as `logger`."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


class _NamedLogger(structlog.WriteLogger):
    """Writes lines; has a name, which `add_logger_name` looks for."""

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream)
        self.name = name


class _LineHandler(logging.StreamHandler[TextIO]):
    """The handler that `configure` puts on the root logger; a class, to be found again."""


def _redirect_standard_logging(stream: TextIO, chain: list[Processor]) -> None:
    """Let what libraries log through `logging` take the same way."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *chain],
    )
    handler = _LineHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for former in [it for it in root.handlers if isinstance(it, _LineHandler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def _for_people(stream: TextIO) -> list[Processor]:
    # `format_exc_info` has left no traceback to format; should one come this far all the same, the
    # default formatter would show its local variables where rich is installed.
    renderer = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [_escape_unprintable, renderer]


def _escape_unprintable(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep what a peer wrote from moving the cursor, turning the line round or beginning another.

    What stands in lists and the like is escaped by its `repr`, by the same rule.
    """
    return {
        name: _escaped(value, keep_lines=name == "exception") if isinstance(value, str) else value
        for name, value in event.items()
    }


def _escaped(text: str, *, keep_lines: bool) -> str:
    if text.isprintable():
        return text
    kept = "\n" if keep_lines else ""
    return "".join(
        sign
        if sign.isprintable() or sign in kept
        else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    """Write the line; `mask_event` has left only what JSON knows."""
    return _ENCODER.encode(event)
