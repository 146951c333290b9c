"""Amounts and order numbers on the command line."""

from __future__ import annotations

import click
import pytest

from tkkpg.cli.values import AMOUNT, ORDER_ID
from tkkpg.protocol.values import AZN, Amount


@pytest.mark.parametrize(("typed", "minor"), [("30.00", 3000), ("30", 3000), ("0.5", 50)])
def test_major_units_are_read(typed: str, minor: int) -> None:
    assert AMOUNT.convert(typed, None, None) == Amount(minor, AZN)


@pytest.mark.parametrize("typed", ["1.234", "30,00", "thirty", "-1", "", "NaN"])
def test_anything_else_is_a_usage_error(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        AMOUNT.convert(typed, None, None)


@pytest.mark.parametrize("typed", ["0", "-5", "1e3", "1000000000000000000"])
def test_what_cannot_be_an_order_number_is_a_usage_error(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        ORDER_ID(typed)


def test_the_largest_order_number_of_the_wire_is_read() -> None:
    assert ORDER_ID("999999999999999999") == 10**18 - 1
