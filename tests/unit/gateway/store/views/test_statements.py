"""A merchant's day to the last minor unit: what is told is what the entries add up to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.gateway.store.views.conftest import MERCHANT, ORDER, TRAN

from tkkpg.gateway.model.ledger import POSTINGS, Account, Entry, Phase, Posting
from tkkpg.gateway.model.plan import Context, Plan
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.apply import apply
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.sqlite import connect
from tkkpg.gateway.store.views import ACCOUNTS, RowKind, StatementRow, statement
from tkkpg.gateway.store.views.statements import _DURING
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import AZN, CURRENCIES, Currency

DAY = date(2026, 11, 24)
MIDNIGHT = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
"""At which that day begins in Baku."""
MICROSECOND = timedelta(microseconds=1)
JPY = CURRENCIES["392"]
NUMBERS = count(1)

Booked = tuple[Posting, int, Currency, timedelta]
"""Posting, amount in minor units, currency, and when from the beginning of the day."""

bookings = st.lists(
    st.tuples(
        st.sampled_from(Posting),
        st.integers(1, 10**12 - 1),
        st.sampled_from((AZN, JPY)),
        st.sampled_from((-MICROSECOND, timedelta(0), timedelta(days=1) - MICROSECOND))
        | st.timedeltas(timedelta(days=-1), timedelta(days=2)),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all; each test has a merchant of its own in it."""
    path = tmp_path_factory.mktemp("statements") / "tkkpg.db"
    migrate(path)
    return path


def keep(path: Path, **parts: object) -> None:
    """Commit a plan as the gateway does."""
    context = Context(
        plan_id=f"plan {next(NUMBERS)}", now=MIDNIGHT, request_id="r", actor="gateway"
    )
    with closing(connect(path, writing=True)) as db, db:
        apply(db, Plan(context=context, action="booked", **parts))  # type: ignore[arg-type]


def book(path: Path, *entries: Entry) -> None:
    """Write entries as they are, whether the account holds enough for them or not."""
    columns = rows.ENTRY
    marks = ", ".join("?" for _ in columns.split(","))
    with closing(connect(path, writing=True)) as db, db:
        db.executemany(
            f"INSERT INTO entry ({columns}) VALUES ({marks})",  # noqa: S608 - constant columns
            [rows.entry_row("plan", one) for one in entries],
        )


def traded(path: Path, booked: Iterable[Booked] = ()) -> str:
    """Enrol a new merchant with these entries."""
    merchant_id = f"E{next(NUMBERS):07d}"
    merchant = replace(MERCHANT, merchant_id=merchant_id, currencies=frozenset({"944", "392"}))
    keep(path, merchants=(merchant,))
    book(path, *(entry(merchant_id, *one) for one in booked))
    return merchant_id


def entry(
    merchant_id: str,
    posting: Posting,
    amount_minor: int = 3000,
    currency: Currency = AZN,
    after: timedelta = timedelta(0),
) -> Entry:
    return Entry(
        posting=posting,
        merchant_id=merchant_id,
        amount_minor=amount_minor,
        currency=currency,
        at=MIDNIGHT + after,
    )


def rows_of(
    path: Path, merchant_id: str, day: date = DAY, currency: Currency | None = AZN
) -> list[StatementRow]:
    with statement(path, merchant_id, day, currency) as told:
        return list(told)


def balances(told: Iterable[StatementRow], kind: RowKind) -> dict[Account, int]:
    return {row.account: row.balance_minor for row in told if row.kind is kind}


def entries_of(told: Iterable[StatementRow]) -> list[StatementRow]:
    return [row for row in told if row.kind is RowKind.ENTRY]


