"""The issuer's accounts behind the test cards."""

from __future__ import annotations

import pytest

from tkkpg.issuer.accounts import OPENING_MINOR, Account
from tkkpg.protocol.codes import Origin, Outcome, listed
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.accounts import accounts, never_sent
from tkkpg.sandbox.cards import every_card, find_card

BY_NAME = {account.name: account for account in accounts()}


def test_every_card_that_is_ever_sent_has_an_account() -> None:
    assert set(BY_NAME) == {card.name for card in every_card()} - {"-1"}
    assert all(one.pan.reveal() == find_card(name).pan for name, one in BY_NAME.items())


def test_the_bank_s_own_card_can_pay_a_lot_and_at_once() -> None:
    assert BY_NAME["approve"] == Account(
        name="approve",
        pan=Secret("4169733213495869"),
        expiry="2305",
        cvv2=Secret("447"),
        balance_minor=OPENING_MINOR,
    )


def test_insufficient_funds_is_an_empty_account_and_no_code_that_is_played() -> None:
    assert (BY_NAME["076"].balance_minor, BY_NAME["076"].response_code) == (0, None)


def test_every_other_code_of_the_host_but_plain_approval_is_played_on_its_card() -> None:
    played = {name: one.response_code for name, one in BY_NAME.items() if one.response_code}
    codes = {entry.code for entry in listed() if entry.origin is Origin.HOST} - {"001", "076"}
    assert played == {code: code for code in codes}


@pytest.mark.parametrize("name", ["00", "05", "18", "attempted", "unavailable", "3ds-silent"])
def test_a_card_that_3d_secure_ends_has_an_account_for_the_merchant_that_sends_it(
    name: str,
) -> None:
    assert BY_NAME[name] == Account(
        name=name,
        pan=BY_NAME[name].pan,
        expiry="4012",
        cvv2=Secret("123"),
        balance_minor=OPENING_MINOR,
    )


def test_a_part_approval_is_answered() -> None:
    codes = [entry.code for entry in listed() if entry.outcome is Outcome.REVERSE]
    assert [BY_NAME[code].answers(1) for code in codes] == [True, True]


def test_the_amount_decides_on_one_card_alone() -> None:
    assert [name for name, one in BY_NAME.items() if one.by_amount] == ["amount"]
    amount = BY_NAME["amount"]
    assert [amount.played(minor) for minor in (100_076, 100_000, 3_000)] == ["076", "000", None]
    assert [amount.played(minor) for minor in (200_000, 200_005, 200_018)] == [None] * 3
    assert [amount.answers(minor) for minor in (100_810, 100_076)] == [False, True]


def test_minus_one_is_a_card_and_an_amount_that_are_never_sent() -> None:
    assert never_sent() == {find_card("-1").pan: None, find_card("amount").pan: 99_999}


def test_one_card_is_slow_and_one_is_silent() -> None:
    assert {name: one.delay_s for name, one in BY_NAME.items() if one.delay_s} == {"slow": 5}
    assert [name for name, one in BY_NAME.items() if one.silent] == ["810"]


def test_an_account_does_not_show_its_card_number() -> None:
    for one in BY_NAME.values():
        assert one.pan.reveal() not in repr(one)
