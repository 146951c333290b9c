"""One link to the host: a TCP connection that is made again whenever it is lost.

A request ends in one of three ways: its reply; not sent, which is decided before its first byte
is written; or unknown. Replies come in any order and are matched by their trace.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from tkkpg.gateway.crash import reach_written
from tkkpg.gateway.host import fields, messages
from tkkpg.gateway.host.framing import Frames, frame
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.errors import RemoteProtocolError

if TYPE_CHECKING:
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.host.fields import Message, Trace

IN_FLIGHT_MAX: Final = 1_000
"""Requests that wait for a reply on one link; many more than a healthy host lets pile up."""

WRITE_BUFFER_MAX: Final = 128 * 1024
"""Bytes waiting to be sent before the link is full: some 900 authorisations, since a burst of
hundreds is handed over in one turn of the loop."""

STAN_MAX: Final = 999_999

Connect: TypeAlias = Callable[[Callable[[], asyncio.Protocol]], Awaitable[object]]
"""Connects the protocol that it is handed a maker of; raises when it cannot."""


class NotSecured(ConnectionError):
    """No TLS with the host came about, so there is no link; its text says why."""


class NoReply(Enum):
    """How a request ends without a reply."""

    NOT_SENT = "not_sent"
    """No byte of it was written."""
    UNKNOWN = "unknown"
    """It may have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """How much and how long a link bears, in seconds unless said otherwise.

    Attributes:
        in_flight: Requests that wait for a reply.
        heartbeat_s: Silence after which the host is asked for an echo.
        answer_s: For connecting, and for the answer to sign-on, echo and sign-off.
        pause_s: Before the second attempt to connect; doubles with each further one.
        pause_max_s: What the pause grows to.
        drain_s: How long closing waits for requests in flight.
    """

    in_flight: int = IN_FLIGHT_MAX
    heartbeat_s: float = 30.0
    answer_s: float = 5.0
    pause_s: float = 0.1
    pause_max_s: float = 5.0
    drain_s: float = 15.0


class _Connection(asyncio.Protocol):
    """One connection: writes requests and hands each reply to whoever waits for it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        unclaimed: Callable[[Message], None],
        log: FilteringBoundLogger,
    ) -> None:
        self._loop = loop
        self._unclaimed = unclaimed
        self._log = log
        self._frames = Frames()
        self._waiting: dict[Trace, list[asyncio.Future[Message | NoReply]]] = {}
        self._transport: asyncio.Transport | None = None
        self._congested = False
        self.lost: asyncio.Future[None] = loop.create_future()
        self.heard_at = loop.time()

    # -- what the link asks

    async def ask(self, message: Mapping[str, str], timeout_s: float) -> Message | NoReply:
        """Send a request and wait; one whose trace is in flight already shares its answer."""
        trace = fields.trace_of(message)
        answer: asyncio.Future[Message | NoReply] = self._loop.create_future()
        if trace in self._waiting:
            self._waiting[trace].append(answer)
        elif self._send(frame(fields.encode(message))):
            self._waiting[trace] = [answer]
            if message[fields.TYPE] != fields.NETWORK_REQUEST:
                reach_written("host.sent", messages.kind_of(message))
        else:
            return NoReply.NOT_SENT
        timer = self._loop.call_later(timeout_s, _settle, answer, NoReply.UNKNOWN)
        try:
            return await answer
        finally:
            timer.cancel()
            self._forget(trace, answer)

    def takes(self, message: Mapping[str, str], in_flight_max: int) -> bool:
        """Whether there is room for a request, or its trace is in flight already."""
        if fields.trace_of(message) in self._waiting:
            return True
        return not self._congested and len(self._waiting) < in_flight_max

    async def drained(self, timeout_s: float) -> None:
        """Wait until every request in flight has its answer, or until the time is up."""
        answers = [answer for shared in self._waiting.values() for answer in shared]
        if answers:
            await asyncio.wait(answers, timeout=timeout_s)

    def end(self) -> None:
        """Close at once; what is in flight becomes unknown."""
        if self._transport is None:
            self._ended()
        else:
            self._transport.abort()
        waiting, self._waiting = self._waiting, {}
        for answer in itertools.chain.from_iterable(waiting.values()):
            _settle(answer, NoReply.UNKNOWN)

    def _send(self, data: bytes) -> bool:
        """Write a frame, the only place that does; false when nothing can be written any more."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def _ended(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def _forget(self, trace: Trace, answer: asyncio.Future[Message | NoReply]) -> None:
        """Let go of an answer that came too late or is not waited for any more."""
        shared = self._waiting.get(trace, [])
        if answer in shared:
            shared.remove(answer)
            if not shared:
                del self._waiting[trace]

    # -- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        self.heard_at = self._loop.time()

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._loop.time()
        try:
            for raw in self._frames.each(data):
                self._take(fields.decode(raw))
        except RemoteProtocolError as error:
            self._log.warning("link_garbage", reason=str(error), in_flight=len(self._waiting))
            self.end()

    def eof_received(self) -> None:
        """Close: a host that sends no more cannot answer."""
        if self._frames.unfinished:
            self._log.warning("link_garbage", reason="The last frame is cut off.")
        self.end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was
        self.end()
        self._ended()

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False

    def _take(self, message: Message) -> None:
        trace = fields.trace_of(message)
        if not fields.is_reply(message[fields.TYPE]):
            self._log.warning("reply_unreadable", stan=trace.stan, reason="It is no reply.")
            return
        waiting = [answer for answer in self._waiting.pop(trace, ()) if not answer.done()]
        for answer in waiting:
            answer.set_result(message)
        if not waiting:
            self._unclaimed(message)


