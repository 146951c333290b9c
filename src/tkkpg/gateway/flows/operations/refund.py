"""Refund: give money of a paid order back."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.flows.operations.operate import ended, operate
from tkkpg.gateway.model.decisions.operation import plan_refund
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.protocol import codec
from tkkpg.protocol.messages import RefundRequest, RefundResponse
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
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
    earlier = await _earlier(gateway, merchant, request, digest)
    if earlier is None:
        tran = await operate(
            gateway,
            merchant,
            request,
            lambda context, facts, numbers: plan_refund(context, facts, request, numbers, digest),
        )
    else:
        gateway.log.info("refund_repeated", order_id=request.order_id, tran_id=earlier.tran_id)
        tran = await ended(gateway, earlier.tran_id)
    if tran.state is not TranState.APPROVED:
        message = (
            "The host declined the refund; the order is as before. "
            "Ask GetOrderStatus before you repeat it."
        )
        raise PolicyRefusal(message, status=OperationStatus.SYSTEM_ERROR)
    return RefundResponse()


async def _earlier(
    gateway: Gateway, merchant: Merchant, request: RefundRequest, digest: str
) -> Transaction | None:
    """Find the refund that the same request asked for, within the merchant's window."""
    if not merchant.duplicate_window_s:
        return None
    await find_order(gateway, merchant.merchant_id, request.ref)
    facts = await gateway.store.facts(request.order_id)
    since = gateway.clock.now() - timedelta(seconds=merchant.duplicate_window_s)
    same = [
        tran
        for tran in (facts.transactions if facts else ())
        if tran.kind is TranKind.REFUND
        and tran.state is not TranState.NOT_SENT
        and tran.request_digest == digest
        and tran.created_at >= since
    ]
    return same[-1] if same else None
