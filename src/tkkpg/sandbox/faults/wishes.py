"""Outcomes that were asked for, one-shot: the next authorisation of an order or a merchant.

What is asked for is produced as a payment with that code's test card is: its card is sent in place
of the payer's, at the gateway's edge. So the issuer answers field 39 itself, its journal shows what
it answered and moved, on that card's account, and a code that has a cause gets the cause. The
gateway and the order keep the payer's own masked card.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import card_of
from tkkpg.sandbox.unplugged import Unplugged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tkkpg.gateway.host.base import Host
    from tkkpg.gateway.model.card import StoredCard
    from tkkpg.gateway.model.transaction import HostReply, Transaction

WISHES_MAX: Final = 1_000
"""Waiting at once; who asks for more has forgotten to pay."""


class Wish(NamedTuple):
    """What was asked for.

    Attributes:
        code: Response code, listed and possible.
        order_id: The order whose next authorisation gets it; `None` for any of the merchant.
        merchant_id: The merchant, where no order is named.
    """

    code: str
    order_id: int | None = None
    merchant_id: str | None = None


class Wishes:
    """What waits to be met; forgotten at the end of the process."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._waiting: deque[Wish] = deque()

    def add(self, wish: Wish) -> None:
        """Let an authorisation meet it, after those that were asked for earlier.

        Raises:
            ConfigurationError: The code cannot be had, or too many wait.
        """
        card_of(wish.code)
        if len(self._waiting) >= WISHES_MAX:
            raise ConfigurationError(
                f"{WISHES_MAX} outcomes wait for a payment already. Pay what they were asked for, "
                "or start the sandbox again: it then forgets them."
            )
        self._waiting.append(wish)

    def waiting(self) -> tuple[Wish, ...]:
        """Give those that no authorisation has met, the earliest first."""
        return tuple(self._waiting)

    def take(self, tran: Transaction) -> str | None:
        """Give the code that an authorisation meets, once; its order goes before its merchant."""
        for mine in ((tran.order_id, None), (None, tran.merchant_id)):
            for wish in self._waiting:
                if (wish.order_id, wish.merchant_id) == mine:
                    self._waiting.remove(wish)
                    return wish.code
        return None


class Wishing(Unplugged):
    """A host that is sent another card where an outcome was asked for."""

    def __init__(self, host: Host, pans: Mapping[str, int | None], wishes: Wishes) -> None:
        """Take the host, the card numbers that never leave, and what is asked for."""
        super().__init__(host, pans)
        self._wishes = wishes

    async def authorise(self, tran: Transaction, card: Card | StoredCard) -> HostReply:
        """Ask about the test card of the code that was asked for, else about the payer's."""
        code = self._wishes.take(tran)
        return await super().authorise(tran, card if code is None else _test_card(code))


def _test_card(code: str) -> Card:
    found = card_of(code)
    return Card(Secret(found.pan), Expiry.of(found.expiry), Secret(found.cvv2))
