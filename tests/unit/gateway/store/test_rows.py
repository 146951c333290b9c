"""Whatever the model can say comes back from the database as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.plans import MERCHANT, NOW, entry, notification, order, plan, tran

from tkkpg.gateway.model.authentication import Authentication, Unauthenticated, Verdict
from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.ledger import POSTINGS, Posting
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.model.order import Order, Registration
from tkkpg.gateway.model.plan import Notification
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.rows import Row, Value
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import Param, Position
from tkkpg.protocol.profiles import PROFILES
from tkkpg.protocol.values import CURRENCIES, Language, Operation, OrderStatus, OrderType

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
numbers = st.integers(1, 2**63 - 1)
FIRST = datetime(2000, 1, 1)  # noqa: DTZ001 - bounds are naive, the zone comes beside
LAST = datetime(2100, 1, 1)  # noqa: DTZ001 - the same
times = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
currencies = st.sampled_from(list(CURRENCIES.values()))
positions = st.lists(
    st.builds(Position, **dict.fromkeys((one.name for one in fields(Position)), texts)), max_size=3
).map(tuple)
STORED_TYPES = sorted({kind.charged_as for kind in OrderType})
orders = st.builds(
    Order,
    order_id=numbers,
    session_id=texts,
    merchant_id=st.just("E1000010"),
    order_type=st.sampled_from(STORED_TYPES),
    status=st.sampled_from(OrderStatus),
    version=numbers,
    amount_minor=numbers,
    currency=currencies,
    language=st.sampled_from(Language),
    description=texts,
    approve_url=texts,
    cancel_url=texts,
    decline_url=texts,
    created_at=times,
    updated_at=st.none() | times,
    expires_at=times,
    paid_at=st.none() | times,
    refunded_at=st.none() | times,
    refunded_minor=st.just(0),
    fee_minor=numbers,
    captured_minor=numbers,
    instalments=st.integers(0, 99),
    registration=st.sampled_from(Registration),
    change_status_url=texts,
    email=texts,
    params=st.lists(st.builds(Param, name=texts, value=texts), max_size=3).map(tuple),
    positions=positions,
)
authentications = st.builds(
    Authentication,
    server_trans_id=texts,
    key=st.none() | texts.filter(bool).map(Secret),
    verdict=st.none() | st.sampled_from(Verdict),
    reason=st.none() | texts,
    eci=st.none() | texts,
    ds_trans_id=st.none() | texts,
    cavv=st.none() | texts,
)
transactions = st.builds(
    Transaction,
    tran_id=numbers,
    order_id=st.just(1),
    merchant_id=texts,
    terminal_id=texts,
    kind=st.sampled_from(TranKind),
    state=st.sampled_from(TranState),
    amount_minor=numbers,
    currency=currencies,
    two_id=numbers,
    stan=numbers,
    rrn=texts,
    created_at=times,
    sent_at=st.none() | times,
    finished_at=st.none() | times,
    response_code=st.none() | texts,
    approval_code=st.none() | texts,
    original_id=st.none() | numbers,
    reversal_stan=st.none() | numbers,
    description=texts,
    pan_masked=st.none() | texts,
    pan_hash=st.none() | texts,
    brand=st.none() | texts,
    hold=st.booleans(),
    register=st.booleans(),
    reversal_at=st.none() | times,
    late_reply=st.none() | texts,
    parked_at=st.none() | times,
    card_uid=st.none() | texts,
    card_expiry=st.none() | texts,
    fee_minor=numbers,
    settled=st.booleans(),
    request_digest=texts,
    source=texts,
    positions=positions,
    authentication=st.none() | authentications,
)
merchants = st.builds(
    Merchant,
    merchant_id=texts,
    name=texts,
    terminal_id=texts,
    base_url=texts,
    notification_url=texts,
    xmlout_wrapped=st.booleans(),
    xmlout_base64=st.booleans(),
    frame_ancestors=texts,
    operations=st.frozensets(st.sampled_from(Operation)),
    active=st.booleans(),
    currencies=st.frozensets(st.sampled_from(sorted(CURRENCIES))),
    fee_bp=st.integers(0, 10_000),
    duplicate_window_s=st.integers(0, 86_400),
    change_status_url=texts,
    card_registration=st.booleans(),
    password=texts,
    unauthenticated=st.sampled_from(Unauthenticated),
    bank_profile=st.sampled_from(sorted(PROFILES)),
    order_types=st.frozensets(st.sampled_from(OrderType)),
    return_schemes=st.frozensets(st.sampled_from(["myapp", "az.shop"])),
)
saved_cards = st.builds(
    SavedCard,
    card_uid=texts,
    merchant_id=st.just("E1000010"),
    order_id=numbers,
    token=texts,
    pan_masked=texts,
    brand=texts,
    expiry=texts,
    created_at=times,
)
notifications = st.builds(
    Notification,
    notification_id=texts,
    order_id=numbers,
    merchant_id=texts,
    url=texts,
    xmlmsg=texts,
    due_at=times,
    attempts=st.integers(0, 100),
)


AUTHENTICATION = {
    "server_trans_id": "threeds_server_trans_id",
    "key": "threeds_key",
    "verdict": "threeds_verdict",
    "reason": "threeds_reason",
    "eci": "eci",
    "ds_trans_id": "ds_trans_id",
    "cavv": "cavv",
}
"""Columns of an authentication, by its attributes."""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    """A database that refers to nothing that is not there: E1000010 and its order 1 exist."""
    path = tmp_path_factory.mktemp("rows") / "tkkpg.db"
    migrate(path)
    with closing(connect(path, writing=True)) as connection:
        insert(connection, "merchant", rows.MERCHANT, rows.merchant_row(MERCHANT))
        insert(connection, "orders", rows.ORDER, rows.order_row(order(1)))
        yield connection


def insert(db: apsw.Connection, table: str, columns: str, row: tuple[Value, ...]) -> None:
    """Add a row."""
    marks = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - constant names


def newest(db: apsw.Connection, table: str, columns: str) -> Row:
    """The row that was added last."""
    query = f"SELECT {columns} FROM {table} ORDER BY rowid DESC LIMIT 1"  # noqa: S608 - constant names
    found: Row = db.execute(query).get
    return found


@contextmanager
def only(db: apsw.Connection, table: str) -> Iterator[None]:
    """Have a table empty for a while."""
    db.execute("PRAGMA defer_foreign_keys = ON")
    db.execute("SAVEPOINT alone")
    try:
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - constant names
        yield
    finally:
        db.execute("ROLLBACK TO alone")
        db.execute("RELEASE alone")


@given(one=orders)
def test_an_order_comes_back_as_it_was(db: apsw.Connection, one: Order) -> None:
    with only(db, "tran"), only(db, "orders"):
        insert(db, "orders", rows.ORDER, rows.order_row(one))

        assert rows.order_of(newest(db, "orders", rows.ORDER)) == one


@given(one=transactions)
def test_a_transaction_comes_back_as_it_was(db: apsw.Connection, one: Transaction) -> None:
    with only(db, "tran"):
        insert(db, "tran", rows.TRAN, rows.tran_row(one))

        assert rows.tran_of(newest(db, "tran", rows.TRAN)) == one


@given(one=merchants)
def test_a_merchant_comes_back_as_it_was(db: apsw.Connection, one: Merchant) -> None:
    with only(db, "tran"), only(db, "orders"), only(db, "merchant"):
        insert(db, "merchant", rows.MERCHANT, rows.merchant_row(one))

        assert rows.merchant_of(newest(db, "merchant", rows.MERCHANT)) == one


@given(one=saved_cards)
def test_a_saved_card_comes_back_as_it_was(db: apsw.Connection, one: SavedCard) -> None:
    with only(db, "saved_card"):
        insert(db, "saved_card", rows.SAVED_CARD, rows.saved_card_row(one))

        assert rows.saved_card_of(newest(db, "saved_card", rows.SAVED_CARD)) == one


@pytest.mark.parametrize("kind", [Order, Transaction, Merchant, SavedCard])
def test_every_attribute_has_a_column(kind: type[Order | Transaction | Merchant]) -> None:
    columns = {
        Order: rows.ORDER,
        Transaction: rows.TRAN,
        Merchant: rows.MERCHANT,
        SavedCard: rows.SAVED_CARD,
    }[kind]

    attributes = {one.name for one in fields(kind)}
    if kind is Transaction:
        attributes = attributes - {"authentication"} | set(AUTHENTICATION.values())
    assert attributes == set(columns.split(", "))


def test_every_attribute_of_an_authentication_has_a_column_and_only_its_number_stays() -> None:
    assert {one.name for one in fields(Authentication)} == set(AUTHENTICATION)

    stays = set(AUTHENTICATION.values()) - set(rows.TRAN_MOVES.split(", "))
    assert stays == {"threeds_server_trans_id"}


@given(one=notifications)
def test_a_notification_comes_back_as_it_was(db: apsw.Connection, one: Notification) -> None:
    with only(db, "notification"):
        insert(db, "notification", rows.NOTIFICATION, rows.notification_row(one, NOW))

        assert rows.notification_of(newest(db, "notification", rows.NOTIFICATION)) == one


@given(before=orders, after=orders)
def test_a_move_changes_what_may_change_of_an_order(before: Order, after: Order) -> None:
    columns = rows.ORDER.split(", ")
    row = dict(zip(columns, rows.order_row(before), strict=True))
    row |= zip(rows.ORDER_MOVES.split(", "), rows.order_moves(after), strict=True)

    moved = rows.order_of(list(row.values()))

    expected = dict(zip(columns, rows.order_row(after), strict=True))
    changed = set(rows.ORDER_MOVES.split(", "))
    now = dict(zip(columns, rows.order_row(moved), strict=True))
    was = dict(zip(columns, rows.order_row(before), strict=True))
    assert all(now[name] == (expected if name in changed else was)[name] for name in columns)


@given(before=transactions, after=transactions)
def test_a_move_changes_what_may_change_of_a_transaction(
    before: Transaction, after: Transaction
) -> None:
    row = dict(zip(rows.TRAN.split(", "), rows.tran_row(before), strict=True))
    row |= zip(rows.TRAN_MOVES.split(", "), rows.tran_moves(after), strict=True)

    moved = rows.tran_of(list(row.values()))

    assert (moved.state, moved.finished_at, moved.response_code) == (
        after.state,
        after.finished_at,
        after.response_code,
    )
    assert (moved.approval_code, moved.reversal_stan) == (after.approval_code, after.reversal_stan)
    assert (moved.card_uid, moved.sent_at) == (after.card_uid, after.sent_at)
    assert (moved.fee_minor, moved.settled) == (before.fee_minor, before.settled)
    assert (moved.tran_id, moved.stan) == (before.tran_id, before.stan)
    if before.authentication and after.authentication:
        number = before.authentication.server_trans_id
        assert moved.authentication == replace(after.authentication, server_trans_id=number)


@given(moment=times)
def test_a_time_is_kept_to_the_microsecond(moment: datetime) -> None:
    assert rows.moment(rows.micros(moment)) == moment
    assert rows.micros(moment + timedelta(microseconds=1)) == rows.micros(moment) + 1


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    baku = timezone(timedelta(hours=4))

    assert rows.micros(NOW.astimezone(baku)) == rows.micros(NOW)
    assert rows.moment(rows.micros(NOW.astimezone(baku))).tzinfo is UTC
    assert rows.moment_or_none(None) is None


def test_a_certificate_is_written_column_by_column() -> None:
    certificate = Certificate(fingerprint="ab", merchant_id="E1", not_after=NOW, revoked=True)

    assert rows.certificate_row(certificate) == ("ab", "E1", rows.micros(NOW), 1)
    assert len(rows.CERTIFICATE.split(", ")) == 4


@pytest.mark.parametrize("posting", Posting)
def test_a_ledger_line_names_both_accounts(posting: Posting) -> None:
    row = dict(zip(rows.ENTRY.split(", "), rows.entry_row("p1", entry(posting, 5)), strict=True))

    assert (row["debit"], row["credit"], row["phase"]) == POSTINGS[posting]
    assert (row["plan_id"], row["amount_minor"], row["currency"]) == ("p1", 5, "944")


def test_a_plan_leaves_its_detail_as_sorted_json() -> None:
    audited = plan("p1", order_id=7, detail={"z": 1, "a": "ə"})
    row = dict(zip(rows.AUDIT.split(", "), rows.audit_row(audited, ""), strict=True))

    assert row["detail"] == '{"a":"ə","z":1}'
    assert json.loads(str(row["detail"])) == audited.detail
    assert (row["plan_id"], row["action"], row["order_id"]) == ("p1", "tried", 7)


def test_a_new_notification_is_queued_and_leased_to_nobody() -> None:
    row = rows.notification_row(notification(), NOW)
    named = dict(zip(rows.NOTIFICATION.split(", "), row, strict=True))

    assert (named["state"], named["leased_until"], named["created_at"]) == (
        "QUEUED",
        0,
        rows.micros(NOW),
    )


def test_there_is_no_column_for_a_card_but_its_masked_number_hash_and_what_saves_it() -> None:
    named = {name for name in rows.TRAN.split(", ") if "pan" in name or "card" in name}

    assert named == {"pan_masked", "pan_hash", "card_uid", "card_expiry"}
    row = rows.tran_row(tran(pan_masked="416973••••••5869"))
    assert row[rows.TRAN.split(", ").index("pan_masked")] == "416973••••••5869"
