"""Amounts, order numbers, durations, pairs and secrets on the command line."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import click
import pytest

from tkkpg.cli.values import AMOUNT, CARD_UID, EXPIRY, ORDER_ID, PAIR
from tkkpg.client import NEVER
from tkkpg.protocol.converters import SHORT_TEXT_MAX
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


@pytest.mark.parametrize(
    ("typed", "duration"),
    [("90s", timedelta(seconds=90)), ("2h", timedelta(hours=2)), ("Never", NEVER)],
)
def test_an_order_waits_for_a_duration_or_for_ever(typed: str, duration: timedelta) -> None:
    assert EXPIRY.convert(typed, None, None) == duration


@pytest.mark.parametrize(
    ("typed", "pair"), [("a=1", ("a", "1")), ("a=", ("a", "")), ("a=b=c", ("a", "b=c"))]
)
def test_a_named_value_ends_its_name_with_the_first_sign(typed: str, pair: tuple[str, str]) -> None:
    assert PAIR.convert(typed, None, None) == pair


@pytest.mark.parametrize("typed", ["secret-of-mine", "=secret-of-mine"])
def test_what_is_no_named_value_is_not_repeated(typed: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        PAIR.convert(typed, None, None)

    assert "secret-of-mine" not in refused.value.format_message()


def test_a_card_uid_does_not_show_itself() -> None:
    uid = CARD_UID.convert(" 88172262C7F4 ", None, None)

    assert uid.reveal() == "88172262C7F4"
    assert "88172262C7F4" not in repr(uid)


def test_one_line_of_standard_input_is_the_card_uid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("88172262C7F4\nsomething else\n"))

    assert CARD_UID.convert("-", None, None).reveal() == "88172262C7F4"


def test_standard_input_is_read_to_a_limit_and_too_much_is_not_cut_to_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("A" * 100_000))

    assert len(CARD_UID.convert("-", None, None).reveal()) == SHORT_TEXT_MAX + 1
