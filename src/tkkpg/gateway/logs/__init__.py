"""Structured logs: one JSON object a line, a request id in each, nothing secret in any.

Whatever is logged, by us or by a library through `logging`, passes the same masking. No file is
opened: the stream belongs to whoever starts the process.
"""

from __future__ import annotations

from structlog.contextvars import bound_contextvars

from tkkpg.gateway.logs.access import AccessLog
from tkkpg.gateway.logs.masking import mask_text
from tkkpg.gateway.logs.setup import configure, get_logger

__all__ = ["AccessLog", "bound_contextvars", "configure", "get_logger", "mask_text"]
