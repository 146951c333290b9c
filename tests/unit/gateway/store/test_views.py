"""What operators read beside the gateway, from a file that the real store wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from tkkpg.gateway.model.ledger import Account, Entry, Phase, Posting
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.plan import Context, Notification, Plan
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.gateway.store import views
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.sqlite import SQLiteStore, connect
from tkkpg.gateway.store.views import find_orders, find_transactions, order_view
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import AZN, Amount, Language, OrderStatus, OrderType

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
    migrate(path)
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


@pytest.mark.anyio
async def test_a_view_holds_the_order_and_its_transactions(written: Written) -> None:
    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    assert view.order == ORDER
    assert view.transactions == (TRAN,)


@pytest.mark.anyio
async def test_a_view_holds_the_ledger_lines_of_the_order(written: Written) -> None:
    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    (entry,) = view.entries
    assert (entry.posting, entry.phase) == (Posting.CHARGE, Phase.POSTED)
    assert (entry.debit, entry.credit) == (Account.SCHEME_RECEIVABLE, Account.MERCHANT_PAYABLE)
    assert (entry.amount, entry.at, entry.tran_id) == (Amount(3000, AZN), NOW, 7)


@pytest.mark.anyio
async def test_a_view_tells_what_became_of_each_notification(written: Written) -> None:
    await written.store.finish_notification("n1", NOW, "the reply was 200", delivered=True)

    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    (delivery,) = view.notifications
    assert (delivery.state, delivery.attempts) == ("DELIVERED", 1)
    assert (delivery.finished_at, delivery.last_result) == (NOW, "the reply was 200")
    assert delivery.xmlmsg not in repr(delivery)


@pytest.mark.anyio
async def test_the_timeline_is_the_audit_of_this_order_alone(written: Written) -> None:
    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    (happening,) = view.timeline
    assert (happening.at, happening.actor) == (NOW, "gateway")
    assert (happening.action, happening.request_id) == ("authorisation_approved", "r2")
    assert happening.detail == {"tran_id": 7, "response_code": "001"}


@pytest.mark.anyio
async def test_there_is_no_view_of_an_unknown_order(written: Written) -> None:
    assert order_view(written.path, 5) is None


@pytest.mark.anyio
async def test_an_order_is_found_by_its_whole_session_only(written: Written) -> None:
    assert find_orders(written.path, session="A" * 32) == (ORDER,)
    assert find_orders(written.path, session="A" * 31) == ()


@pytest.mark.anyio
async def test_a_day_begins_and_ends_at_midnight_in_baku(written: Written) -> None:
    assert find_orders(written.path, day=date(2026, 11, 24)) == (ORDER,)
    assert find_orders(written.path, day=date(2026, 11, 25)) == (OTHER,)
    assert find_orders(written.path, day=date(2026, 11, 26)) == ()


@pytest.mark.anyio
async def test_the_newest_orders_of_a_long_day_are_given(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ORDERS_MAX", 1)
    later = replace(OTHER, order_id=1_000_003, session_id="C" * 32)
    await written.store.commit(
        Plan(context=context(4), action="order_created", new_orders=(later,))
    )

    assert find_orders(written.path, day=date(2026, 11, 25)) == (later,)


@pytest.mark.anyio
@pytest.mark.parametrize("both", [{}, {"session": "A", "day": date(2026, 11, 24)}])
async def test_a_search_is_by_exactly_one_thing(written: Written, both: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="exactly one"):
        find_orders(written.path, **both)  # type: ignore[arg-type]  # what is tried is the mistake


@pytest.mark.anyio
async def test_the_store_goes_on_writing_beside_a_view(written: Written) -> None:
    with closing(connect(written.path, writing=False)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM orders").fetchall()
        later = replace(OTHER, order_id=1_000_003, session_id="C" * 32)
        await written.store.commit(
            Plan(context=context(4), action="order_created", new_orders=(later,))
        )

    assert find_orders(written.path, session="C" * 32) == (later,)


@pytest.mark.anyio
async def test_a_view_cannot_write(written: Written) -> None:
    with (
        pytest.raises(ConfigurationError, match="cannot be read"),
        views.reading(written.path) as db,
    ):
        db.execute("DELETE FROM orders")

    assert order_view(written.path, ORDER.order_id) is not None


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no database .*tkkpg\.db"):
        order_view(tmp_path / "tkkpg.db", 1)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_file_that_is_no_database_of_ours_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tkkpg.db"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="cannot be read as a database") as caught:
        order_view(path, 1)
    assert isinstance(caught.value.__cause__, apsw.Error)


@pytest.mark.anyio
async def test_transactions_are_listed_newest_first(written: Written) -> None:
    later = await another_transaction(written, 8, TranState.DECLINED)

    assert find_transactions(written.path, unresolved=False) == (later, TRAN)


@pytest.mark.anyio
async def test_unresolved_transactions_are_listed_oldest_first(written: Written) -> None:
    newer = await another_transaction(written, 8, TranState.REVERSING)
    older = await another_transaction(
        written, 9, TranState.UNKNOWN, sent_at=NOW - timedelta(days=2)
    )

    assert find_transactions(written.path, unresolved=True) == (older, newer)


@pytest.mark.anyio
async def test_the_oldest_of_too_many_unresolved_transactions_are_given(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "TRANSACTIONS_MAX", 1)
    oldest = await another_transaction(written, 8, TranState.REVERSING)
    await another_transaction(written, 9, TranState.SENT, sent_at=NOW + timedelta(seconds=1))

    assert find_transactions(written.path, unresolved=True) == (oldest,)


async def another_transaction(
    written: Written, tran_id: int, state: TranState, *, sent_at: datetime = NOW
) -> Transaction:
    tran = replace(TRAN, tran_id=tran_id, state=state, sent_at=sent_at)
    await written.store.commit(
        Plan(context=context(tran_id), action="authorisation_reserved", new_transactions=(tran,))
    )
    return tran
