"""Secrets and card numbers never show themselves whole."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.protocol.masking import Secret, mask_card_data, mask_pan, mask_pan_wire, mask_param
from tkkpg.protocol.pan import PREFIXES, passes_check_digit

PAN = "4169733213495869"


@pytest.mark.parametrize(
    ("pan", "masked"),
    [
        (PAN, "416973••••••5869"),
        ("400000000000", "400000••0000"),
        ("4169733213495", "416973•••3495"),
        ("374245455400126", "374245•••••0126"),
        ("4169733213495869123", "416973•••••••••9123"),
    ],
)
def test_a_card_number_shows_six_digits_and_four(pan: str, masked: str) -> None:
    assert mask_pan(pan) == masked


@pytest.mark.parametrize("length", range(12))
def test_what_is_too_short_for_a_card_number_is_hidden_whole(length: int) -> None:
    assert mask_pan(PAN[:length]) == "•" * length


def test_the_wire_hides_digits_behind_an_x() -> None:
    assert mask_pan_wire(PAN) == "416973XXXXXX5869"


@pytest.mark.parametrize(
    "show", [str, repr, "{}".format, "%s".__mod__, lambda secret: repr([secret]), ascii]
)
def test_a_secret_never_shows_its_text(show: Callable[[object], str]) -> None:
    assert PAN not in show(Secret(PAN))


def test_a_secret_reveals_its_text_by_name_alone() -> None:
    assert Secret(PAN).reveal() == PAN


def test_secrets_compare_by_content_and_never_equal_plain_text() -> None:
    assert Secret("447") == Secret("447")
    assert Secret("447") != Secret("448")
    assert Secret("447") != "447"
    assert len({Secret("447"), Secret("447")}) == 1


@pytest.mark.parametrize(
    "keep",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps],
    ids=["pickle", "copy", "deepcopy", "json"],
)
def test_a_secret_leaves_no_copy_behind(keep: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        keep(Secret(PAN))


def test_a_secret_has_no_dictionary_to_look_into() -> None:
    assert not hasattr(Secret(PAN), "__dict__")


# ---- card data in free texts

SIGNS_BETWEEN = (
    "",
    " ",
    "-",
    "   ",
    " - ",
    "\u00a0",
    "\u2009",
    "\u2011",
    "\u2013",
    "\u2212",
    "\u200b",
)


def test_card_data_in_a_text_is_masked_where_it_stands() -> None:
    for text, masked in (
        (PAN, "416973XXXXXX5869"),
        (f"card {PAN} cvv 447", "card 416973XXXXXX5869 cvv XXX"),
        ("4169 7332 1349 5869", "4169 73XX XXXX 5869"),
        ("4169-7332-1349-5869 05/23", "4169-73XX-XXXX-5869 05/23"),
        ("4169\u00a0\u20117332   1349 - 5869", "4169\u00a0\u201173XX   XXXX - 5869"),
        ("4 1 6 9 7 3 3 2 1 3 4 9 5 8 6 9", "4 1 6 9 7 3 X X X X X X 5 8 6 9"),
        (f"a{PAN}b;{PAN}", "a416973XXXXXX5869b;416973XXXXXX5869"),
        (f"181 {PAN} 447", "181 416973XXXXXX5869 447"),
        ("\u0664\u0661\u0666\u0669733213495869", "\u0664\u0661\u0666\u066973XXXXXX5869"),
        ("374245455400126", "374245XXXXX0126"),
        ("CVV2: 447, cvc2=1234", "CVV2: XXX, cvc2=XXXX"),
        ("cvv447 CvC2447 cvv234", "cvvXXX CvC2XXX cvvXXX"),
        ('{"cvv":"447"}', '{"cvv":"XXX"}'),
        ("CVV2/CVC2 - 447", "CVV2/CVC2 - XXX"),
    ):
        assert mask_card_data(text) == masked


def test_other_numbers_in_a_text_stay() -> None:
    for text in (
        "",
        "Order 12345 of 24.11.2026 10:15:30",
        "+994 50 123 45 67",
        "4169733213495860",  # the check digit is wrong
        "9999999999999995",  # no scheme
        "416973321349",  # twelve digits
        f"{PAN}1234",  # another number, of twenty digits
        f"9{PAN}000",
        "AZ21 NABZ 0000 0000 1370 1000 1944",
        f"ABCDEF{PAN}0123456789",  # a saved card's number
        "cvv 12345, cvv 12, cvv. 447, no cvv here",
    ):
        assert mask_card_data(text) == text


def test_a_code_is_masked_that_only_its_name_explains() -> None:
    for name in ("CVV", "card_cvc2", "CustomFields.cvv"):
        assert mask_param(name, "447") == "XXX"
        assert mask_param(name, "44712") == "44712"
    assert mask_param("Room", "447") == "447"


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    """Draw a number that begins as a scheme's and passes the check digit."""
    first, last, _ = draw(st.sampled_from(PREFIXES))
    begin = str(draw(st.integers(int(first), int(last))))
    length = draw(st.integers(13, 19)) - 1 - len(begin)
    digits = begin + draw(st.text("0123456789", min_size=length, max_size=length))
    return next(digits + one for one in "0123456789" if passes_check_digit(digits + one))


@given(card_numbers(), st.sampled_from(SIGNS_BETWEEN), st.integers(1, 6), st.text(), st.text())
def test_no_card_number_survives_in_any_text(
    pan: str, between: str, width: int, before: str, after: str
) -> None:
    written = between.join(pan[at : at + width] for at in range(0, len(pan), width))
    text = f"{before}/{written}/{after}"
    masked = mask_card_data(text)
    assert len(masked) == len(text)
    kept = masked[len(before) + 1 : len(before) + 1 + len(written)]
    assert kept.replace(between, "")[6:-4] == "X" * (len(pan) - 10)
    assert mask_card_data(masked) == masked


@given(card_numbers(), st.sampled_from(["447", "0000", "4169 7332", "12"]))
def test_digits_beside_a_card_number_do_not_hide_it(pan: str, other: str) -> None:
    for text in (f"{other} {pan}", f"{pan} {other}", f"{other}-{pan}-{other}"):
        assert pan not in mask_card_data(text)
