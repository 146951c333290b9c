"""All listeners of the gateway together: bound as one, drained as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from types import TracebackType
from typing import Final, Self

from structlog.typing import FilteringBoundLogger

from tkkpg.gateway.server.connection import Connection
from tkkpg.gateway.server.listening import Listener, Listening

DRAIN_S: Final = 25.0  # an Exec answer may take 20 s
GOODBYE_S: Final = 0.5  # for peers that do not answer TLS's goodbye, as idle pools do not
POLL_S: Final = 0.02
DATE_S: Final = 1.0


class Servers:
    """Several listeners in one event loop, as an async context manager.

    Entering binds every port or none. Leaving stops accepting, lets running requests finish for
    at most `drain_s` seconds, then cancels them and closes what is left.

    Raises:
        ConfigurationError: on entering, when a port cannot be bound; it names the option.
    """

    def __init__(
        self, listeners: Sequence[Listener], *, log: FilteringBoundLogger, drain_s: float = DRAIN_S
    ) -> None:
        self._listeners = listeners
        self._log = log
        self._drain_s = drain_s
        self._listening: dict[str, Listening] = {}
        self._clock: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Bind all sockets, then start to take connections."""
        try:
            for listener in self._listeners:
                self._listening[listener.name] = Listening(listener, self._log)
        except BaseException:
            self._close()
            raise
        self._stamp()
        for listening in self._listening.values():
            listening.start()
        return self

    def port(self, name: str) -> int:
        """Return the port of a listener; port 0 has become the one that was free."""
        return self._listening[name].port

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop accepting, let running requests finish, close the rest."""
        self._close()
        for connection in self._connections():
            connection.shutdown()  # an idle one closes, a busy one after its answer
        try:
            if not await _until_idle(self._working, self._drain_s):
                self._log.warning("drain_cut_short", requests=len(self._tasks()))
        finally:
            await self._cancel()
            await _until_idle(self._connected, GOODBYE_S)
            await self._abort()

    def _working(self) -> bool:
        """Whether a request is under way; a connection that is closing has had its answer."""
        return bool(self._tasks()) or any(
            not connection.transport.is_closing() for connection in self._connections()
        )

    def _connected(self) -> bool:
        return any(self._connections())

    def _connections(self) -> Iterator[Connection]:
        for listening in self._listening.values():
            yield from listening.connections()

    def _tasks(self) -> set[asyncio.Task[None]]:
        return set().union(*(listening.tasks() for listening in self._listening.values()))

    def _close(self) -> None:
        for listening in self._listening.values():
            listening.close()

    async def _cancel(self) -> None:
        """End the handshakes and requests that would not end by themselves."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _abort(self) -> None:
        """Close without ceremony what is still open."""
        if self._clock:
            self._clock.cancel()
        for connection in self._connections():
            connection.transport.abort()
        await asyncio.sleep(0)  # the loop tells the connections that they are lost

    def _stamp(self) -> None:
        """Renew the Date header, once a second instead of once a reply."""
        date = (b"date", formatdate(usegmt=True).encode())
        for listening in self._listening.values():
            listening.state.default_headers = [date]
        self._clock = asyncio.get_running_loop().call_later(DATE_S, self._stamp)


async def _until_idle(busy: Callable[[], bool], limit_s: float) -> bool:
    """Wait until nothing is busy; false when that takes longer than the limit."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    while busy():
        if loop.time() >= end:
            return False
        await asyncio.sleep(POLL_S)
    return True
