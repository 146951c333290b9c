"""A file that the real store wrote and goes on owning, to be looked at beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.migrated import migrate_quickly

from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.plan import Context, Notification, Plan
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.gateway.store.sqlite import SQLiteStore
from tkkpg.protocol.values import AZN, Language, OrderStatus, OrderType

NOW = datetime(2026, 11, 24, 19, 59, 59, 500_000, tzinfo=UTC)
"""Half a second before midnight in Baku."""
MERCHANT = Merchant(merchant_id="E1000010", name="Nar", terminal_id="T1")
ORDER = Order(
    order_id=1_000_001,
    session_id="A" * 32,
    merchant_id="E1000010",
    order_type=OrderType.PURCHASE,
    status=OrderStatus.APPROVED,
    version=3,
    amount_minor=3000,
    currency=AZN,
    language=Language.AZ,
    description="çay",
    approve_url="/ok",
    cancel_url="",
    decline_url="",
    created_at=NOW,
    updated_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    paid_at=NOW,
)
TRAN = Transaction(
    tran_id=7,
    order_id=ORDER.order_id,
    merchant_id="E1000010",
    terminal_id="T1",
    kind=TranKind.AUTHORISATION,
    state=TranState.APPROVED,
    amount_minor=3000,
    currency=AZN,
    two_id=2_000_001,
    stan=5,
    rrn="632819000005",
    created_at=NOW,
    sent_at=NOW,
    finished_at=NOW,
    response_code="001",
    approval_code="123456",
)
OTHER = replace(
    ORDER, order_id=1_000_002, session_id="B" * 32, created_at=NOW + timedelta(seconds=1)
)


@dataclass(frozen=True)
class Written:
    """A file and the store that goes on owning it."""

    path: Path
    store: SQLiteStore


@pytest.fixture
async def written(tmp_path: Path) -> AsyncIterator[Written]:
    path = tmp_path / "tkkpg.db"
    migrate_quickly(path)
    store = SQLiteStore(path, sign=lambda text: f"k1.{len(text)}")
    await store.commit(Plan(context=context(1), action="merchant_enrolled", merchants=(MERCHANT,)))
    await store.commit(
        Plan(
            context=context(2),
            action="authorisation_approved",
            order_id=ORDER.order_id,
            detail={"tran_id": 7, "response_code": "001"},
            new_orders=(ORDER,),
            new_transactions=(TRAN,),
            entries=(charge(),),
            notifications=(notification(),),
        )
    )
    await store.commit(
        Plan(
            context=context(3),
            action="order_created",
            order_id=OTHER.order_id,
            new_orders=(OTHER,),
        )
    )
    yield Written(path, store)
    await store.aclose()


def context(number: int) -> Context:
    return Context(plan_id=f"plan {number}", now=NOW, request_id=f"r{number}", actor="gateway")


def charge() -> Entry:
    return Entry(
        posting=Posting.CHARGE,
        merchant_id="E1000010",
        amount_minor=3000,
        currency=AZN,
        at=NOW,
        order_id=ORDER.order_id,
        tran_id=7,
    )


def notification() -> Notification:
    return Notification(
        notification_id="n1",
        order_id=ORDER.order_id,
        merchant_id="E1000010",
        url="https://shop.az/notify",
        xmlmsg="<Message/>",
        due_at=NOW,
    )
