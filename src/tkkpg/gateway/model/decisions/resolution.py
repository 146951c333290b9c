"""What becomes of a transaction that nobody answers for: parked, then the operator's word."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from typing import Final

from tkkpg.gateway.model.decisions.operation import plan_operation_outcome
from tkkpg.gateway.model.decisions.payment import plan_reversed
from tkkpg.gateway.model.decisions.reservation import find_transaction
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.plan import Context, Facts, Plan, TransactionChange
from tkkpg.gateway.model.transaction import (
    PARKED_AFTER,
    UNRESOLVED,
    HostReply,
    Outcome,
    TranKind,
    Transaction,
    TranState,
)
from tkkpg.protocol.masking import PAN_DIGITS_MIN, mask_card_data

REASON_MAX: Final = 200
"""Characters of an operator's reason: a sentence and a reference, not a report."""
_CARD_LIKE: Final = re.compile(rf"(?:\d[ -]?){{{PAN_DIGITS_MIN},}}")


class Resolution(StrEnum):
    """What an operator found out, from the host's own records."""

    APPROVED = "approved"
    """The host did it."""
    DECLINED = "declined"
    """The host did not do it."""
    REVERSED = "reversed"
    """Nothing is left of the authorisation at the host."""


_REPLIES: Final = {
    Resolution.APPROVED: HostReply(Outcome.APPROVED, "001"),
    Resolution.DECLINED: HostReply(Outcome.DECLINED, "056"),
}


def plan_parking(context: Context, facts: Facts, tran_id: int) -> Plan | None:
    """Leave a transaction to the operator once nobody has answered for a day; never drop it.

    Returns:
        The plan, or `None` when it is resolved, parked before, or younger than that.
    """
    tran = find_transaction(facts, tran_id)
    asked_since = tran.sent_at or tran.created_at
    if tran.state not in UNRESOLVED or tran.parked_at is not None:
        return None
    if context.now - asked_since < PARKED_AFTER:
        return None
    parked = replace(tran, parked_at=context.now)
    return Plan(
        context=context,
        action="transaction_parked",
        order_id=tran.order_id,
        detail={"tran_id": tran.tran_id, "state": tran.state},
        transactions=(TransactionChange(parked, tran.state),),
    )


def plan_resolution(
    context: Context, facts: Facts, tran_id: int, resolution: Resolution, reason: str
) -> Plan:
    """Take the operator's word for what became of a transaction; the audit keeps the reason.

    Raises:
        PolicyRefusal: It has an outcome already, is not of a kind that can be resolved like this,
            or the reason is missing, too long, or holds what looks like a card number.
    """
    check_reason(reason)
    tran = find_transaction(facts, tran_id)
    if tran.state is TranState.RESERVED:
        raise PolicyRefusal(
            f"Transaction {tran_id} has not been sent: it waits for 3-D Secure, and ends with its "
            "order. There is nothing to resolve."
        )
    if tran.state not in UNRESOLVED:
        raise PolicyRefusal(
            f"Transaction {tran_id} is {tran.state}: its outcome is known and stays. "
            "`tkkpg tran list --unresolved` lists the ones without."
        )
    plan = _outcome(context, facts, tran, resolution)
    if plan is None:
        raise PolicyRefusal(_ALLOWED.format(tran_id=tran_id, kind=tran.kind.lower()))
    return replace(
        plan,
        action="transaction_resolved",
        detail={**plan.detail, "resolved_as": resolution.value, "reason": mask_card_data(reason)},
    )


_ALLOWED: Final = (
    "Transaction {tran_id} is a {kind} and cannot be resolved like this: a completion, "
    "reversal or refund is resolved as approved or declined, an authorisation that is being "
    "reversed as reversed."
)


def _outcome(
    context: Context, facts: Facts, tran: Transaction, resolution: Resolution
) -> Plan | None:
    if resolution is Resolution.REVERSED:
        return plan_reversed(context, facts, tran.tran_id)  # none unless it is being reversed
    if tran.kind is TranKind.AUTHORISATION:
        return None
    return plan_operation_outcome(context, facts, tran.tran_id, _REPLIES[resolution])


def check_reason(reason: str) -> None:
    """Check what an operator gives as the reason of a decision; the audit keeps it.

    Raises:
        PolicyRefusal: It is missing, too long, or holds what looks like a card number.
    """
    if not reason.strip() or len(reason) > REASON_MAX:
        raise PolicyRefusal(
            f"This needs a reason of at most {REASON_MAX} characters: who found out or confirmed "
            "it, and when."
        )
    if _CARD_LIKE.search(reason):
        raise PolicyRefusal(
            "The reason holds a number as long as a card's, which is never stored. "
            "Name the transaction by its RRN with letters around it, or by its number."
        )