def expected(booked: Iterable[Booked], currency: Currency, end: timedelta) -> dict[Account, int]:
    """What is on both accounts at a moment, added up in a dictionary."""
    held = dict.fromkeys(ACCOUNTS, 0)
    for posting, amount, booked_in, after in booked:
        debit, credit, phase = POSTINGS[posting]
        if booked_in is currency and after < end and phase in {Phase.POSTED, Phase.POSTS}:
            for account, change in ((debit, -amount), (credit, amount)):
                held[account] = held.get(account, 0) + change
    return {account: held[account] for account in ACCOUNTS}


@settings(max_examples=60, deadline=None)
@given(booked=bookings)
def test_closing_less_opening_is_what_the_days_entries_add_up_to(
    database: Path, booked: list[Booked]
) -> None:
    merchant_id = traded(database, booked)
    for currency in (AZN, JPY):
        told = rows_of(database, merchant_id, DAY, currency)
        opening, closed = balances(told, RowKind.OPENING), balances(told, RowKind.CLOSING)

        assert opening == expected(booked, currency, timedelta(0))
        assert closed == expected(booked, currency, timedelta(days=1))
        for account in ACCOUNTS:
            changes = [row.amount_minor for row in entries_of(told) if row.account is account]
            assert closed[account] - opening[account] == sum(changes)
        assert sum(closed.values()) - sum(opening.values()) == sum(row.amount_minor for row in told)


@settings(max_examples=30, deadline=None)
@given(booked=bookings)
def test_each_row_goes_on_from_the_one_before(database: Path, booked: list[Booked]) -> None:
    told = rows_of(database, traded(database, booked))
    held = balances(told, RowKind.OPENING)
    moments = [row.at for row in entries_of(told) if row.at]

    assert moments == sorted(moments)
    for row in entries_of(told):
        held[row.account] += row.amount_minor
        assert row.balance_minor == held[row.account]
    assert held == balances(told, RowKind.CLOSING)
    assert {row.total_minor for row in told if row.kind is RowKind.CLOSING} == {sum(held.values())}


@settings(max_examples=30, deadline=None)
@given(booked=bookings)
def test_a_day_opens_with_what_the_day_before_closed_with(
    database: Path, booked: list[Booked]
) -> None:
    merchant_id = traded(database, booked)
    today = rows_of(database, merchant_id)
    tomorrow = rows_of(database, merchant_id, DAY + timedelta(days=1))

    assert balances(tomorrow, RowKind.OPENING) == balances(today, RowKind.CLOSING)


def test_a_day_begins_and_ends_at_midnight_in_baku(database: Path) -> None:
    day = timedelta(days=1)
    moments = (-MICROSECOND, timedelta(0), day - MICROSECOND, day)
    merchant_id = traded(
        database, [(Posting.CHARGE, 10**at, AZN, moment) for at, moment in enumerate(moments)]
    )

    told = entries_of(rows_of(database, merchant_id))

    assert [(row.amount_minor, row.at) for row in told] == [
        (10, MIDNIGHT),
        (100, MIDNIGHT + day - MICROSECOND),
    ]


def test_an_empty_day_closes_with_what_it_opened_with(database: Path) -> None:
    merchant_id = traded(database, [(Posting.DEPOSIT, 500, AZN, timedelta(0))])

    told = rows_of(database, merchant_id, DAY + timedelta(days=3))

    assert [row.kind for row in told] == [RowKind.OPENING] * 2 + [RowKind.CLOSING] * 2
    assert balances(told, RowKind.OPENING)[Account.MERCHANT_CURRENT] == 500
    assert balances(told, RowKind.OPENING) == balances(told, RowKind.CLOSING)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_day_there_can_be_are_days_too(database: Path, day: date) -> None:
    merchant_id = traded(database, [(Posting.DEPOSIT, 500, AZN, timedelta(0))])

    assert entries_of(rows_of(database, merchant_id, day)) == []


