"""What the gateway asks of an authorisation host.

Every verb answers with one of four outcomes and never raises for a silent or broken host: only a
programmer's error is an exception. A verb asked again with `repeat` sends the same trace number,
transmission time and RRN under the repeat's message type, by which the host recognises it; it is
never a new transaction. *Not sent* is about the one message: of a repeat or an advice it says
nothing about what went before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tkkpg.gateway.host.fields import Trace
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import Card, StoredCard
    from tkkpg.gateway.model.transaction import HostReply, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """A reply that nobody waits for any more: late, or after a restart.

    Attributes:
        trace: What its request is found by.
        reply: What it says of its request.
        amount_minor: The amount that it repeats.
        currency: Numeric code that it repeats.
    """

    trace: Trace
    reply: HostReply
    amount_minor: int
    currency: str


class Host(Protocol):
    """The authorisation system of the acquirer."""

    async def start(self, unclaimed: Callable[[Unclaimed], None]) -> None:
        """Begin to connect; returns at once, also while the host cannot be reached.

        Args:
            unclaimed: Told of every well-formed reply without a waiter.
        """
        ...

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Ask the issuer for permission, and charge or hold the amount (0200, 0100).

        Where the transaction says so, the host is asked to keep the card: an approval then comes
        with its token, by which this merchant, and no other, may name the card later.

        Args:
            tran: As it was committed.
            card: Typed on the page, or kept by the host.
            proof: What 3-D Secure proved of a typed card; `None` for one that is kept.
        """
        ...

    async def complete(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Charge an amount that was held before (0220)."""
        ...

    async def reverse(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Undo an approved authorisation (0400)."""
        ...

    async def refund(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Give money back to the card of the original transaction (0200)."""
        ...

    async def advise_reversal(self, tran: Transaction, *, repeat: bool = False) -> HostReply:
        """Undo an authorisation whose outcome is not known (0420).

        Approved means that nothing of it is left, also when the host never saw it.
        """
        ...

    async def aclose(self) -> None:
        """Sign off and let go of the links."""
        ...
