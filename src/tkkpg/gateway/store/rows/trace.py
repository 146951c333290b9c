"""What else a plan leaves behind: ledger lines, promised deliveries, the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.plan import Notification
from tkkpg.gateway.store.rows.values import micros, moment

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.ledger import Entry
    from tkkpg.gateway.model.plan import Plan
    from tkkpg.gateway.store.rows.values import Row, Value

ENTRY: Final = (
    "plan_id, posting, phase, debit, credit, merchant_id, amount_minor, currency, at, order_id, "
    "tran_id"
)
NOTIFICATION: Final = (
    "notification_id, order_id, merchant_id, url, xmlmsg, due_at, attempts, created_at, state, "
    "leased_until"
)
NOTIFICATION_KEPT: Final = "notification_id, order_id, merchant_id, url, xmlmsg, created_at"
"""What of a promised delivery never changes; attempts and times move outside plans."""
AUDIT: Final = "plan_id, at, actor, action, order_id, request_id, detail, written"


def entry_row(plan_id: str, entry: Entry) -> tuple[Value, ...]:
    """A ledger line as a row of `ENTRY`."""
    return (
        plan_id,
        entry.posting,
        entry.phase,
        entry.debit,
        entry.credit,
        entry.merchant_id,
        entry.amount_minor,
        entry.currency.code,
        micros(entry.at),
        entry.order_id,
        entry.tran_id,
    )


def notification_row(notification: Notification, now: datetime) -> tuple[Value, ...]:
    """A promised delivery as a row of `NOTIFICATION`."""
    return (
        notification.notification_id,
        notification.order_id,
        notification.merchant_id,
        notification.url,
        notification.xmlmsg,
        micros(notification.due_at),
        notification.attempts,
        micros(now),
        "QUEUED",
        0,
    )


def notification_kept(notification: Notification, now: datetime) -> tuple[Value, ...]:
    """A promised delivery as a row of `NOTIFICATION_KEPT`."""
    return (
        notification.notification_id,
        notification.order_id,
        notification.merchant_id,
        notification.url,
        notification.xmlmsg,
        micros(now),
    )


def notification_of(row: Row) -> Notification:
    """Read the first columns of a row of `NOTIFICATION`."""
    return Notification(
        notification_id=row[0],
        order_id=row[1],
        merchant_id=row[2],
        url=row[3],
        xmlmsg=row[4],
        due_at=moment(row[5]),
        attempts=row[6],
    )


def audit_row(plan: Plan, written: str) -> tuple[Value, ...]:
    """What a plan leaves in the audit, as a row of `AUDIT`.

    Args:
        plan: The plan.
        written: The rows that it wrote, a line each, as `store.digests` writes them.
    """
    context = plan.context
    return (
        context.plan_id,
        micros(context.now),
        context.actor,
        plan.action,
        plan.order_id,
        context.request_id,
        json.dumps(dict(plan.detail), ensure_ascii=False, separators=(",", ":"), sort_keys=True),
        written,
    )
