"""The shop's order book keeps what a shop must not lose."""

from __future__ import annotations

import pytest

from tkkpg.client import CreatedOrder, Language, OrderRef, OrderStatus
from tkkpg.sandbox.shop.baskets import Baskets, Line
from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.orders import OrderBook, ShopOrder, Trouble, TroubleKind
from tkkpg.sandbox.shop.settings import ShopSettings
from tkkpg.sandbox.shop.verdicts import Verdict

BASKET = "b" * 43


def at_bank(order_id: int, session_id: str = "A" * 32) -> CreatedOrder:
    return CreatedOrder(
        ref=OrderRef(order_id, session_id), payment_url=f"https://bank.test/?ORDERID={order_id}"
    )


@pytest.fixture
def book(database: Database) -> OrderBook:
    return OrderBook(database)


@pytest.fixture
def order(database: Database, book: OrderBook) -> ShopOrder:
    baskets = Baskets(database)
    for product in ("tea", "coaster", "tea"):
        baskets.add(BASKET, product)
    placed = book.place(BASKET, Language.RU)
    assert placed is not None
    return placed


def test_an_order_holds_the_basket_at_the_prices_of_the_moment(order: ShopOrder) -> None:
    assert order.lines == (Line("tea", 2, 650), Line("coaster", 1, 1400))
    assert str(order.total) == "27.00 AZN"
    assert order.language is Language.RU
    assert (order.number, order.attempt, order.verdict) == (1, None, Verdict.NOT_PAID)


def test_placing_empties_the_basket_and_placing_again_finds_the_same_order(
    database: Database, book: OrderBook, order: ShopOrder
) -> None:
    assert Baskets(database).lines(BASKET) == ()
    assert book.place(BASKET, Language.RU) == order


def test_an_empty_basket_of_a_stranger_places_nothing(book: OrderBook) -> None:
    assert book.place("c" * 43, Language.EN) is None


def test_an_order_is_found_by_its_reference_alone(book: OrderBook, order: ShopOrder) -> None:
    assert book.get(order.reference) == order
    with pytest.raises(LookupError, match="no order with this reference"):
        book.get(str(order.number))


def test_the_last_attempt_counts(book: OrderBook, order: ShopOrder) -> None:
    book.begin_attempt(order.reference, at_bank(7))
    book.note_status(OrderRef(7, "A" * 32), OrderStatus.DECLINED)
    book.begin_attempt(order.reference, at_bank(8))
    found = book.get(order.reference)

    assert [attempt.ref.order_id for attempt in found.attempts] == [7, 8]
    assert found.verdict is Verdict.OPEN


def test_a_claim_changes_no_status(book: OrderBook, order: ShopOrder) -> None:
    book.begin_attempt(order.reference, at_bank(7))
    book.note_claim(OrderRef(7, "A" * 32), OrderStatus.APPROVED, "Approved")
    attempt = book.get(order.reference).attempt

    assert attempt is not None
    assert (attempt.status, attempt.claimed) == (OrderStatus.CREATED, OrderStatus.APPROVED)
    assert attempt.described == "Approved"
    assert attempt.contradicted


def test_number_and_session_together_name_an_attempt(book: OrderBook, order: ShopOrder) -> None:
    book.begin_attempt(order.reference, at_bank(7, "A" * 32))
    book.begin_attempt(order.reference, at_bank(7, "B" * 32))  # a bank that began anew
    book.note_status(OrderRef(7, "B" * 32), OrderStatus.APPROVED)
    book.note_refunded(OrderRef(7, "A" * 32), 100)
    first, second = book.get(order.reference).attempts

    assert (first.status, first.refunded_minor) == (OrderStatus.CREATED, 100)
    assert (second.status, second.refunded_minor) == (OrderStatus.APPROVED, None)


def test_orders_are_found_by_the_banks_number_once_each(book: OrderBook, order: ShopOrder) -> None:
    book.begin_attempt(order.reference, at_bank(7, "A" * 32))
    book.begin_attempt(order.reference, at_bank(7, "B" * 32))

    assert book.find_by_order_id(7) == (book.get(order.reference),)
    assert book.find_by_order_id(8) == ()


def test_trouble_is_kept_until_a_payment_begins(book: OrderBook, order: ShopOrder) -> None:
    trouble = Trouble(TroubleKind.NOT_STARTED, "No connection.")
    book.note_trouble(order.reference, trouble)
    assert book.get(order.reference).trouble == trouble

    book.begin_attempt(order.reference, at_bank(7))
    assert book.get(order.reference).trouble is None


def test_everything_is_kept_over_a_restart(
    book: OrderBook, order: ShopOrder, settings: ShopSettings
) -> None:
    book.begin_attempt(order.reference, at_bank(7))
    book.note_status(OrderRef(7, "A" * 32), OrderStatus.APPROVED)
    before = book.get(order.reference)

    assert OrderBook(Database(settings.database)).get(order.reference) == before


def test_no_repr_holds_a_secret(book: OrderBook, order: ShopOrder) -> None:
    book.begin_attempt(order.reference, at_bank(7, "5E55" * 8))
    shown = repr(book.get(order.reference))

    assert "5E55" not in shown
    assert "https://bank.test" not in shown
    assert order.reference not in shown
