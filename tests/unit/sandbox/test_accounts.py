"""The issuer's accounts behind the test cards."""

from __future__ import annotations

from tkkpg.issuer.accounts import OPENING_MINOR, Account
from tkkpg.sandbox.accounts import accounts
from tkkpg.sandbox.cards import find_card

BY_NAME = {account.name: account for account in accounts()}


def test_every_card_that_is_ever_sent_has_an_account() -> None:
    assert set(BY_NAME) == {"approve", "slow", "076", "051", "211", "810"}
    assert all(one.pan.reveal() == find_card(name).pan for name, one in BY_NAME.items())


def test_the_bank_s_own_card_can_pay_a_lot_and_at_once() -> None:
    pan = BY_NAME["approve"].pan
    assert BY_NAME["approve"] == Account(name="approve", pan=pan, balance_minor=OPENING_MINOR)


def test_insufficient_funds_is_an_empty_account_and_no_code_that_is_played() -> None:
    assert (BY_NAME["076"].balance_minor, BY_NAME["076"].response_code) == (0, None)


def test_the_other_declines_are_played() -> None:
    played = {name: one.response_code for name, one in BY_NAME.items() if one.response_code}
    assert played == {"051": "051", "211": "211"}


def test_one_card_is_slow_and_one_is_silent() -> None:
    assert {name: one.delay_s for name, one in BY_NAME.items() if one.delay_s} == {"slow": 5}
    assert [name for name, one in BY_NAME.items() if one.silent] == ["810"]


def test_an_account_does_not_show_its_card_number() -> None:
    for one in BY_NAME.values():
        assert one.pan.reveal() not in repr(one)
