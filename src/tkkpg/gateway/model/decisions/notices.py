"""What is promised to be told to a merchant after an order has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from tkkpg.gateway.model.plan import Notification
from tkkpg.gateway.model.xmlout import xmlmsg

if TYPE_CHECKING:
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.plan import Context, Facts
    from tkkpg.gateway.model.transaction import Transaction

_MACROS: Final = ("%ORDERID%", "%SESSIONID%", "%STATUS%")


def notices(
    context: Context,
    facts: Facts,
    order: Order,
    tran: Transaction | None = None,
    payment: Transaction | None = None,
) -> tuple[Notification, ...]:
    """Promise the XMLOut of an outcome, and the notice of the new status.

    Args:
        context: Identity and time; the plan's id names the delivery, stable over all attempts.
        facts: The order as it was.
        order: The order as it becomes.
        tran: The transaction that led here, if any.
        payment: The payment, where `tran` is about it.
    """
    merchant = facts.merchant
    told = status_notices(context, facts, order)
    if not merchant.notification_url:
        return told
    outcome = Notification(
        notification_id=context.plan_id,
        order_id=order.order_id,
        merchant_id=merchant.merchant_id,
        url=merchant.notification_url,
        xmlmsg=xmlmsg(order, merchant, tran, context.now, payment),
        due_at=context.now,
    )
    return (outcome, *told)


def status_notices(context: Context, facts: Facts, order: Order) -> tuple[Notification, ...]:
    """Promise the GET that tells of a new status (protocol description, 3.4).

    The order's own address comes first, else the merchant's; nothing is told of a status that
    did not change.
    """
    url = order.change_status_url or facts.merchant.change_status_url
    if not url or order.status is facts.order.status:
        return ()
    return (
        Notification(
            notification_id=f"{context.plan_id}-status",
            order_id=order.order_id,
            merchant_id=order.merchant_id,
            url=status_url(url, order),
            xmlmsg="",
            due_at=context.now,
        ),
    )


def status_url(url: str, order: Order) -> str:
    """Write order, session and status into an address: for its macros, or as parameters."""
    values = (str(order.order_id), order.session_id, order.status.value)
    if any(macro in url for macro in _MACROS):
        for macro, value in zip(_MACROS, values, strict=True):
            url = url.replace(macro, quote(value, safe=""))
        return url
    parts = urlsplit(url)
    told = urlencode(dict(zip(("OrderID", "SessionID", "Status"), values, strict=True)))
    query = f"{parts.query}&{told}" if parts.query else told
    return urlunsplit(parts._replace(query=query, fragment=""))
