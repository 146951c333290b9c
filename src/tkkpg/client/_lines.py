"""What carries a client's messages: HTTP, pauses and nothing else. Twins, like the clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import httpx2

from tkkpg.client._conversations import Conversation, Pause, Step
from tkkpg.client._exchange import REPLY_SIZE_MAX, Exchange
from tkkpg.client.config import AsyncClock, Clock, Credentials, Timeouts, connection_options
from tkkpg.protocol.errors import TKKPGError, TransportError

Result = TypeVar("Result")


class Line:
    """Carries the messages of `Client`.

    Raises:
        ConfigurationError: The credentials cannot be loaded.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        timeouts: Timeouts,
        transport: httpx2.BaseTransport | None,
        clock: Clock | None,
    ) -> None:
        self.clock: Clock = clock or time
        self._http = httpx2.Client(**connection_options(credentials, timeouts, transport))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def converse(self, conversation: Conversation[Result]) -> Result:
        """Carry out the steps of a conversation, and give its result."""
        proceed: Callable[[], Step] = partial(next, conversation)
        while True:
            try:
                step = proceed()
            except StopIteration as end:
                result: Result = end.value
                return result
            try:
                if isinstance(step, Pause):
                    self.clock.sleep(step.seconds)
                    proceed = partial(next, conversation)
                else:
                    proceed = partial(conversation.send, self.ask(step))
            except TKKPGError as error:
                proceed = partial(conversation.throw, error)

    def ask(self, exchange: Exchange[Result]) -> Result:
        """Send one request and give its result; a question is asked again when no answer comes."""
        for pause_s in exchange.pauses_s:
            try:
                return self._attempt(exchange)
            except TransportError:
                self.clock.sleep(pause_s)
        return self._attempt(exchange)

    def _attempt(self, exchange: Exchange[Result]) -> Result:
        body = bytearray()
        try:
            with self._http.stream("POST", exchange.url, content=exchange.body) as reply:
                for chunk in reply.iter_raw():
                    body += chunk
                    if len(body) > REPLY_SIZE_MAX:
                        break
        except (httpx2.HTTPError, OSError) as error:
            raise exchange.unanswered(error) from error
        return exchange.answered(reply.status_code, reply.headers, bytes(body))


class AsyncLine:
    """Carries the messages of `AsyncClient`.

    Raises:
        ConfigurationError: The credentials cannot be loaded.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        timeouts: Timeouts,
        transport: httpx2.AsyncBaseTransport | None,
        clock: AsyncClock | None,
    ) -> None:
        self.clock: AsyncClock = clock or _SystemClock()
        self._http = httpx2.AsyncClient(**connection_options(credentials, timeouts, transport))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def converse(self, conversation: Conversation[Result]) -> Result:
        """Carry out the steps of a conversation, and give its result."""
        proceed: Callable[[], Step] = partial(next, conversation)
        while True:
            try:
                step = proceed()
            except StopIteration as end:
                result: Result = end.value
                return result
            try:
                if isinstance(step, Pause):
                    await self.clock.sleep(step.seconds)
                    proceed = partial(next, conversation)
                else:
                    proceed = partial(conversation.send, await self.ask(step))
            except TKKPGError as error:
                proceed = partial(conversation.throw, error)

    async def ask(self, exchange: Exchange[Result]) -> Result:
        """Send one request and give its result; a question is asked again when no answer comes."""
        for pause_s in exchange.pauses_s:
            try:
                return await self._attempt(exchange)
            except TransportError:
                await self.clock.sleep(pause_s)
        return await self._attempt(exchange)

    async def _attempt(self, exchange: Exchange[Result]) -> Result:
        body = bytearray()
        try:
            async with self._http.stream("POST", exchange.url, content=exchange.body) as reply:
                async for chunk in reply.aiter_raw():
                    body += chunk
                    if len(body) > REPLY_SIZE_MAX:
                        break
        except (httpx2.HTTPError, OSError) as error:
            raise exchange.unanswered(error) from error
        return exchange.answered(reply.status_code, reply.headers, bytes(body))


class _SystemClock:
    """The system's time, waited for by asyncio."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float, /) -> None:
        """Let others run meanwhile."""
        await asyncio.sleep(seconds)
