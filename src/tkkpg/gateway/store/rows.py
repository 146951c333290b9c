"""Values to rows and back, for every database: columns in one order, named once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.model.order import NOBODYS_ORDER, Order
from tkkpg.gateway.model.plan import Notification
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.protocol.values import CURRENCIES, Language, Operation, OrderStatus, OrderType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkkpg.gateway.model.ledger import Entry
    from tkkpg.gateway.model.plan import Plan

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Value: TypeAlias = int | str | None
"""What a column holds."""
Row: TypeAlias = "Sequence[Any]"
"""A row as the database gives it, columns in the order of the names below."""


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros_utc: int) -> datetime:
    """The UTC time of whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros_utc)


def _micros(value: datetime | None) -> int | None:
    return None if value is None else micros(value)


def moment_or_none(value: int | None) -> datetime | None:
    """The UTC time of a column that may be empty."""
    return None if value is None else moment(value)


ORDER: Final = (
    "order_id, session_id, merchant_id, order_type, status, version, amount_minor, currency, "
    "language, description, approve_url, cancel_url, decline_url, created_at, updated_at, "
    "expires_at, paid_at, refunded_at, refunded_minor, fee_minor"
)
TRAN: Final = (
    "tran_id, order_id, merchant_id, terminal_id, kind, state, amount_minor, currency, two_id, "
    "stan, rrn, created_at, sent_at, finished_at, response_code, approval_code, original_id, "
    "reversal_stan, description, pan_masked, pan_hash, brand, hold, reversal_at, late_reply, "
    "parked_at"
)
ORDER_MOVES: Final = "status, version, updated_at, paid_at, refunded_at, refunded_minor"
"""Columns of an order that change after it was made."""
TRAN_MOVES: Final = (
    "state, finished_at, response_code, approval_code, reversal_stan, reversal_at, late_reply, "
    "parked_at"
)
"""Columns of a transaction that change after it was reserved."""
MERCHANT: Final = (
    "merchant_id, name, terminal_id, base_url, notification_url, xmlout_wrapped, xmlout_base64, "
    "frame_ancestors, operations, active"
)
CERTIFICATE: Final = "fingerprint, merchant_id, not_after, revoked"
ENTRY: Final = (
    "plan_id, posting, phase, debit, credit, merchant_id, amount_minor, currency, at, order_id, "
    "tran_id"
)
NOTIFICATION: Final = (
    "notification_id, order_id, merchant_id, url, xmlmsg, due_at, attempts, created_at, state, "
    "leased_until"
)
AUDIT: Final = "plan_id, at, actor, action, order_id, request_id, detail"


def order_row(order: Order) -> tuple[Value, ...]:
    """An order as a row of `ORDER`."""
    return (
        order.order_id,
        order.session_id,
        order.merchant_id,
        order.order_type,
        order.status,
        order.version,
        order.amount_minor,
        order.currency.code,
        order.language,
        order.description,
        order.approve_url,
        order.cancel_url,
        order.decline_url,
        micros(order.created_at),
        _micros(order.updated_at),
        micros(order.expires_at),
        _micros(order.paid_at),
        _micros(order.refunded_at),
        order.refunded_minor,
        order.fee_minor,
    )


NOBODYS_ORDER_ROW: Final = order_row(NOBODYS_ORDER)
"""Read where no row is found, so that both take the same time."""


def order_moves(order: Order) -> tuple[Value, ...]:
    """An order's changing values, in the order of `ORDER_MOVES`."""
    return (
        order.status,
        order.version,
        _micros(order.updated_at),
        _micros(order.paid_at),
        _micros(order.refunded_at),
        order.refunded_minor,
    )


def order_of(row: Row) -> Order:
    """Read a row of `ORDER`."""
    return Order(
        order_id=row[0],
        session_id=row[1],
        merchant_id=row[2],
        order_type=OrderType(row[3]),
        status=OrderStatus(row[4]),
        version=row[5],
        amount_minor=row[6],
        currency=CURRENCIES[row[7]],
        language=Language(row[8]),
        description=row[9],
        approve_url=row[10],
        cancel_url=row[11],
        decline_url=row[12],
        created_at=moment(row[13]),
        updated_at=moment_or_none(row[14]),
        expires_at=moment(row[15]),
        paid_at=moment_or_none(row[16]),
        refunded_at=moment_or_none(row[17]),
        refunded_minor=row[18],
        fee_minor=row[19],
    )


