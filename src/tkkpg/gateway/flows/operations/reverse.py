"""Reverse: undo a hold or a charge, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.operations.operate import operate
from tkkpg.gateway.flows.operations.pos_reply import status_of
from tkkpg.gateway.model.decisions.operation import plan_reversal
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.messages import ReverseRequest, ReverseResponse

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway


async def reverse(gateway: Gateway, merchant: Merchant, request: ReverseRequest) -> ReverseResponse:
    """Answer Reverse (protocol description, 2.6); Status 96 with the code where declined.

    Raises:
        PolicyRefusal: 30 where the order does not allow it, 205 where the merchant's current
            account is short, 96 or 97 without an outcome.
    """
    tran = await operate(
        gateway,
        merchant,
        request,
        lambda context, facts, numbers: plan_reversal(context, facts, request, numbers),
    )
    code = tran.response_code or ""
    return ReverseResponse(
        status=status_of(tran),
        order_id=tran.order_id,
        response_code=code,
        response_message=response_code(code).text(request.language),
    )
