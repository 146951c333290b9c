"""The table of ISO 4217: codes are whole and unique, decimals are the standard's."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.protocol.currencies import ISO_4217
from tkkpg.protocol.values import AMOUNT_MINOR_MAX, AZN, CURRENCIES, Amount, Currency

BY_LETTERS = {currency.alpha: currency for currency in CURRENCIES.values()}
EXPONENTS = sorted({currency.exponent for currency in CURRENCIES.values()})

UNUSUAL = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Currencies with other than two decimals."""


def test_every_currency_has_three_digits_and_three_letters() -> None:
    for code, alpha, _ in ISO_4217:
        assert re.fullmatch("[0-9]{3}", code), alpha
        assert re.fullmatch("[A-Z]{3}", alpha), code


def test_no_two_currencies_share_a_number_or_letters() -> None:
    assert Counter(code for code, _, _ in ISO_4217).most_common(1)[0][1] == 1
    assert Counter(alpha for _, alpha, _ in ISO_4217).most_common(1)[0][1] == 1


def test_the_values_are_the_table() -> None:
    assert [(it.code, it.alpha, it.exponent) for it in CURRENCIES.values()] == list(ISO_4217)
    assert all(code == currency.code for code, currency in CURRENCIES.items())
    assert len(CURRENCIES) == 165


def test_the_manat_is_one_of_them() -> None:
    assert CURRENCIES["944"] is AZN
    assert Currency("944", "AZN", 2) == AZN


@pytest.mark.parametrize(
    ("code", "alpha"),
    [
        ("008", "ALL"),
        ("036", "AUD"),
        ("156", "CNY"),
        ("356", "INR"),
        ("396", "XAD"),
        ("532", "XCG"),
        ("643", "RUB"),
        ("756", "CHF"),
        ("784", "AED"),
        ("826", "GBP"),
        ("840", "USD"),
        ("924", "ZWG"),
        ("925", "SLE"),
        ("929", "MRU"),
        ("949", "TRY"),
        ("969", "MGA"),
        ("978", "EUR"),
        ("980", "UAH"),
        ("981", "GEL"),
    ],
)
def test_well_known_numbers_belong_to_their_letters(code: str, alpha: str) -> None:
    assert CURRENCIES[code] == Currency(code, alpha, 2)


def test_exactly_these_currencies_have_other_than_two_decimals() -> None:
    told = {alpha: it.exponent for alpha, it in BY_LETTERS.items() if it.exponent != 2}

    assert told == {alpha: places for places, text in UNUSUAL.items() for alpha in text.split()}


@pytest.mark.parametrize(
    "alpha", ["XXX", "XTS", "XAU", "XAG", "XPD", "XPT", "XDR", "XSU", "XUA", "XBA"]
)
def test_what_has_no_minor_unit_is_no_currency_to_pay_in(alpha: str) -> None:
    assert alpha not in BY_LETTERS


@pytest.mark.parametrize("alpha", ["ANG", "BGN", "CUC", "HRK", "SLL", "ZWL"])
def test_a_withdrawn_currency_is_not_listed(alpha: str) -> None:
    assert alpha not in BY_LETTERS


def test_amounts_of_every_currency_are_read_as_they_were_written() -> None:
    for currency in CURRENCIES.values():
        for minor in (1, 10**currency.exponent, AMOUNT_MINOR_MAX):
            amount = Amount(minor, currency)
            digits, letters = str(amount).split(" ")

            assert Amount.of(str(amount.major), currency) == amount
            assert Amount.of(digits, currency) == amount
            assert letters == currency.alpha
            assert len(digits.partition(".")[2]) == currency.exponent, amount


@pytest.mark.parametrize("exponent", EXPONENTS)
@given(minor=st.integers(1, AMOUNT_MINOR_MAX))
def test_no_amount_changes_between_minor_and_major_units(exponent: int, minor: int) -> None:
    currency = next(it for it in CURRENCIES.values() if it.exponent == exponent)
    amount = Amount(minor, currency)

    assert Amount.of(amount.major, currency) == amount
    assert Amount.of(str(amount.major), currency) == amount
    assert amount.major * 10**exponent == Decimal(minor)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_one_decimal_more_than_the_currency_has_is_refused(exponent: int) -> None:
    currency = next(it for it in CURRENCIES.values() if it.exponent == exponent)

    with pytest.raises(ValueError, match=f"at most {exponent} decimals"):
        Amount.of(Decimal(1).scaleb(-exponent - 1), currency)
