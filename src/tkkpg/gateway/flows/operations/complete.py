"""Completion: charge an amount that is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.operations.operate import operate
from tkkpg.gateway.flows.operations.pos_reply import pos_codes, pos_fields, status_of
from tkkpg.gateway.model.decisions.operation import plan_completion
from tkkpg.protocol.messages import CompletionRequest, CompletionResponse

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway


async def complete(
    gateway: Gateway, merchant: Merchant, request: CompletionRequest
) -> CompletionResponse:
    """Answer Completion (protocol description, 2.7); Status 96 with the code where declined.

    Raises:
        PolicyRefusal: 30 where the order does not allow it; 96 or 97 without an outcome.
    """
    tran = await operate(
        gateway,
        merchant,
        request,
        lambda context, facts, numbers: plan_completion(context, facts, request, numbers),
    )
    return CompletionResponse(
        status=status_of(tran), codes=pos_codes(tran), fields=pos_fields(tran)
    )