def test_each_currency_of_the_merchant_has_its_own_balances(database: Path) -> None:
    at = timedelta(0)
    merchant_id = traded(
        database, [(Posting.CHARGE, 700, JPY, at), (Posting.CHARGE, 3000, AZN, at)]
    )

    told = rows_of(database, merchant_id, currency=None)

    assert [(row.currency, row.kind) for row in told if row.account is ACCOUNTS[0]] == [
        (currency, kind) for currency in (JPY, AZN) for kind in RowKind
    ]
    assert told == [
        *rows_of(database, merchant_id, currency=JPY),
        *rows_of(database, merchant_id, currency=AZN),
    ]


def test_a_settlement_is_told_on_both_accounts_and_changes_nothing_in_sum(database: Path) -> None:
    at = timedelta(0)
    merchant_id = traded(
        database, [(Posting.CHARGE, 3000, AZN, at), (Posting.SETTLE, 3000, AZN, at)]
    )

    _, taken, given_ = entries_of(rows_of(database, merchant_id))

    assert (taken.account, taken.amount_minor) == (Account.MERCHANT_PAYABLE, -3000)
    assert (given_.account, given_.amount_minor) == (Account.MERCHANT_CURRENT, 3000)
    assert taken.entry_id == given_.entry_id
    assert {taken.total_minor, given_.total_minor} == {3000}


@pytest.mark.parametrize(
    "posting", [one for one, (*_, phase) in POSTINGS.items() if phase in {"PENDING", "VOIDS"}]
)
def test_what_only_reserves_or_gives_back_a_reservation_is_left_out(
    database: Path, posting: Posting
) -> None:
    merchant_id = traded(database, [(posting, 3000, AZN, timedelta(0))])

    assert {row.total_minor for row in rows_of(database, merchant_id)} == {0}
    assert entries_of(rows_of(database, merchant_id)) == []


def test_another_merchants_entries_are_not_told(database: Path) -> None:
    traded(database, [(Posting.CHARGE, 3000, AZN, timedelta(0))])

    assert entries_of(rows_of(database, traded(database))) == []


def test_an_entry_names_its_order_its_transaction_and_the_merchants_words(database: Path) -> None:
    first, second = (
        replace(TRAN, tran_id=next(NUMBERS), description=text) for text in ("", "Back")
    )
    merchant_id = traded(database)
    keep(database, new_orders=(replace(ORDER, merchant_id=merchant_id),))
    for tran, posting in ((first, Posting.CHARGE), (second, Posting.REFUND)):
        keep(database, new_transactions=(tran,))
        one = entry(merchant_id, posting)
        book(database, replace(one, order_id=ORDER.order_id, tran_id=tran.tran_id))

    told = entries_of(rows_of(database, merchant_id))

    assert [(row.order_id, row.tran_id, row.rrn, row.description) for row in told] == [
        (ORDER.order_id, first.tran_id, TRAN.rrn, ORDER.description),
        (ORDER.order_id, second.tran_id, TRAN.rrn, "Back"),
    ]


def test_an_unknown_merchant_is_an_error(database: Path) -> None:
    with pytest.raises(ConfigurationError, match="no merchant E404"):
        rows_of(database, "E404")


def test_a_statement_is_of_one_moment_although_the_gateway_goes_on(database: Path) -> None:
    merchant_id = traded(database, [(Posting.CHARGE, 3000, AZN, timedelta(0))])

    with statement(database, merchant_id, DAY, AZN) as told:
        next(told)
        book(database, entry(merchant_id, Posting.CHARGE, 700))
        rest = list(told)

    assert [row.amount_minor for row in entries_of(rest)] == [3000]
    assert len(entries_of(rows_of(database, merchant_id))) == 2


def test_entries_come_in_the_order_of_an_index_so_that_nothing_is_sorted(database: Path) -> None:
    with closing(connect(database, writing=False)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {_DURING}", ("E1", "944", 0, 1)).fetchall()

    told = [str(row[3]) for row in plan]
    assert "ix_entry_merchant_id_currency_at" in told[0]
    assert not [line for line in told if "TEMP B-TREE" in line]
