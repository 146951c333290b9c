"""What an issuer answers, and what moves: pure, from a request and what is known.

A movement says what it does to the cardholder's account: how much more is held, how much more is
charged. Everything else, an authorisation's standing and the account's balance, are sums of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.host import fields
from tkkpg.protocol.codes import Outcome, response_code

if TYPE_CHECKING:
    from tkkpg.issuer.accounts import Account

APPROVED: Final = "001"
EXPIRED_CARD: Final = "051"
INVALID_CARD: Final = "075"
INVALID_TRANSACTION: Final = "055"
INVALID_CODE: Final = "209"
INVALID_CVV2: Final = "211"
INVALID_AMOUNT: Final = "567"
NOT_ENOUGH: Final = "076"
OVER_LIMIT: Final = "095"
SYSTEM_ERROR: Final = "811"

FULL_PROOF: Final = frozenset({"05", "02"})
"""ECI that only a CAVV can back: the cardholder was proved by 3-D Secure."""


class MovementKind(StrEnum):
    """Why money moved."""

    HOLD = "HOLD"
    CHARGE = "CHARGE"
    COMPLETE = "COMPLETE"
    RELEASE = "RELEASE"
    REFUND = "REFUND"
    REVERSE = "REVERSE"


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement on a cardholder's account.

    Attributes:
        held_minor: Change of what is held.
        charged_minor: Change of what was charged.
    """

    kind: MovementKind
    held_minor: int = 0
    charged_minor: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of an approved authorisation.

    Attributes:
        account: Name of its account.
        rrn: Its reference number.
        currency: Its currency, numeric.
        held_minor: Still held.
        charged_minor: Charged, less what was given back.
        returned: Some of it was refunded, or it was reversed: it is not reversed any more.
        asked_minor: What was asked for; more than was approved, where only a part was.
    """

    account: str
    rrn: str
    currency: str
    held_minor: int
    charged_minor: int
    returned: bool
    asked_minor: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a request.

    Attributes:
        code: Response code.
        movements: What moves; empty unless approved.
    """

    code: str
    movements: tuple[Movement, ...] = field(default=())

    @property
    def approves(self) -> bool:
        """Whether the code approves, if only in part."""
        return response_code(self.code).outcome is not Outcome.DECLINE


def authorise(
    message: fields.Message, account: Account | None, available_minor: int, *, reversed_before: bool
) -> Decision:
    """Decide about a hold or a charge.

    Args:
        message: The request, 0100 or 0200.
        account: The card's, `None` when no such card was issued or kept for the merchant.
        available_minor: What the account can still bear.
        reversed_before: Its reversal has overtaken it: it must not be done any more.
    """
    amount = int(message[fields.AMOUNT])
    if account is None:
        return Decision(INVALID_CARD)
    if message.get(fields.PROCESSING) != fields.PURCHASE_CODE:
        return Decision(INVALID_CODE)
    if reversed_before or not amount or not _is_backed(message):
        return Decision(INVALID_TRANSACTION)
    code = _misprint(message, account) or _code(account, amount, available_minor)
    moved = _moved(code, amount)
    if not moved:
        return Decision(code)
    if message[fields.TYPE].startswith("01"):
        return Decision(code, (Movement(MovementKind.HOLD, held_minor=moved),))
    return Decision(code, (Movement(MovementKind.CHARGE, charged_minor=moved),))


def _misprint(message: fields.Message, account: Account) -> str | None:
    """Return what a typed card is declined with whose date or CVV2 is not the card's own.

    A token was given for a card that was right.
    """
    if fields.PAN not in message:
        return None
    if account.expiry not in {None, message.get(fields.EXPIRY)}:
        return EXPIRED_CARD
    typed = fields.elements_of(message).get(fields.CVV2_TAG, "")
    wrong = account.cvv2 is not None and not compare_digest(typed, account.cvv2.reveal())
    return INVALID_CVV2 if wrong else None


