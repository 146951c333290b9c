"""The decision of CreateOrder: a merchant's wish becomes an order."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.order import (
    NEVER_EXPIRES,
    ORDER_LIFE,
    SENDER_CARD_UID,
    Order,
    Registration,
)
from tkkpg.gateway.model.plan import Context, Plan
from tkkpg.protocol.masking import mask_param
from tkkpg.protocol.messages import CreateOrderRequest, Param
from tkkpg.protocol.redirect import resolve_return_url
from tkkpg.protocol.values import OrderRef, OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.merchant import Merchant

ATTENTION: Final = "CustomFields.Attention"
"""Parameter that holds the merchant's text beside the consent to save a card (description, 2.8)."""
SAVE_CARD_UID: Final = "SaveCardUIDToOrder"
"""Parameter that asks for the saved card's number among the order's parameters."""

# Ignoring case makes one letter of I, i, İ and ı.
_INSTALMENTS: Final = re.compile(r"TAKSIT\s*=\s*([0-9]{1,2})(?![0-9])", re.IGNORECASE)


def plan_order(
    context: Context, merchant: Merchant, request: CreateOrderRequest, ref: OrderRef
) -> Plan:
    """Make a new order, ready to be paid until its time is over."""
    order = Order(
        order_id=ref.order_id,
        session_id=ref.session_id,
        merchant_id=merchant.merchant_id,
        order_type=request.order_type.charged_as,
        status=OrderStatus.CREATED,
        version=1,
        amount_minor=request.amount_minor,
        currency=request.currency,
        language=request.language,
        description=request.description,
        approve_url=request.approve_url,
        cancel_url=request.cancel_url,
        decline_url=request.decline_url,
        created_at=context.now,
        updated_at=None,
        expires_at=expiry(context.now, request.expiration_min),
        fee_minor=max(merchant.fee_of(request.amount_minor), request.fee_minor or 0),
        instalments=instalments_in(request.description),
        registration=_registration(request),
        change_status_url=_absolute(request.change_status_url, merchant),
        email=request.email or request.user_email,
        params=_params(request),
        positions=request.positions,
    )
    return Plan(
        context=context,
        action="order_created",
        order_id=order.order_id,
        detail={"amount_minor": order.amount_minor, "currency": order.currency.code},
        new_orders=(order,),
    )


def expiry(now: datetime, minutes: int | None) -> datetime:
    """Say when an order expires: after 30 minutes unless told, never for zero or less."""
    if minutes is None:
        return now + ORDER_LIFE
    return now + timedelta(minutes=minutes) if minutes > 0 else NEVER_EXPIRES


def instalments_in(description: str) -> int:
    """Find how many monthly parts a description asks for, anywhere in it; 0 for none.

    `TAKSIT=3`, `12345/TAKSIT=5`, `77;TAKSIT=3` and the dotted `TAKSİT=0` are all in use
    (protocol description, 2.9).
    """
    found = _INSTALMENTS.search(description)
    return int(found[1]) if found else 0


def _absolute(url: str, merchant: Merchant) -> str:
    """Resolve the address that is told of each status; the policy has checked that this can be."""
    return (resolve_return_url(url, merchant.base_url) or "") if url else ""


def _registration(request: CreateOrderRequest) -> Registration:
    if not request.register_card:
        return Registration.NONE
    return Registration.CHECKED if request.register_checked else Registration.OFFERED


def _params(request: CreateOrderRequest) -> tuple[Param, ...]:
    """Keep what the merchant sent beside the order's own fields, under the wire's names."""
    named = {
        "phone": request.phone,
        "UserEmail": request.user_email,
        SENDER_CARD_UID: request.sender_card_uid,
        SAVE_CARD_UID: "true" if request.save_card_uid else "",
        **{f"CustomFields.{one.name}": one.title for one in request.custom_fields},
    }
    own = [(param.name, param.value) for param in request.params]
    given = [(name, value) for name, value in named.items() if value] + own
    return tuple([Param(name=name, value=mask_param(name, value)) for name, value in given])
