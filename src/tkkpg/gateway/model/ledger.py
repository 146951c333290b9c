"""The ledger as data: double entry, append-only, whole minor units, one currency an entry.

An entry moves an amount from a debit to a credit account, so every posting balances by its shape.
A pending entry reserves, a later one posts or voids it; a mistake is corrected by more entries.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tkkpg.protocol.values import Currency

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Account(StrEnum):
    """Accounts of the acquirer's books; the merchant's two exist once per merchant."""

    SCHEME_RECEIVABLE = "SCHEME_RECEIVABLE"
    MERCHANT_PAYABLE = "MERCHANT_PAYABLE"
    MERCHANT_CURRENT = "MERCHANT_CURRENT"
    FEE_INCOME = "FEE_INCOME"
    ACQUIRER_NOSTRO = "ACQUIRER_NOSTRO"


class Phase(StrEnum):
    """What an entry does to the balance."""

    PENDING = "PENDING"
    POSTS = "POSTS"
    VOIDS = "VOIDS"
    POSTED = "POSTED"


class Posting(StrEnum):
    """What is booked.

    A charge that is undone gives back what the merchant had of it, its fee comes out of the fee
    income: `UNCHARGE` before settlement, `CLAWBACK` from the current account after it. `DEPOSIT`
    is money that a merchant brings to that account.
    """

    CHARGE = "CHARGE"
    HOLD = "HOLD"
    COMPLETE = "COMPLETE"
    RELEASE = "RELEASE"
    RESERVE_UNCHARGE = "RESERVE_UNCHARGE"
    UNCHARGE = "UNCHARGE"
    CANCEL_UNCHARGE = "CANCEL_UNCHARGE"
    RESERVE_CLAWBACK = "RESERVE_CLAWBACK"
    CLAWBACK = "CLAWBACK"
    CANCEL_CLAWBACK = "CANCEL_CLAWBACK"
    RESERVE_REFUND = "RESERVE_REFUND"
    REFUND = "REFUND"
    CANCEL_REFUND = "CANCEL_REFUND"
    SETTLE = "SETTLE"
    DEPOSIT = "DEPOSIT"
    FEE = "FEE"
    RETURN_FEE = "RETURN_FEE"
    CANCEL_FEE = "CANCEL_FEE"


_A, _P = Account, Phase
POSTINGS: Final = {
    Posting.CHARGE: (_A.SCHEME_RECEIVABLE, _A.MERCHANT_PAYABLE, _P.POSTED),
    Posting.HOLD: (_A.SCHEME_RECEIVABLE, _A.MERCHANT_PAYABLE, _P.PENDING),
    Posting.COMPLETE: (_A.SCHEME_RECEIVABLE, _A.MERCHANT_PAYABLE, _P.POSTS),
    Posting.RELEASE: (_A.SCHEME_RECEIVABLE, _A.MERCHANT_PAYABLE, _P.VOIDS),
    Posting.RESERVE_UNCHARGE: (_A.MERCHANT_PAYABLE, _A.SCHEME_RECEIVABLE, _P.PENDING),
    Posting.UNCHARGE: (_A.MERCHANT_PAYABLE, _A.SCHEME_RECEIVABLE, _P.POSTS),
    Posting.CANCEL_UNCHARGE: (_A.MERCHANT_PAYABLE, _A.SCHEME_RECEIVABLE, _P.VOIDS),
    Posting.RESERVE_CLAWBACK: (_A.MERCHANT_CURRENT, _A.SCHEME_RECEIVABLE, _P.PENDING),
    Posting.CLAWBACK: (_A.MERCHANT_CURRENT, _A.SCHEME_RECEIVABLE, _P.POSTS),
    Posting.CANCEL_CLAWBACK: (_A.MERCHANT_CURRENT, _A.SCHEME_RECEIVABLE, _P.VOIDS),
    Posting.RESERVE_REFUND: (_A.MERCHANT_CURRENT, _A.SCHEME_RECEIVABLE, _P.PENDING),
    Posting.REFUND: (_A.MERCHANT_CURRENT, _A.SCHEME_RECEIVABLE, _P.POSTS),
    Posting.CANCEL_REFUND: (_A.MERCHANT_CURRENT, _A.SCHEME_RECEIVABLE, _P.VOIDS),
    Posting.SETTLE: (_A.MERCHANT_PAYABLE, _A.MERCHANT_CURRENT, _P.POSTED),
    Posting.DEPOSIT: (_A.ACQUIRER_NOSTRO, _A.MERCHANT_CURRENT, _P.POSTED),
    Posting.FEE: (_A.MERCHANT_PAYABLE, _A.FEE_INCOME, _P.POSTED),
    Posting.RETURN_FEE: (_A.FEE_INCOME, _A.MERCHANT_CURRENT, _P.POSTED),
    Posting.CANCEL_FEE: (_A.FEE_INCOME, _A.SCHEME_RECEIVABLE, _P.POSTED),
}
"""Debit account, credit account and phase of each posting."""

PAYABLE: Final = {
    Posting.CHARGE: 1,
    Posting.COMPLETE: 1,
    Posting.FEE: -1,
    Posting.RESERVE_UNCHARGE: -1,
    Posting.CANCEL_UNCHARGE: 1,
}
"""What settlement adds up and moves to the merchant's current account, with its sign.

