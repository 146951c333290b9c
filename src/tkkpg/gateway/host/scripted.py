"""A host in the process that answers as a table of cards says.

It stands in for the bank's authorisation host until a link is configured: every card number has
its scenario, and all four outcomes occur.
"""

# ruff: noqa: ARG002 - the port hands over more than a script looks at

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from tkkpg.gateway.model.card import StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tkkpg.gateway.host.base import Unclaimed
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import Card
    from tkkpg.gateway.model.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to an authorisation of a card.

    Attributes:
        outcome: What becomes of the message.
        response_code: Three characters, for an answer.
        delay_s: How long the answer takes.
    """

    outcome: Outcome
    response_code: str
    delay_s: float = 0.0


class ScriptedHost:
    """Answers by card number; declines a number that it does not know with 075, invalid PAN.

    It keeps a card by its place in the table, so that the same card has the same token for the
    same merchant, also in another process.
    """

    def __init__(self, scenarios: Mapping[str, Scenario], timeout_s: float) -> None:
        """Take the table.

        Args:
            scenarios: Card number to scenario.
            timeout_s: How long silence lasts before it is called so.
        """
        self._scenarios = scenarios
        self._timeout_s = timeout_s

    async def start(self, unclaimed: Callable[[Unclaimed], None]) -> None:
        """Nothing to connect to, and nobody answers late."""

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Play the card's scenario, whatever was proved."""
        pan = self._pan_of(tran, card)
        scenario = self._scenarios.get(pan, Scenario(Outcome.DECLINED, "075"))
        if scenario.outcome is Outcome.NOT_SENT:
            return HostReply.not_sent()
        if scenario.outcome is Outcome.UNKNOWN or scenario.delay_s > self._timeout_s:
            await asyncio.sleep(self._timeout_s)
            return HostReply.silent()
        await asyncio.sleep(scenario.delay_s)
        token = Secret(self._token(tran, pan)) if tran.register and pan in self._scenarios else None
        return HostReply.of(scenario.response_code, _approval_code(tran), token)

    async def complete(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Approve."""
        return _approved(tran)

    async def reverse(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Approve."""
        return _approved(tran)

    async def refund(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Approve."""
        return _approved(tran)

    async def advise_reversal(self, tran: Transaction, *, repeat: bool = False) -> HostReply:
        """Confirm: nothing is left of the authorisation."""
        return _approved(tran)

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _pan_of(self, tran: Transaction, card: Card | StoredCard) -> str:
        """Find the card; empty for a token that is not this merchant's."""
        if not isinstance(card, StoredCard):
            return card.pan.reveal()
        token = card.token.reveal()
        return next((pan for pan in self._scenarios if self._token(tran, pan) == token), "")

    def _token(self, tran: Transaction, pan: str) -> str:
        """Name a card of the table, for the transaction's merchant alone."""
        merchant = sha256(tran.merchant_id.encode()).hexdigest()[:12].upper()
        return f"CARD{[*self._scenarios].index(pan):04d}{merchant}"


def _approved(tran: Transaction) -> HostReply:
    return HostReply.of("001", _approval_code(tran))


def _approval_code(tran: Transaction) -> str:
    """Six digits, the same for the same message."""
    return f"{tran.stan:06d}"
