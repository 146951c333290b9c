"""Purchase: pay an order with a saved card, without its payer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import decide, draw_numbers
from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.flows.operations.operate import ended
from tkkpg.gateway.flows.operations.pos_reply import pos_codes, pos_fields, status_of
from tkkpg.gateway.flows.record import ask_and_record
from tkkpg.gateway.model.card import Expiry, StoredCard
from tkkpg.gateway.model.decisions.payment import plan_authorisation
from tkkpg.gateway.model.errors import OrderUnknown, PolicyRefusal
from tkkpg.gateway.model.policy import check_purchase
from tkkpg.gateway.model.xmlout import xmlout
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import (
    EnvelopedPurchaseResponse,
    PurchaseRequest,
    PurchaseResponse,
)
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from tkkpg.gateway.model.card import SavedCard
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway

ENVELOPED = "TKKPG"
"""`ResponseFormat` of a reply in the usual envelope (protocol description, 2.11)."""


async def purchase(
    gateway: Gateway, merchant: Merchant, request: PurchaseRequest
) -> PurchaseResponse:
    """Answer Purchase (protocol description, 2.8); a declined payment is an answer like any other.

    Raises:
        PolicyRefusal: 10 for a card number in the request, 30 where card or order do not allow
            it, 96 or 97 without an outcome.
    """
    if request.pan is not None:
        message = "A card number is not taken here. Send the payer to the page, or a CardUID."
        raise PolicyRefusal(message, status=OperationStatus.NOT_PERMITTED)
    order = await find_order(gateway, merchant.merchant_id, request.ref)
    found = await gateway.store.saved_card(request.card_uid)
    saved = check_purchase(request, order, found, gateway.clock.now())
    tran = await _pay(gateway, merchant, request, saved)
    facts = await gateway.store.facts(order.order_id)
    if facts is None:
        raise OrderUnknown
    reply = PurchaseResponse(
        codes=pos_codes(tran),
        fields=pos_fields(tran),
        response_code=tran.response_code or "",
        messages=(xmlout(facts.order, merchant, tran, gateway.clock.now()),),
    )
    if request.response_format != ENVELOPED:
        return reply
    return EnvelopedPurchaseResponse(
        status=status_of(tran),
        codes=reply.codes,
        fields=reply.fields,
        response_code=reply.response_code,
        messages=reply.messages,
    )


async def _pay(
    gateway: Gateway, merchant: Merchant, request: PurchaseRequest, saved: SavedCard
) -> Transaction:
    numbers = await draw_numbers(gateway)
    card = StoredCard(
        token=Secret(gateway.keys.unseal(saved.token, saved.card_uid)),
        expiry=Expiry.of(saved.expiry),
        masked=saved.pan_masked,
        scheme=saved.brand,
    )

    def planner(context: Context, facts: Facts) -> Plan:
        check_purchase(request, facts.order, saved, context.now)
        return plan_authorisation(context, facts, card, numbers, card_uid=saved.card_uid)

    plan = await decide(gateway, request.order_id, f"merchant {merchant.merchant_id}", planner)
    assert plan is not None, "this planner always plans"  # noqa: S101 - says what holds
    tran = plan.new_transactions[0]
    asking = ask_and_record(gateway, tran, lambda: gateway.host.authorise(tran, card))
    await asyncio.shield(gateway.background.start(asking))
    return await ended(gateway, tran.tran_id)
