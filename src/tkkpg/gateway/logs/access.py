"""One line a request, and the id by which its other lines are found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars
from structlog.types import FilteringBoundLogger

from tkkpg.gateway.logs.masking import mask_text

MAX_PATH_LENGTH: Final = 256
"""Of what is written of a path; ours are short, and the rest is somebody trying things."""


class AccessLog:
    """ASGI middleware: gives each request an id and writes one line when it has ended.

    The id is in `scope["state"]["request_id"]` and in every line logged meanwhile. The line has
    method, path, status, milliseconds and the bytes of the reply's body; never the query, which
    carries session ids.
    """

    def __init__(
        self,
        app: ASGIApp,
        log: FilteringBoundLogger,
        name: str,
        *,
        new_id: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap an application.

        Args:
            app: What answers.
            log: Where the lines go.
            name: The listener, such as `exec` or `page`.
            new_id: Makes a request id; not of 32 capital hexadecimal digits, which would be cut.
            monotonic: Seconds that only ever grow.
        """
        self._app = app
        self._log = log
        self._name = name
        self._new_id = new_id
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, length = 500, 0  # what the server answers when the application fails before it does

        async def count(message: Message) -> None:
            nonlocal status, length
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                length += len(message.get("body", b""))
            await send(message)

        request_id = self._new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        began = self._monotonic()
        with bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, count)
            finally:
                self._log.info(
                    "request",
                    listener=self._name,
                    method=scope["method"],
                    path=_shortened(scope["path"]),
                    status=status,
                    ms=round((self._monotonic() - began) * 1000, 3),
                    bytes=length,
                )


def _shortened(path: str) -> str:
    path = mask_text(path)  # first: a session id cut in two would no longer be recognised
    return path if len(path) <= MAX_PATH_LENGTH else path[:MAX_PATH_LENGTH] + "…"
