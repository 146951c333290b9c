"""The card form: what is read, what is wrong with it, and that nothing of it shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model_factories import NOW, PAN

from tkkpg.gateway.model.card import Card, CardField, CardInvalid, CardProblem, Expiry, read_card
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.pan import Scheme, passes_check_digit, scheme_of

F, P = CardField, CardProblem


def read(
    pan: str = PAN,
    expiry: str = "05/30",
    cvv2: str = "447",
    *,
    now: datetime = NOW,
    test_cards: Mapping[str, str] | None = None,
) -> Card:
    return read_card(pan=pan, expiry=expiry, cvv2=cvv2, now=now, test_cards=test_cards)


def problems(
    pan: str = PAN,
    expiry: str = "05/30",
    cvv2: str = "447",
    *,
    now: datetime = NOW,
    test_cards: Mapping[str, str] | None = None,
) -> dict[CardField, CardProblem]:
    with pytest.raises(CardInvalid) as caught:
        read(pan, expiry, cvv2, now=now, test_cards=test_cards)
    return caught.value.problems


def with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if passes_check_digit(digits + last))


def test_a_card_is_read() -> None:
    assert read() == Card(Secret(PAN), Expiry(2030, 5), Secret("447"))


@pytest.mark.parametrize(
    "typed", ["4169 7332 1349 5869", "4169-7332-1349-5869", " 4169\u00a0733213495869\t"]
)
def test_spaces_and_dashes_in_the_number_do_not_matter(typed: str) -> None:
    assert read(typed).pan.reveal() == PAN


@pytest.mark.parametrize(
    "typed", ["05/30", "0530", "05/2030", "052030", "5/30", " 05 / 30 ", "05-30"]
)
def test_the_expiry_is_read_in_every_usual_form(typed: str) -> None:
    assert read(expiry=typed).expiry == Expiry(2030, 5)


@pytest.mark.parametrize(("typed", "month"), [("12/30", 12), ("1230", 12), ("10/2030", 10)])
def test_months_of_two_digits_are_not_cut(typed: str, month: int) -> None:
    assert read(expiry=typed).expiry == Expiry(2030, month)


@pytest.mark.parametrize("cvv2", ["447", "0001", " 447 "])
def test_three_or_four_digits_are_a_code(cvv2: str) -> None:
    assert read(cvv2=cvv2).cvv2.reveal() == cvv2.strip()


FAULTS = [
    ({"pan": ""}, {F.PAN: P.PAN_MISSING}),
    ({"pan": " - "}, {F.PAN: P.PAN_MISSING}),
    ({"pan": "41697332134"}, {F.PAN: P.PAN_LENGTH}),
    ({"pan": "4" * 20}, {F.PAN: P.PAN_LENGTH}),
    ({"pan": "4169x33213495869"}, {F.PAN: P.PAN_LENGTH}),
    ({"pan": "٤١٦٩٧٣٣٢١٣٤٩٥٨٦٩"}, {F.PAN: P.PAN_LENGTH}),
    ({"pan": "4169733213495868"}, {F.PAN: P.PAN_CHECK_DIGIT}),
    ({"expiry": ""}, {F.EXPIRY: P.EXPIRY_MISSING}),
    ({"expiry": "  "}, {F.EXPIRY: P.EXPIRY_MISSING}),
    ({"expiry": "13/30"}, {F.EXPIRY: P.EXPIRY_FORMAT}),
    ({"expiry": "00/30"}, {F.EXPIRY: P.EXPIRY_FORMAT}),
    ({"expiry": "05/1930"}, {F.EXPIRY: P.EXPIRY_FORMAT}),
    ({"expiry": "٠٥/٣٠"}, {F.EXPIRY: P.EXPIRY_FORMAT}),
    ({"expiry": "10/26"}, {F.EXPIRY: P.EXPIRY_PAST}),
    ({"expiry": "12/25"}, {F.EXPIRY: P.EXPIRY_PAST}),
    ({"cvv2": ""}, {F.CVV2: P.CVV2_MISSING}),
    ({"cvv2": "44"}, {F.CVV2: P.CVV2_FORMAT}),
    ({"cvv2": "44777"}, {F.CVV2: P.CVV2_FORMAT}),
    ({"cvv2": "4a7"}, {F.CVV2: P.CVV2_FORMAT}),
    (
        {"pan": "", "expiry": "x", "cvv2": "1"},
        {F.PAN: P.PAN_MISSING, F.EXPIRY: P.EXPIRY_FORMAT, F.CVV2: P.CVV2_FORMAT},
    ),
]
"""What is typed, and every problem that must be named."""


@pytest.mark.parametrize(("typed", "expected"), FAULTS)
def test_every_field_that_is_wrong_is_named(
    typed: dict[str, str], expected: dict[CardField, CardProblem]
) -> None:
    fields = {"pan": PAN, "expiry": "05/30", "cvv2": "447"} | typed

    assert problems(fields["pan"], fields["expiry"], fields["cvv2"]) == expected


def test_every_problem_is_found_by_some_example() -> None:
    found = {problem for _, expected in FAULTS for problem in expected.values()}

    assert set(CardProblem) - found == {P.TEST_CARDS_ONLY}


def test_a_card_is_good_until_the_end_of_its_month_in_baku() -> None:
    last_moment = datetime(2026, 11, 30, 19, 59, 59, tzinfo=UTC)

    assert read(expiry="11/26", now=last_moment).expiry == Expiry(2026, 11)
    midnight_in_baku = datetime(2026, 11, 30, 20, tzinfo=UTC)
    assert problems(expiry="11/26", now=midnight_in_baku) == {F.EXPIRY: P.EXPIRY_PAST}


def test_where_only_test_cards_are_taken_a_real_one_is_refused() -> None:
    real = with_check_digit("411111111111111")

    assert problems(real, test_cards={PAN: "05/23"}) == {F.PAN: P.TEST_CARDS_ONLY}


def test_the_banks_expired_test_card_is_taken_as_a_test_card_with_the_date_that_it_prints() -> None:
    test_cards = {PAN: "05/23"}

    assert read(expiry="05/2023", test_cards=test_cards).expiry == Expiry(2023, 5)
    assert read(expiry="12/30", test_cards=test_cards).expiry == Expiry(2030, 12), "the issuer's"
    assert problems(expiry="05/23") == {F.EXPIRY: P.EXPIRY_PAST}
    assert problems("", "05/23", test_cards=test_cards) == {F.PAN: P.PAN_MISSING}
    assert problems(expiry="05/20", test_cards=test_cards) == {F.EXPIRY: P.EXPIRY_PAST}


def test_a_card_shows_its_masked_number_alone() -> None:
    assert repr(read()) == "Card(416973••••••5869)"
    assert f"{read()}" == "Card(416973••••••5869)"
    assert read().scheme is Scheme.VISA


def test_what_was_typed_is_not_in_the_error() -> None:
    with pytest.raises(CardInvalid) as caught:
        read("4169733213495868", "13/99", "44x")

    shown = f"{caught.value!r} {caught.value}"
    assert not [typed for typed in ("4169733213495868", "13/99", "44x") if typed in shown]


@pytest.mark.parametrize(
    ("pan", "scheme"),
    [
        ("4", Scheme.VISA),
        ("5100000000000000", Scheme.MASTERCARD),
        ("5599999999999999", Scheme.MASTERCARD),
        ("2221000000000000", Scheme.MASTERCARD),
        ("2720999999999999", Scheme.MASTERCARD),
        ("340000000000000", Scheme.AMEX),
        ("370000000000000", Scheme.AMEX),
        ("3528000000000000", Scheme.JCB),
        ("3589000000000000", Scheme.JCB),
        ("2200000000000000", Scheme.MIR),
        ("2204999999999999", Scheme.MIR),
        ("6200000000000000", Scheme.UNIONPAY),
        ("5000000000000000", None),
        ("5600000000000000", None),
        ("2205000000000000", None),
        ("2220000000000000", None),
        ("2721000000000000", None),
        ("3527000000000000", None),
        ("3590000000000000", None),
        ("360000000000000", None),
        ("222", None),
        ("27", None),
        ("", None),
    ],
)
def test_the_leading_digits_say_the_scheme(pan: str, scheme: Scheme | None) -> None:
    assert scheme_of(pan) is scheme


def test_schemes_are_spelled_as_on_the_wire() -> None:
    assert {"VISA", "MC", "AmEx", "JCB", "MIR"} <= set(Scheme)


@pytest.mark.parametrize("pan", [PAN, "5555555555554444", "378282246310005", "6200000000000005"])
def test_known_numbers_pass_the_check_digit(pan: str) -> None:
    assert passes_check_digit(pan)


@given(
    digits=st.text("0123456789", min_size=11, max_size=18), at=st.integers(0), by=st.integers(1, 9)
)
def test_any_single_wrong_digit_is_caught(digits: str, at: int, by: int) -> None:
    pan = with_check_digit(digits)
    index = at % len(pan)
    wrong = f"{pan[:index]}{(int(pan[index]) + by) % 10}{pan[index + 1 :]}"

    assert not passes_check_digit(wrong)


@given(pan=st.text(max_size=30), expiry=st.text(max_size=12), cvv2=st.text(max_size=8))
def test_whatever_is_typed_gives_a_card_or_problems(pan: str, expiry: str, cvv2: str) -> None:
    try:
        card = read(pan, expiry, cvv2)
    except CardInvalid as invalid:
        assert invalid.problems  # noqa: PT017 - most examples are refused, some are not
    else:
        assert passes_check_digit(card.pan.reveal())
