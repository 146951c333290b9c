"""The issuer's end of the links: requests that arrive together are journalled together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Final, cast

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.framing import Frames, frame
from tkkpg.issuer.service import Reply, network_reply
from tkkpg.protocol.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.host.fields import Message
    from tkkpg.issuer.journal import Journal
    from tkkpg.issuer.service import Issuer

LINKS_MAX: Final = 64
"""Links at a time; a gateway has one or a few."""

SIGN_ON_S: Final = 10.0
"""How long a link may be without sign-on; a gateway signs on at once and waits 5 s itself."""


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
        messages = [message for _, message in waiting]
        try:
            answers = self._in_one_tx(messages, self._issuer.answer)
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody may be left waiting
            self._warn("batch_failed", error)
            answers = [self._alone(message) for message in messages]
        for (link, _), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Reply):
                link.answer(answer)
            else:
                link.refuse(str(answer))

    def _in_one_tx(
        self, messages: list[Message], answer: Callable[[Message], Reply]
    ) -> list[Reply | RemoteProtocolError]:
        """Answer each, or say why it cannot be read; nothing is done when anything else fails."""
        answers: list[Reply | RemoteProtocolError] = []
        with self._journal.tx():
            for message in messages:
                try:
                    answers.append(answer(message))
                except RemoteProtocolError as error:
                    answers.append(error)
        return answers

    def _alone(self, message: Message) -> Reply | RemoteProtocolError:
        """Answer one; decline it when that fails, and be silent when that cannot be recorded."""
        steps = (
            (self._issuer.answer, "request_failed"),
            (self._issuer.give_up, "request_unanswered"),
        )
        for answer, event in steps:
            try:
                return self._in_one_tx([message], answer)[0]
            except Exception as error:  # noqa: BLE001 - the others must not suffer
                self._warn(event, error)
        return Reply(None)

    def _warn(self, event: str, error: Exception) -> None:
        """Log where something failed; its words and values may be card data."""
        place = extract_tb(error.__traceback__)[-1]
        self._log.error(
            event, reason=type(error).__name__, place=f"{Path(place.filename).name}:{place.lineno}"
        )


class LinkEnd(asyncio.Protocol):
    """One link, from the issuer's side."""

    def __init__(
        self, desk: Desk, log: FilteringBoundLogger, *, sign_on_s: float = SIGN_ON_S
    ) -> None:
        """Belong to a desk.

        Args:
            sign_on_s: How long it may be without sign-on.
        """
        self._desk = desk
        self._log = log
        self._sign_on_s = sign_on_s
        self._frames = Frames()
        self._signed_on = False
        self._patience: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many already."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._desk.links) >= LINKS_MAX:
            self.refuse(f"There are {LINKS_MAX} links already.")
        self._desk.links.add(self)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; replies on their way are lost."""
        del exc
        if self._patience is not None:
            self._patience.cancel()
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
            self._watch()
            self._write(network_reply(message))
        elif self._signed_on:
            self._desk.take(self, message)
        else:
            raise fields.MalformedMessage("A request came before sign-on.")

    def _watch(self) -> None:
        """Give a link that is not signed on its time, once; a place is for who uses it."""
        if self._signed_on and self._patience is not None:
            self._patience.cancel()
            self._patience = None
        elif not self._signed_on and self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(self._sign_on_s, self._give_up)

    def _give_up(self) -> None:
        """Take the place back at once, also from a peer that does not read."""
        self._log.warning("link_not_signed_on", after_s=self._sign_on_s)
        self._transport.abort()

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