def tran_row(tran: Transaction) -> tuple[Value, ...]:
    """A transaction as a row of `TRAN`."""
    return (
        tran.tran_id,
        tran.order_id,
        tran.merchant_id,
        tran.terminal_id,
        tran.kind,
        tran.state,
        tran.amount_minor,
        tran.currency.code,
        tran.two_id,
        tran.stan,
        tran.rrn,
        micros(tran.created_at),
        _micros(tran.sent_at),
        _micros(tran.finished_at),
        tran.response_code,
        tran.approval_code,
        tran.original_id,
        tran.reversal_stan,
        tran.description,
        tran.pan_masked,
        tran.pan_hash,
        tran.brand,
        int(tran.hold),
        _micros(tran.reversal_at),
        tran.late_reply,
        _micros(tran.parked_at),
    )


def tran_moves(tran: Transaction) -> tuple[Value, ...]:
    """A transaction's changing values, in the order of `TRAN_MOVES`."""
    return (
        tran.state,
        _micros(tran.finished_at),
        tran.response_code,
        tran.approval_code,
        tran.reversal_stan,
        _micros(tran.reversal_at),
        tran.late_reply,
        _micros(tran.parked_at),
    )


def tran_of(row: Row) -> Transaction:
    """Read a row of `TRAN`."""
    return Transaction(
        tran_id=row[0],
        order_id=row[1],
        merchant_id=row[2],
        terminal_id=row[3],
        kind=TranKind(row[4]),
        state=TranState(row[5]),
        amount_minor=row[6],
        currency=CURRENCIES[row[7]],
        two_id=row[8],
        stan=row[9],
        rrn=row[10],
        created_at=moment(row[11]),
        sent_at=moment_or_none(row[12]),
        finished_at=moment_or_none(row[13]),
        response_code=row[14],
        approval_code=row[15],
        original_id=row[16],
        reversal_stan=row[17],
        description=row[18],
        pan_masked=row[19],
        pan_hash=row[20],
        brand=row[21],
        hold=bool(row[22]),
        reversal_at=moment_or_none(row[23]),
        late_reply=row[24],
        parked_at=moment_or_none(row[25]),
    )


def merchant_row(merchant: Merchant) -> tuple[Value, ...]:
    """A merchant as a row of `MERCHANT`."""
    return (
        merchant.merchant_id,
        merchant.name,
        merchant.terminal_id,
        merchant.base_url,
        merchant.notification_url,
        int(merchant.xmlout_wrapped),
        int(merchant.xmlout_base64),
        merchant.frame_ancestors,
        " ".join(sorted(merchant.operations)),
        int(merchant.active),
    )


def merchant_of(row: Row) -> Merchant:
    """Read a row of `MERCHANT`."""
    return Merchant(
        merchant_id=row[0],
        name=row[1],
        terminal_id=row[2],
        base_url=row[3],
        notification_url=row[4],
        xmlout_wrapped=bool(row[5]),
        xmlout_base64=bool(row[6]),
        frame_ancestors=row[7],
        operations=frozenset(map(Operation, row[8].split())),
        active=bool(row[9]),
    )


def certificate_row(certificate: Certificate) -> tuple[Value, ...]:
    """A certificate as a row of `CERTIFICATE`."""
    return (
        certificate.fingerprint,
        certificate.merchant_id,
        micros(certificate.not_after),
        int(certificate.revoked),
    )


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


def audit_row(plan: Plan) -> tuple[Value, ...]:
    """What a plan leaves in the audit, as a row of `AUDIT`."""
    context = plan.context
    return (
        context.plan_id,
        micros(context.now),
        context.actor,
        plan.action,
        plan.order_id,
        context.request_id,
        json.dumps(dict(plan.detail), ensure_ascii=False, separators=(",", ":"), sort_keys=True),
    )
