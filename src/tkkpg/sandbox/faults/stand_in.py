"""Outcomes that were asked for, produced where such an outcome comes from.

What is asked for is produced as a payment with that code's test card is: the card is sent in place
of the payer's, at the gateway's edge. A code of 3-D Secure is asked of the directory about that
card, any other of the issuer: so whoever says the code says it itself, the issuer's journal shows
what it answered and moved, on that card's account, and a code that has a cause gets the cause. The
gateway and the order keep the payer's own masked card.

A completion, a reversal or a refund names no card. Of it the issuer is told, by its journal and
before the message is sent, which code to play; so it too is the issuer's own answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tkkpg.gateway.host import fields, messages
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.model.transaction import NO_LINK_CODE, HostReply
from tkkpg.protocol.codes import Origin
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import amount_card, amount_minor_of, card_of, codes_of
from tkkpg.sandbox.faults.wishes import Question
from tkkpg.sandbox.unplugged import Unplugged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tkkpg.gateway.host.base import Host
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import StoredCard
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.threeds.base import (
        Attempt,
        Authenticated,
        Authenticator,
        Challenge,
        MethodCall,
    )
    from tkkpg.sandbox.faults.wishes import Wishes


class Wishing(Unplugged):
    """A host that answers with one of its codes where that was asked for."""

    def __init__(
        self,
        host: Host,
        pans: Mapping[str, int | None],
        wishes: Wishes,
        play: Callable[[fields.Trace, str], None],
    ) -> None:
        """Stand before a host.

        Args:
            host: What is asked.
            pans: The card numbers that never leave.
            wishes: What is asked for.
            play: Tells the issuer the code to answer a message with; called in a thread.
        """
        super().__init__(host, pans)
        self._wishes = wishes
        self._play = play

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Ask about the test card of the code that was asked for, else about the payer's."""
        code = self._wishes.take(tran.order_id, tran.merchant_id, Question.AUTHORISATION)
        return await super().authorise(tran, card if code is None else _card_to_send(code), proof)

    async def complete(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Charge an amount that was held before, unless another outcome was asked for."""
        first = None if repeat else await self._meet(tran, messages.completion(tran, original))
        return first or await super().complete(tran, original, repeat=repeat)

    async def reverse(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Undo an approved authorisation, unless another outcome was asked for."""
        first = None if repeat else await self._meet(tran, messages.reversal(tran, original))
        return first or await super().reverse(tran, original, repeat=repeat)

    async def refund(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Give money back, unless another outcome was asked for."""
        first = None if repeat else await self._meet(tran, messages.refund(tran, original))
        return first or await super().refund(tran, original, repeat=repeat)

    async def _meet(self, tran: Transaction, message: fields.Message) -> HostReply | None:
        """Have the issuer answer a message with the code that was asked for.

        Returns:
            The outcome where the code means that nothing is sent; else `None`, and it is sent.
        """
        code = self._wishes.take(tran.order_id, tran.merchant_id, Question.OPERATION)
        if code == NO_LINK_CODE:
            return HostReply.not_sent()
        if code is not None:
            await asyncio.to_thread(self._play, fields.trace_of(message), code)
        return None


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
        code = self._wishes.take(attempt.order_id, attempt.merchant_id, Question.AUTHENTICATION)
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
