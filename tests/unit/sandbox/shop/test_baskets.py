"""Baskets count pieces and money."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.client import AZN, Amount
from tkkpg.sandbox.shop.baskets import (
    BASKET_ID,
    QUANTITY_MAX,
    Baskets,
    Line,
    new_basket_id,
    total_of,
)
from tkkpg.sandbox.shop.database import Database

ONE, OTHER = "a" * 43, "b" * 43


@pytest.fixture
def baskets(database: Database) -> Baskets:
    return Baskets(database)


def test_pieces_of_one_product_are_one_line(baskets: Baskets) -> None:
    for product in ("jam", "tea", "jam"):
        baskets.add(ONE, product)

    assert baskets.lines(ONE) == (Line("tea", 1, 650), Line("jam", 2, 980))
    assert baskets.lines(OTHER) == ()


def test_the_last_piece_takes_its_line_along(baskets: Baskets) -> None:
    baskets.add(ONE, "tea")
    baskets.add(ONE, "tea")
    baskets.remove(ONE, "tea")
    assert baskets.lines(ONE) == (Line("tea", 1, 650),)

    baskets.remove(ONE, "tea")
    baskets.remove(ONE, "tea")
    assert baskets.lines(ONE) == ()


def test_more_than_the_limit_does_not_fit(baskets: Baskets) -> None:
    for _ in range(QUANTITY_MAX + 1):
        baskets.add(ONE, "tea")

    assert baskets.lines(ONE)[0].quantity == QUANTITY_MAX


def test_what_is_not_sold_cannot_be_put_in(baskets: Baskets) -> None:
    with pytest.raises(KeyError):
        baskets.add(ONE, "gold")


def test_a_new_basket_has_a_name_that_is_recognised_and_never_the_same() -> None:
    names = {new_basket_id() for _ in range(100)}

    assert len(names) == 100
    assert all(BASKET_ID.fullmatch(name) for name in names)


@given(st.lists(st.builds(Line, st.just("tea"), st.integers(1, 20), st.integers(1, 10**6))))
def test_a_total_is_exact_in_minor_units(lines: list[Line]) -> None:
    expected = sum(line.quantity * line.price_minor for line in lines)

    assert total_of(tuple(lines)) == Amount(expected, AZN)