What is reserved to be undone is not paid out, so that the sum of an order is never below zero.
"""

CAPTURES: Final = (Posting.CHARGE, Posting.COMPLETE)
"""Postings by which an order's money is taken; each order has at most one."""

BECOMES_PAYABLE: Final = (*CAPTURES, Posting.CANCEL_UNCHARGE)
"""Postings after which an order's charge waits for settlement; the last of them counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        posting: What is booked.
        merchant_id: Whose accounts are meant.
        amount_minor: Minor units, more than zero.
        currency: Currency of the amount.
        at: Business time.
        order_id: The order it belongs to, if any.
        tran_id: The transaction that caused it, if any.
    """

    posting: Posting
    merchant_id: str
    amount_minor: int
    currency: Currency
    at: datetime
    order_id: int | None = None
    tran_id: int | None = None

    @property
    def debit(self) -> Account:
        """Account that gives."""
        return POSTINGS[self.posting][0]

    @property
    def credit(self) -> Account:
        """Account that takes."""
        return POSTINGS[self.posting][1]

    @property
    def phase(self) -> Phase:
        """What it does to the balance."""
        return POSTINGS[self.posting][2]


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A change of the stored balance of a merchant's current account.

    It is a guard too: it applies only while `posted - reserved` and `reserved` stay at zero or
    above, else the commit fails.

    Attributes:
        posted_minor: Added to what is on the account.
        reserved_minor: Added to what running refunds and reversals hold.
    """

    merchant_id: str
    currency: Currency
    posted_minor: int
    reserved_minor: int


def _effect(entry: Entry) -> tuple[int, int]:
    """Say what an entry does to (posted, reserved) of the merchant's current account."""
    amount = entry.amount_minor
    if entry.credit is Account.MERCHANT_CURRENT:
        return {Phase.POSTED: (amount, 0)}[entry.phase]
    if entry.debit is Account.MERCHANT_CURRENT:
        return {
            Phase.PENDING: (0, amount),
            Phase.POSTS: (-amount, -amount),
            Phase.VOIDS: (0, -amount),
            Phase.POSTED: (-amount, 0),
        }[entry.phase]
    return (0, 0)


def balance_changes(entries: Iterable[Entry]) -> tuple[BalanceChange, ...]:
    """Derive what entries do to stored balances, so that stored and derived cannot differ.

    Only the merchant's current account is stored; payments never touch it.
    """
    totals: dict[tuple[str, Currency], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for entry in entries:
        key = (entry.merchant_id, entry.currency)
        posted, reserved = _effect(entry)
        totals[key] = (totals[key][0] + posted, totals[key][1] + reserved)
    return tuple(
        BalanceChange(merchant_id, currency, posted, reserved)
        for (merchant_id, currency), (posted, reserved) in totals.items()
        if posted or reserved
    )
