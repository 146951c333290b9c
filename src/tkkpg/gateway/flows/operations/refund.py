"""Refund: give money of a paid order back."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from tkkpg.gateway.flows.operations.operate import ended, operate
from tkkpg.gateway.model.decisions.operation import plan_refund
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.protocol import codec
from tkkpg.protocol.messages import RefundRequest, RefundResponse
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.decisions.reservation import Numbers
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway


async def refund(gateway: Gateway, merchant: Merchant, request: RefundRequest) -> RefundResponse:
    """Answer Refund (protocol description, 2.5).

    Within the merchant's window for duplicates, the same request again is answered by what became
    of the first one, and moves nothing.

    Raises:
        PolicyRefusal: 30 where the order does not allow it, 205 where the merchant's current
            account is short, 96 or 97 where the host did not do it.
    """
    digest = sha256(codec.encode(request)).hexdigest()
    window = timedelta(seconds=merchant.duplicate_window_s)

    def planner(context: Context, facts: Facts, numbers: Numbers) -> Plan:
        # On the facts that the commit is guarded by, so that of two at once one sees the other.
        earlier = _earlier(facts, digest, context.now - window) if window else None
        if earlier is not None:
            raise _Repeated(earlier)
        return plan_refund(context, facts, request, numbers, digest)

    try:
        tran = await operate(gateway, merchant, request, planner)
    except _Repeated as repeated:
        gateway.log.info("refund_repeated", order_id=request.order_id, tran_id=repeated.tran_id)
        tran = await ended(gateway, repeated.tran_id)
    if tran.state is not TranState.APPROVED:
        message = (
            "The host declined the refund; the order is as before. "
            "Ask GetOrderStatus before you repeat it."
        )
        raise PolicyRefusal(message, status=OperationStatus.SYSTEM_ERROR)
    return RefundResponse()


class _Repeated(Exception):
    """The same request asked for a refund before."""

    def __init__(self, tran: Transaction) -> None:
        super().__init__(tran.tran_id)
        self.tran_id = tran.tran_id


def _earlier(facts: Facts, digest: str, since: datetime) -> Transaction | None:
    """Find the refund that the same request asked for; one that never left is none."""
    same = [
        tran
        for tran in facts.transactions
        if tran.kind is TranKind.REFUND
        and tran.state is not TranState.NOT_SENT
        and tran.request_digest == digest
        and tran.created_at >= since
    ]
    return same[-1] if same else None
