"""What the gateway asks of an authorisation host.

Every verb answers with one of four outcomes and never raises for a silent or broken host: only a
programmer's error is an exception. A verb may be asked again with the same transaction; the host
recognises the repeat by its trace number and transmission time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tkkpg.gateway.model.card import Card
    from tkkpg.gateway.model.transaction import HostReply, Transaction


class Host(Protocol):
    """The authorisation system of the acquirer."""

    async def authorise(self, tran: Transaction, card: Card) -> HostReply:
        """Ask the issuer for permission and charge or hold the amount."""
        ...

    async def refund(self, tran: Transaction) -> HostReply:
        """Give money back to the card of the original transaction."""
        ...

    async def reverse(self, tran: Transaction) -> HostReply:
        """Undo an authorisation whose outcome is not known.

        Approved means that nothing of it is left, also when the host never saw it.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the link."""
        ...
