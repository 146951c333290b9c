"""Delivering notifications at the gateway's own pace: again with growing pauses, then parked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.config import RETRY_PAUSES
from tkkpg.gateway.crash import reach
from tkkpg.gateway.flows.upkeep.each import each
from tkkpg.gateway.notify.base import Delivery, DeliveryResult

if TYPE_CHECKING:
    from tkkpg.gateway.model.plan import Notification
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 16
"""Deliveries under way at a time."""
LEASE: Final = timedelta(seconds=60)
"""How long a taken notification is nobody else's: longer than one delivery may take."""


async def deliver(gateway: Gateway) -> int:
    """Attempt what is due; return the number of attempts, none of which is under way any more.

    A delivery is at least once: it is marked after it was made, and carries a stable id by which
    the receiver recognises a repeat. One that could not be marked is tried again after its lease.

    Raises:
        StoreUnavailable: Not all of them could be marked.
    """
    now = gateway.clock.now()
    due = await gateway.store.take_notifications(now, now + LEASE, AT_ONCE)
    if due:
        reach("deliver.taken")
    failed = await each(due, lambda notification: _attempt(gateway, notification), at_once=AT_ONCE)
    for notification, error in failed.items():
        known = notification.notification_id
        gateway.log.error("notification_not_marked", notification_id=known, exc_info=error)
    return len(due)


async def _attempt(gateway: Gateway, notification: Notification) -> None:
    form = {"xmlmsg": notification.xmlmsg} if notification.xmlmsg else {}
    delivery = Delivery(notification.notification_id, notification.url, form)
    reach("deliver.before_request")
    result = await _carried(gateway, delivery)
    reach("deliver.after_request")
    now = gateway.clock.now()
    store, known = gateway.store, notification.notification_id
    if result.delivered or notification.attempts >= len(RETRY_PAUSES):
        await store.finish_notification(known, now, result.detail, delivered=result.delivered)
    else:
        pause = RETRY_PAUSES[notification.attempts]
        await store.postpone_notification(known, now + pause, result.detail)
    reach("deliver.marked")
    gateway.log.info(
        "notification_attempted",
        notification_id=known,
        order_id=notification.order_id,
        delivered=result.delivered,
        detail=result.detail,
    )


async def _carried(gateway: Gateway, delivery: Delivery) -> DeliveryResult:
    """Hand a delivery to the courier; an error of its own is a try that failed, like any other."""
    try:
        return await gateway.courier.deliver(delivery)
    except Exception:
        gateway.log.exception("courier_failed", notification_id=delivery.delivery_id)
        return DeliveryResult(
            delivered=False, detail="Something failed inside; the log says what.", http_status=None
        )
