"""The decision of settlement: what was charged becomes the merchant's money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.plan import Context, Plan, SettlementCursor

if TYPE_CHECKING:
    from tkkpg.protocol.values import Currency


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What settlement would move for one merchant.

    Attributes:
        amount_minor: Charged and not yet settled, in minor units.
        settled_through: Entry up to which it was settled before.
        entry_id: Newest entry that is counted in the amount.
    """

    merchant_id: str
    currency: Currency
    amount_minor: int
    settled_through: int
    entry_id: int


def plan_settlement(context: Context, unsettled: Unsettled) -> Plan:
    """Move an amount to the merchant's current account, once: the cursor is a guard."""
    entries: tuple[Entry, ...] = ()
    if unsettled.amount_minor > 0:
        entries = (
            Entry(
                posting=Posting.SETTLE,
                merchant_id=unsettled.merchant_id,
                amount_minor=unsettled.amount_minor,
                currency=unsettled.currency,
                at=context.now,
            ),
        )
    return Plan(
        context=context,
        action="settled",
        detail={
            "merchant_id": unsettled.merchant_id,
            "amount_minor": unsettled.amount_minor,
            "through_entry": unsettled.entry_id,
        },
        entries=entries,
        cursors=(
            SettlementCursor(
                unsettled.merchant_id,
                unsettled.currency,
                unsettled.settled_through,
                unsettled.entry_id,
            ),
        ),
    )
