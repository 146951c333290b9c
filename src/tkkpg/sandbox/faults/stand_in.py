"""Another card in the place of the payer's, so that a payment ends with what was asked for.

What is asked for is produced as a payment with that code's test card is: the card is sent in place
of the payer's, at the gateway's edge. A code of 3-D Secure is asked of the directory about that
card, any other of the issuer: so whoever says the code says it itself, the issuer's journal shows
what it answered and moved, on that card's account, and a code that has a cause gets the cause. The
gateway and the order keep the payer's own masked card.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.protocol.codes import Origin
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import amount_card, amount_minor_of, card_of, codes_of
from tkkpg.sandbox.unplugged import Unplugged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tkkpg.gateway.host.base import Host
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import StoredCard
    from tkkpg.gateway.model.transaction import HostReply, Transaction
    from tkkpg.gateway.threeds.base import (
        Attempt,
        Authenticated,
        Authenticator,
        Challenge,
        MethodCall,
    )
    from tkkpg.sandbox.faults.wishes import Wishes


class Wishing(Unplugged):
    """A host that is sent another card where one of its codes was asked for."""

    def __init__(self, host: Host, pans: Mapping[str, int | None], wishes: Wishes) -> None:
        """Take the host, the card numbers that never leave, and what is asked for."""
        super().__init__(host, pans)
        self._wishes = wishes

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Ask about the test card of the code that was asked for, else about the payer's."""
        code = self._wishes.take(tran.order_id, tran.merchant_id, threeds=False)
        return await super().authorise(tran, card if code is None else _card_to_send(code), proof)


class WishingAuthenticator:
    """An authenticator that asks about another card where a code of 3-D Secure was asked for.

    The card `amount` asks for one too, by the amount.
    """

    def __init__(self, authenticator: Authenticator, wishes: Wishes) -> None:
        """Take the authenticator and what is asked for."""
        self._authenticator = authenticator
        self._wishes = wishes
        self._by_amount = {amount_minor_of(code): code for code in codes_of(Origin.THREE_DS)}

    async def method(self, attempt: Attempt) -> MethodCall | None:
        """Give the method page of the payer's own card."""
        return await self._authenticator.method(attempt)

    async def authenticate(self, attempt: Attempt) -> Authenticated | Challenge:
        """Ask about the test card of the code that was asked for, else about the payer's."""
        code = self._wishes.take(attempt.order_id, attempt.merchant_id, threeds=True)
        if code is None and attempt.card.pan == Secret(amount_card().pan):
            code = self._by_amount.get(attempt.amount_minor)
        asked = attempt if code is None else replace(attempt, card=_card_to_send(code))
        return await self._authenticator.authenticate(asked)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._authenticator.aclose()


def _card_to_send(code: str) -> Card:
    found = card_of(code)
    return Card(Secret(found.pan), Expiry.of(found.expiry), Secret(found.cvv2))