class Link:
    """A connection to the host that signs on, is kept alive and comes back when it is lost."""

    def __init__(
        self,
        connect: Connect,
        *,
        unclaimed: Callable[[Message], None],
        now: Callable[[], datetime],
        log: FilteringBoundLogger,
        limits: LinkLimits | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            connect: Makes the connection; see `tcp` in `iso_host`.
            unclaimed: Told of each reply that nobody waits for; must not raise.
            now: Business time, UTC, for the transmission time of network messages.
        """
        self._connect = connect
        self._unclaimed = unclaimed
        self._now = now
        self._log = log
        self._limits = LinkLimits() if limits is None else limits
        # Network messages have no terminal, so their trace never meets that of a transaction.
        self._managed = itertools.count()
        self._connection: _Connection | None = None
        self._signed_on = False
        self._stopping = False
        self._running: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether it is signed on and takes requests."""
        return self._signed_on and not self._stopping

    def start(self) -> None:
        """Begin to connect, and go on until closed."""
        self._running = asyncio.create_task(self._run())

    async def request(self, message: Mapping[str, str], timeout_s: float) -> Message | NoReply:
        """Send a request and wait for its reply.

        Not sent when the link is not ready, is closing, or is full: too many requests in flight,
        or a host that does not read. Anything that goes wrong later is unknown.
        """
        connection = self._connection
        if connection is None or not self.ready:
            return NoReply.NOT_SENT
        if not connection.takes(message, self._limits.in_flight):
            return NoReply.NOT_SENT
        return await connection.ask(message, timeout_s)

    async def aclose(self) -> None:
        """Take no more requests, wait for those in flight, sign off and close."""
        self._stopping = True
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.wait((self._running,))
        connection = self._connection
        if connection is None:
            return
        try:
            if self._signed_on:
                await connection.drained(self._limits.drain_s)
                await self._manage(connection, fields.SIGN_OFF)
        finally:
            connection.end()
        await asyncio.wait((connection.lost,), timeout=self._limits.answer_s)

    async def _run(self) -> None:
        pause_s = self._limits.pause_s
        while True:
            if await self._open():
                pause_s = self._limits.pause_s
                await self._keep()
            self._signed_on = False
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._limits.pause_max_s)

    async def _open(self) -> bool:
        """Connect and sign on; false when either fails."""
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await self._connect(self._made)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
            secured = not isinstance(error, NotSecured)
            reason = type(error).__name__ if secured else f"There is no link, as {error}."
            self._log.warning("link_not_connected", reason=reason)
            return False
        connection = cast("_Connection", self._connection)
        reply = await self._manage(connection, fields.SIGN_ON)
        self._signed_on = not isinstance(reply, NoReply) and _accepted(reply)
        if self._signed_on:
            self._log.info("link_ready")
        else:
            self._log.warning("link_sign_on_failed")
            connection.end()
        return self._signed_on

    def _made(self) -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        self._connection = _Connection(loop, self._unclaimed, self._log)
        return self._connection

    async def _keep(self) -> None:
        """Ask for an echo after each silence, until the connection is lost or the echo is."""
        connection = cast("_Connection", self._connection)
        clock = asyncio.get_running_loop().time
        while not connection.lost.done():
            left_s = connection.heard_at + self._limits.heartbeat_s - clock()
            if left_s > 0:
                await asyncio.wait((connection.lost,), timeout=left_s)
            elif isinstance(await self._manage(connection, fields.ECHO), NoReply):
                self._log.warning("link_echo_unanswered")
                connection.end()
                break
        self._log.warning("link_lost")

    async def _manage(self, connection: _Connection, code: str) -> Message | NoReply:
        stan = next(self._managed) % STAN_MAX + 1
        message = messages.network(code, stan, self._now())
        return await connection.ask(message, self._limits.answer_s)


def _accepted(reply: Message) -> bool:
    return response_code(reply.get(fields.RESPONSE, "")).approved


def _settle(answer: asyncio.Future[Message | NoReply], result: NoReply) -> None:
    if not answer.done():
        answer.set_result(result)
