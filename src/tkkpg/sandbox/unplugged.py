"""Test cards that never leave the gateway: code -1 without pulling a plug."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.model.card import Card
from tkkpg.gateway.model.transaction import HostReply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tkkpg.gateway.host.base import Host, Unclaimed
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import StoredCard
    from tkkpg.gateway.model.transaction import Transaction


class Unplugged:
    """A host that never sees some cards; everything else it is asked goes on as it is."""

    def __init__(self, host: Host, pans: Mapping[str, int | None]) -> None:
        """Take the host and the card numbers that never leave.

        Args:
            host: What is asked about everything else.
            pans: Each with the amount in minor units at which it does not leave, `None` for any.
        """
        self._host = host
        self._pans = pans

    async def start(self, unclaimed: Callable[[Unclaimed], None]) -> None:
        """Begin to connect."""
        await self._host.start(unclaimed)

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Ask the issuer, unless the card is one that never leaves."""
        if isinstance(card, Card) and card.pan.reveal() in self._pans:
            amount_minor = self._pans[card.pan.reveal()]
            if amount_minor in {None, tran.amount_minor}:
                return HostReply.not_sent()
        return await self._host.authorise(tran, card, proof)

    async def complete(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Charge an amount that was held before."""
        return await self._host.complete(tran, original, repeat=repeat)

    async def reverse(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Undo an approved authorisation."""
        return await self._host.reverse(tran, original, repeat=repeat)

    async def refund(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Give money back."""
        return await self._host.refund(tran, original, repeat=repeat)

    async def advise_reversal(self, tran: Transaction, *, repeat: bool = False) -> HostReply:
        """Undo an authorisation whose outcome is not known."""
        return await self._host.advise_reversal(tran, repeat=repeat)

    async def aclose(self) -> None:
        """Let go of the links."""
        await self._host.aclose()