def _is_backed(message: fields.Message) -> bool:
    """Whether a CAVV comes where the ECI claims full proof, and none without an ECI."""
    elements = fields.elements_of(message)
    eci, has_cavv = elements.get(fields.ECI_TAG), fields.CAVV_TAG in elements
    return eci is not None if has_cavv else eci not in FULL_PROOF


def _moved(code: str, amount_minor: int) -> int:
    """Say how much of what was asked for a code moves; a part approval moves half of it."""
    outcome = response_code(code).outcome
    if outcome is Outcome.REVERSE:
        return (amount_minor + 1) // 2
    return amount_minor if outcome is Outcome.APPROVE else 0


def _code(account: Account, amount_minor: int, available_minor: int) -> str:
    """Say what is answered: what is played, unless that approves more than the account bears."""
    borne = _bearing(account, amount_minor, available_minor)
    played = account.played(amount_minor)
    if played is None:
        return borne
    declines = response_code(played).outcome is Outcome.DECLINE
    return played if declines or borne == APPROVED else borne


def _bearing(account: Account, amount_minor: int, available_minor: int) -> str:
    """Say what the account itself answers to an amount."""
    if account.limit_minor is not None and amount_minor > account.limit_minor:
        return OVER_LIMIT
    return APPROVED if amount_minor <= available_minor else NOT_ENOUGH


def complete(message: fields.Message, original: Standing | None) -> Decision:
    """Charge a hold, whole or in part; the rest is released."""
    amount = int(message[fields.AMOUNT])
    refusal = _refusal(message, original)
    if refusal or original is None:
        return Decision(refusal or fields.ORIGINAL_NOT_FOUND)
    if not original.held_minor:
        return Decision(INVALID_TRANSACTION)
    if not 0 < amount <= original.held_minor:
        return Decision(INVALID_AMOUNT)
    charged = Movement(MovementKind.COMPLETE, held_minor=-amount, charged_minor=amount)
    rest = original.held_minor - amount
    released = Movement(MovementKind.RELEASE, held_minor=-rest)
    return Decision(APPROVED, (charged, released) if rest else (charged,))


def refund(message: fields.Message, original: Standing | None) -> Decision:
    """Give back at most what is charged."""
    amount = int(message[fields.AMOUNT])
    refusal = _refusal(message, original)
    if refusal or original is None:
        return Decision(refusal or fields.ORIGINAL_NOT_FOUND)
    if not 0 < amount <= original.charged_minor:
        return Decision(INVALID_AMOUNT)
    return Decision(APPROVED, (Movement(MovementKind.REFUND, charged_minor=-amount),))


def reverse(message: fields.Message, original: Standing | None) -> Decision:
    """Undo an authorisation whole, on request or on advice.

    One that was reversed before, or never was, has nothing to undo; one that was refunded is not
    undone, a completed one is. An advice names the amount that was asked for: it was sent by
    somebody who did not read that only a part of it was approved.
    """
    refusal = _refusal(message, original)
    if refusal or original is None:
        return Decision(refusal or fields.ORIGINAL_NOT_FOUND)
    advice = message[fields.TYPE].startswith("042")
    if original.returned:
        gone = not original.held_minor and not original.charged_minor
        return Decision(APPROVED if gone and advice else INVALID_TRANSACTION)
    left = original.held_minor + original.charged_minor
    if int(message[fields.AMOUNT]) not in ({left, original.asked_minor} if advice else {left}):
        return Decision(INVALID_AMOUNT)
    undone = Movement(
        MovementKind.REVERSE,
        held_minor=-original.held_minor,
        charged_minor=-original.charged_minor,
    )
    return Decision(APPROVED, (undone,))


def _refusal(message: fields.Message, original: Standing | None) -> str | None:
    if original is not None and message.get(fields.CURRENCY) != original.currency:
        return INVALID_TRANSACTION
    return None
