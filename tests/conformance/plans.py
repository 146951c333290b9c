"""Small values and plans to commit: one merchant, its orders, and what happens to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from tkkpg.gateway.model.authentication import Authentication
from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.plan import Context, Notification, Plan
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN, Language, OrderStatus, OrderType

NOW: Final = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MERCHANT: Final = Merchant(merchant_id="E1000010", name="Nar", terminal_id="E1000010")
CERTIFICATE: Final = Certificate(
    fingerprint="ab" * 32, merchant_id="E1000010", not_after=NOW + timedelta(days=365)
)
_ORDER: Final = Order(
    order_id=1,
    session_id="0123456789ABCDEF" * 2,
    merchant_id="E1000010",
    order_type=OrderType.PURCHASE,
    status=OrderStatus.CREATED,
    version=1,
    amount_minor=30_00,
    currency=AZN,
    language=Language.AZ,
    description="Nar, 2 kq",
    approve_url="/approved",
    cancel_url="/cancelled",
    decline_url="/declined",
    created_at=NOW,
    updated_at=None,
    expires_at=NOW + timedelta(minutes=30),
)
_TRAN: Final = Transaction(
    tran_id=1,
    order_id=1,
    merchant_id="E1000010",
    terminal_id="E1000010",
    kind=TranKind.AUTHORISATION,
    state=TranState.SENT,
    amount_minor=30_00,
    currency=AZN,
    two_id=2_000_001,
    stan=123,
    rrn="632808000123",
    created_at=NOW,
    sent_at=NOW,
)
_NOTIFICATION: Final = Notification(
    notification_id="n1",
    order_id=1,
    merchant_id="E1000010",
    url="https://shop.example/notify",
    xmlmsg="<XMLOut/>",
    due_at=NOW,
)


def order(order_id: int = 1, **changes: object) -> Order:
    """Make a new order, with some of it different."""
    return replace(_ORDER, order_id=order_id, **changes)  # type: ignore[arg-type]


def tran(tran_id: int = 1, **changes: object) -> Transaction:
    """Make a sent authorisation of order 1, with some of it different."""
    return replace(_TRAN, tran_id=tran_id, **changes)  # type: ignore[arg-type]


def attempt(tran_id: int, server_trans_id: str, **changes: object) -> Transaction:
    """Make an authorisation of order 1 that waits for its authentication."""
    waits = replace(
        tran(tran_id),
        state=TranState.RESERVED,
        sent_at=None,
        authentication=Authentication(
            server_trans_id=server_trans_id, key=Secret("key"), cavv="k1.sealed"
        ),
    )
    return replace(waits, **changes)  # type: ignore[arg-type]


def notification(notification_id: str = "n1", **changes: object) -> Notification:
    """Promise a delivery that is due, with some of it different."""
    changes["notification_id"] = notification_id
    return replace(_NOTIFICATION, **changes)  # type: ignore[arg-type]


def entry(posting: Posting, amount_minor: int, merchant_id: str = "E1000010") -> Entry:
    """Book an amount for the merchant."""
    return Entry(
        posting=posting,
        merchant_id=merchant_id,
        amount_minor=amount_minor,
        currency=AZN,
        at=NOW,
        order_id=1,
        tran_id=1,
    )


def plan(plan_id: str | None = None, now: datetime = NOW, **parts: object) -> Plan:
    """Make a plan of some parts, under an id of its own unless one is given."""
    context = Context(
        plan_id=plan_id or uuid4().hex, now=now, request_id="r1", actor="merchant E1000010"
    )
    return Plan(context=context, action="tried", **parts)  # type: ignore[arg-type]


def enrolment(balance_minor: int = 0) -> Plan:
    """Enrol the merchant, with money on its current account."""
    deposit = (entry(Posting.DEPOSIT, balance_minor),) if balance_minor else ()
    return plan(merchants=(MERCHANT,), certificates=(CERTIFICATE,), entries=deposit)
