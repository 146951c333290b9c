"""The accounts behind the test cards, for the issuer of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.issuer.accounts import OPENING_MINOR, Account
from tkkpg.protocol.codes import Origin
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import (
    PLAIN_APPROVAL,
    CardOutcome,
    amount_card,
    amount_minor_of,
    card_of,
    codes_of,
    every_card,
)

if TYPE_CHECKING:
    from tkkpg.sandbox.cards import SandboxCard

NOT_ENOUGH: Final = "076"
"""Its card has an empty account rather than a code that is played."""
LEFT_TO_THE_ACCOUNT: Final = frozenset({PLAIN_APPROVAL, NOT_ENOUGH})
"""Codes that an account answers by itself."""
_PLAYED: Final = frozenset({CardOutcome.APPROVED, CardOutcome.PART, CardOutcome.DECLINED})


def accounts() -> tuple[Account, ...]:
    """Give an account for every card that an authorisation is ever sent for."""
    return tuple(
        _account(card) for card in every_card() if card.outcome is not CardOutcome.NOT_SENT
    )


def never_sent() -> dict[str, int | None]:
    """Give the card numbers that never leave, and at which amount; `None` for any amount."""
    dead = {card.pan: None for card in every_card() if card.outcome is CardOutcome.NOT_SENT}
    by_amount = {
        amount_card().pan: amount_minor_of(code)
        for code in _codes()
        if card_of(code).outcome is CardOutcome.NOT_SENT
    }
    return {**dead, **by_amount}


def _account(card: SandboxCard) -> Account:
    code = card.host_code
    played = card.outcome in _PLAYED and code not in LEFT_TO_THE_ACCOUNT
    return Account(
        name=card.name,
        pan=Secret(card.pan),
        expiry=f"{card.expiry[3:]}{card.expiry[:2]}",
        cvv2=Secret(card.cvv2),
        balance_minor=0 if code == NOT_ENOUGH else OPENING_MINOR,
        response_code=code if played else None,
        by_amount=_by_amount() if card == amount_card() else {},
        delay_s=card.delay_s,
        silent=card.outcome is CardOutcome.UNKNOWN,
    )


def _by_amount() -> dict[int, str]:
    """Give what the issuer answers on the card `amount`; what is never sent it never sees."""
    return {
        amount_minor_of(code): code
        for code in _codes()
        if card_of(code).outcome is not CardOutcome.NOT_SENT
    }


def _codes() -> tuple[str, ...]:
    """Give the codes that come of an authorisation; 3-D Secure ends an order before one."""
    return codes_of(Origin.HOST, Origin.GATEWAY)
