"""The authorisation host behind ISO 8583 links: the port's verbs as messages and back."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from tkkpg.gateway.host import fields, messages
from tkkpg.gateway.host.link import Link, LinkLimits, NoReply, NotSecured
from tkkpg.gateway.model.transaction import HostReply

if TYPE_CHECKING:
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.host.base import Unclaimed
    from tkkpg.gateway.host.fields import Message
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import Card, StoredCard
    from tkkpg.gateway.model.transaction import Transaction

Address: TypeAlias = tuple[str, int]
"""Host name or address, and port."""

Dial: TypeAlias = Callable[[Address, Callable[[], asyncio.Protocol]], Awaitable[object]]
"""Connects to an address the protocol that it is handed a maker of; raises when it cannot."""

LINKS: Final = 1
"""Links to each address."""

_WITHOUT: Final = {NoReply.NOT_SENT: HostReply.not_sent(), NoReply.UNKNOWN: HostReply.silent()}


def tcp(tls: ssl.SSLContext | None = None) -> Dial:
    """Dial over TCP.

    Args:
        tls: Verifies the host's certificate against its name, and never falls back; without it the
            link is in clear.
    """

    async def dial(address: Address, make: Callable[[], asyncio.Protocol]) -> None:
        try:
            await asyncio.get_running_loop().create_connection(make, *address, ssl=tls)
        except ssl.SSLCertVerificationError as error:
            raise NotSecured(
                f"the host's certificate is refused: {error.verify_message}"
            ) from error
        except (ssl.SSLError, ConnectionResetError) as error:
            if tls is None:
                raise
            raise NotSecured("the host ends the TLS handshake, or speaks no TLS") from error

    return dial


class IsoHost:
    """A `Host` over one or several links; a request takes the next one that is ready."""

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        timeout_s: float,
        now: Callable[[], datetime],
        log: FilteringBoundLogger,
        links: int = LINKS,
        limits: LinkLimits | None = None,
        dial: Dial | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            addresses: Where the host listens.
            timeout_s: How long the host may take to answer.
            now: Business time, UTC.
            links: Links to each address.
            limits: What each link bears.
            dial: Makes the connections; `tcp()` unless given.
        """
        self._timeout_s = timeout_s
        self._log = log
        dial = tcp() if dial is None else dial
        self._links = [
            Link(
                partial(dial, address),
                unclaimed=self._take_unclaimed,
                now=now,
                log=log.bind(link=number),
                limits=limits,
            )
            for number, address in enumerate([*addresses] * links, 1)
        ]
        self._turns = itertools.cycle(range(len(self._links)))
        self._unclaimed: Callable[[Unclaimed], None] | None = None

    @property
    def ready(self) -> bool:
        """Whether any link takes requests."""
        return any(link.ready for link in self._links)

    async def start(self, unclaimed: Callable[[Unclaimed], None]) -> None:
        """Begin to connect."""
        self._unclaimed = unclaimed
        for link in self._links:
            link.start()

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Ask for permission, by 0100 or 0200."""
        return await self._ask(messages.authorisation(tran, card, proof))

    async def complete(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Charge a held amount, by 0220 or 0221."""
        return await self._ask(messages.completion(tran, original, repeat=repeat))

    async def reverse(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Undo an approved authorisation, by 0400 or 0401."""
        return await self._ask(messages.reversal(tran, original, repeat=repeat))

    async def refund(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Give money back, by 0200 or 0201."""
        return await self._ask(messages.refund(tran, original, repeat=repeat))

    async def advise_reversal(self, tran: Transaction, *, repeat: bool = False) -> HostReply:
        """Undo an authorisation of unknown outcome, by 0420 or 0421."""
        return await self._ask(messages.reversal_advice(tran, repeat=repeat))

    async def aclose(self) -> None:
        """Drain all links at once, sign off and close."""
        await asyncio.gather(*(link.aclose() for link in self._links))

    async def _ask(self, message: Message) -> HostReply:
        reply = await self._exchange(message)
        if isinstance(reply, NoReply):
            return _WITHOUT[reply]
        read, oddity = messages.read_reply(message, reply)
        if oddity is not None:
            self._warn(oddity, reply)
        return read

    async def _exchange(self, message: Message) -> Message | NoReply:
        """Try each link once, beginning with the next in turn, until one takes the request."""
        first = next(self._turns)
        for link in (*self._links[first:], *self._links[:first]):
            reply = await link.request(message, self._timeout_s)
            if reply is not NoReply.NOT_SENT:
                return reply
        return NoReply.NOT_SENT

    def _take_unclaimed(self, message: Message) -> None:
        """Pass on a reply without a waiter; nothing that goes wrong here may end the link."""
        self._warn("reply_unclaimed", message)
        unclaimed, oddity = messages.read_unclaimed(message)
        if oddity is not None:
            self._warn(oddity, message)
        if unclaimed is None or self._unclaimed is None:
            return
        try:
            self._unclaimed(unclaimed)
        except Exception:  # noqa: BLE001 - the link and its other requests must not suffer
            self._log.exception("unclaimed_failed")

    def _warn(self, event: str, reply: Message) -> None:
        """Log an oddity, with what the reply's transaction is found by."""
        self._log.warning(
            str(event),
            message_type=reply[fields.TYPE],
            stan=reply[fields.STAN],
            transmitted=reply[fields.TRANSMITTED],
            terminal=reply.get(fields.TERMINAL, "").rstrip(" "),
        )
