"""Delivering notifications at the gateway's own pace: again with growing pauses, then parked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.config import RETRY_PAUSES
from tkkpg.gateway.crash import reach
from tkkpg.gateway.notify.base import Delivery

if TYPE_CHECKING:
    from tkkpg.gateway.model.plan import Notification
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 16
"""Deliveries under way at a time."""
LEASE: Final = timedelta(seconds=60)
"""How long a taken notification is nobody else's: longer than one delivery may take."""


async def deliver(gateway: Gateway) -> int:
    """Attempt what is due; give the number of attempts.

    A delivery is at least once: it is marked after it was made, and carries a stable id by which
    the receiver recognises a repeat.
    """
    now = gateway.clock.now()
    due = await gateway.store.take_notifications(now, now + LEASE, AT_ONCE)
    if due:
        reach("deliver.taken")
    await asyncio.gather(*(_attempt(gateway, notification) for notification in due))
    return len(due)


async def _attempt(gateway: Gateway, notification: Notification) -> None:
    form = {"xmlmsg": notification.xmlmsg} if notification.xmlmsg else {}
    delivery = Delivery(notification.notification_id, notification.url, form)
    reach("deliver.before_request")
    result = await gateway.courier.deliver(delivery)
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
