"""The accounts behind the test cards, for the issuer of the sandbox."""

from __future__ import annotations

from tkkpg.issuer.accounts import OPENING_MINOR, Account
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import CardOutcome, test_cards

NOT_ENOUGH = "076"
"""Its card has an empty account rather than a code that is played."""


def accounts() -> tuple[Account, ...]:
    """Give an account for every card that an authorisation is ever sent for."""
    return tuple(
        Account(
            name=card.name,
            pan=Secret(card.pan),
            balance_minor=0 if card.response_code == NOT_ENOUGH else OPENING_MINOR,
            response_code=card.response_code
            if card.outcome is CardOutcome.DECLINED and card.response_code != NOT_ENOUGH
            else None,
            delay_s=card.delay_s,
            silent=card.outcome is CardOutcome.UNKNOWN,
        )
        for card in test_cards()
        if card.outcome is not CardOutcome.NOT_SENT
    )
