"""What is booked when an order takes a step: the step's posting, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.ledger import Entry, Posting

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.transaction import Transaction

_P = Posting

_AFTER_SETTLEMENT: Final = {
    _P.RESERVE_UNCHARGE: _P.RESERVE_CLAWBACK,
    _P.UNCHARGE: _P.CLAWBACK,
    _P.CANCEL_UNCHARGE: _P.CANCEL_CLAWBACK,
}
"""A settled charge is undone from the merchant's current account."""

_WITHOUT_FEE: Final = frozenset({*_AFTER_SETTLEMENT, *_AFTER_SETTLEMENT.values()})
"""The merchant gives back what it had: the charge less its fee."""

_FEE: Final = {
    _P.CHARGE: _P.FEE,
    _P.COMPLETE: _P.FEE,
    _P.UNCHARGE: _P.CANCEL_FEE,
    _P.CLAWBACK: _P.CANCEL_FEE,
    _P.REFUND: _P.RETURN_FEE,
}
"""How the transaction's fee is booked beside a posting."""


def book(
    posting: Posting | None, tran: Transaction, now: datetime, *, held_minor: int = 0
) -> tuple[Entry, ...]:
    """Write down a step of a transaction.

    Args:
        posting: Of the step's rule; `None` books nothing.
        tran: Says amount, fee, and whether the charge that it undoes was settled.
        now: Business time.
        held_minor: What was held for a completion; the rest of it is released.
    """
    if posting is None:
        return ()
    if tran.settled:
        posting = _AFTER_SETTLEMENT.get(posting, posting)
    less = tran.fee_minor if posting in _WITHOUT_FEE else 0
    booked = [(posting, tran.amount_minor - less)]
    if posting in _FEE:
        booked.append((_FEE[posting], tran.fee_minor))
    if posting is _P.COMPLETE:
        booked.append((_P.RELEASE, held_minor - tran.amount_minor))
    return tuple(
        Entry(
            posting=what,
            merchant_id=tran.merchant_id,
            amount_minor=amount,
            currency=tran.currency,
            at=now,
            order_id=tran.order_id,
            tran_id=tran.tran_id,
        )
        for what, amount in booked
        if amount > 0
    )


def share_of_fee(fee_minor: int, part_minor: int, before_minor: int, whole_minor: int) -> int:
    """Say how much of a charge's fee belongs to a part of it, in minor units.

    The shares of all parts add up to the fee, to the last minor unit.

    Args:
        fee_minor: The whole fee.
        part_minor: The part.
        before_minor: All parts before it.
        whole_minor: The charge.
    """
    before = fee_minor * before_minor // whole_minor
    return fee_minor * (before_minor + part_minor) // whole_minor - before
