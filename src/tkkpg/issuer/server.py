"""The issuer's end of the links: requests that arrive together are journalled together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.framing import Frames, frame
from tkkpg.issuer.service import network_reply
from tkkpg.protocol.errors import RemoteProtocolError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.host.fields import Message
    from tkkpg.issuer.journal import Journal
    from tkkpg.issuer.service import Issuer, Reply

LINKS_MAX: Final = 64
"""Links at a time; a gateway has one or a few."""


class Desk:
    """Takes requests from all links, and answers those of one turn of the loop in one tx."""

    def __init__(self, issuer: Issuer, journal: Journal, log: FilteringBoundLogger) -> None:
        """Take who decides and where it is recorded."""
        self._issuer = issuer
        self._journal = journal
        self._log = log
        self._waiting: list[tuple[LinkEnd, Message]] = []
        self.links: set[LinkEnd] = set()

    def take(self, link: LinkEnd, message: Message) -> None:
        """Queue a request about money."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_all)
        self._waiting.append((link, message))

    def close(self) -> None:
        """Answer what has come, then end the links."""
        self._answer_all()
        for link in tuple(self.links):
            link.end()

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        answered: list[tuple[LinkEnd, Reply]] = []
        with self._journal.tx():
            for link, message in waiting:
                try:
                    answered.append((link, self._issuer.answer(message)))
                except RemoteProtocolError as error:
                    link.refuse(str(error))
        for link, reply in answered:
            link.answer(reply)


class LinkEnd(asyncio.Protocol):
    """One link, from the issuer's side."""

    def __init__(self, desk: Desk, log: FilteringBoundLogger) -> None:
        """Belong to a desk."""
        self._desk = desk
        self._log = log
        self._frames = Frames()
        self._signed_on = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many already."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._desk.links) >= LINKS_MAX:
            self.refuse(f"There are {LINKS_MAX} links already.")
        self._desk.links.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; replies on their way are lost."""
        del exc
        self._desk.links.discard(self)

    def pause_writing(self) -> None:
        """Take no more from a peer that does not read its replies."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on when it has read."""
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take requests; bytes that are none end the link."""
        try:
            for raw in self._frames.each(data):
                self._take(fields.decode(raw))
        except RemoteProtocolError as error:
            self.refuse(str(error))

    def _take(self, message: Message) -> None:
        if message[fields.TYPE] == fields.NETWORK_REQUEST:
            fields.trace_of(message)
            code = message.get(fields.NETWORK)
            self._signed_on = code != fields.SIGN_OFF and (
                self._signed_on or code == fields.SIGN_ON
            )
            self._write(network_reply(message))
        elif self._signed_on:
            self._desk.take(self, message)
        else:
            raise fields.MalformedMessage("A request came before sign-on.")

    def answer(self, reply: Reply) -> None:
        """Send a reply when its time has come."""
        if reply.message is None:
            return
        if reply.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(reply.delay_s, self._write, reply.message)
        else:
            self._write(reply.message)

    def refuse(self, reason: str) -> None:
        """Close the link; why is in the log."""
        self._log.warning("link_garbage", reason=reason)
        self._transport.close()

    def end(self) -> None:
        """Close the link because the issuer stops."""
        self._transport.close()

    def _write(self, message: Message) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame(fields.encode(message)))
