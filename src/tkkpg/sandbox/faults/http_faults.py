"""Faults of HTTP servers: the Exec listener's, and the merchant's while it is notified.

ASGI middleware for `gateway.server`, whose connections it ends. What goes wrong is the answer:
but for a lost request and a refusal, the application has done its work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tkkpg.gateway.server.connection import TRANSPORT_KEY
from tkkpg.sandbox.faults.catalogue import Place
from tkkpg.sandbox.faults.dice import Dice
from tkkpg.sandbox.faults.sockets import reset

LATENCY_S: Final = 2.0
SILENCE_S: Final = 35.0
"""Then the connection is reset: the merchant's kit waits 30 s, and nothing is held for good."""
GARBAGE_BYTES: Final = 64


class HttpFaults:
    """An application of which some requests go wrong."""

    def __init__(
        self,
        app: ASGIApp,
        dice: Dice,
        place: Place,
        *,
        path: str | None = None,
        latency_s: float = LATENCY_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        """Wrap an application.

        Args:
            app: What answers.
            dice: Decides which request meets which fault.
            place: `Place.EXEC` or `Place.NOTIFICATION`.
            path: The one path that is subject to faults; all are without it.
            latency_s: The delay of an answer that is only slow.
            silence_s: How long a request without an answer is held.
        """
        self._app = app
        self._dice = dice
        self._place = place
        self._path = path
        self._latency_s = latency_s
        self._silence_s = silence_s
        self._faults: dict[str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
            "notification-latency": self._late,
            "notification-silence": self._silent,
            "notification-reset": self._reset,
            "notification-refusal": self._refuse,
            "notification-garbage": self._answer_no_http,
            "exec-latency": self._late,
            "exec-silence": self._silent,
            "exec-lost-request": self._lose,
            "exec-reset": self._reset,
            "exec-garbage": self._answer_garbage,
            "exec-truncated": self._truncate,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        subject = scope["type"] == "http" and self._path in {None, scope["path"]}
        fault = self._dice.next_fault(self._place) if subject else None
        serve = self._app if fault is None else self._faults[fault.name]
        await serve(scope, receive, send)

    async def _late(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await self._answer(scope, receive)
        if await _stays(receive, self._latency_s):
            await _send(send, start, body)

    async def _silent(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive)
        await self._lose(scope, receive, send)

    async def _lose(self, scope: Scope, receive: Receive, _: Send) -> None:
        if await _stays(receive, self._silence_s):
            await _hang_up(scope, receive)

    async def _reset(self, scope: Scope, receive: Receive, _: Send) -> None:
        await self._answer(scope, receive)
        await _hang_up(scope, receive)

    async def _refuse(self, _: Scope, __: Receive, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": 500,
            "headers": [(b"content-length", b"0")],
        }
        await _send(send, start, b"")

    async def _answer_no_http(self, scope: Scope, receive: Receive, _: Send) -> None:
        await self._answer(scope, receive)
        transport = _transport(scope)
        transport.write(self._dice.garbage(self._place, GARBAGE_BYTES))
        transport.close()
        await _gone(receive)

    async def _answer_garbage(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await self._answer(scope, receive)
        await _send(send, start, self._dice.garbage(self._place, len(body)))

    async def _truncate(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await self._answer(scope, receive)
        await send(start)
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport(scope).close()
        await _gone(receive)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Let the application work, and keep what it answers."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _send(send: Send, start: Message, body: bytes) -> None:
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope["state"][TRANSPORT_KEY]
    return transport


async def _hang_up(scope: Scope, receive: Receive) -> None:
    reset(_transport(scope))
    await _gone(receive)


async def _stays(receive: Receive, seconds: float) -> bool:
    """Wait; false as soon as the client has gone."""
    try:
        async with asyncio.timeout(seconds):
            await _gone(receive)
    except TimeoutError:
        return True
    return False


async def _gone(receive: Receive) -> None:
    """Wait until the connection has ended: the server answers 500 for whoever returns earlier."""
    while (await receive())["type"] != "http.disconnect":
        pass
