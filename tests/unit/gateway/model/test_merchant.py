"""A merchant with nothing set: what the shop of the bank's document needs, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.model_factories import MERCHANT

from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.protocol.values import Operation


def test_a_new_merchant_is_active_and_may_ask_for_every_operation() -> None:
    merchant = Merchant(merchant_id="E1000010", name="Nar", terminal_id="E1000010")

    assert merchant.active
    assert merchant.operations == frozenset(Operation)


def test_a_new_merchant_gets_the_banks_shape_of_xmlout_and_no_notifications() -> None:
    merchant = Merchant(merchant_id="E1000010", name="Nar", terminal_id="E1000010")

    assert merchant.xmlout_wrapped
    assert not merchant.xmlout_base64
    assert merchant.notification_url == ""


def test_a_new_merchant_charges_in_manat_without_a_fee_and_sees_no_duplicates() -> None:
    merchant = Merchant(merchant_id="E1000010", name="Nar", terminal_id="E1000010")

    assert merchant.currencies == frozenset({"944"})
    assert (merchant.fee_bp, merchant.duplicate_window_s, merchant.password) == (0, 0, "")


def test_a_new_merchant_takes_no_card_whose_holder_was_not_proved() -> None:
    merchant = Merchant(merchant_id="E1000010", name="Nar", terminal_id="E1000010")

    assert merchant.unauthenticated is Unauthenticated.DECLINE


@pytest.mark.parametrize(
    ("fee_bp", "amount_minor", "fee"),
    [
        (0, 3000, 0),
        (100, 3000, 30),
        (150, 1, 0),
        (100, 49, 0),
        (100, 50, 1),
        (10_000, 1, 0),
        (10_000, 10**12 - 1, 10**12 - 2),
        (1, 10**12 - 1, 10**8),
    ],
)
def test_a_fee_is_a_share_in_hundredths_of_a_per_cent_with_halves_rounded_up(
    fee_bp: int, amount_minor: int, fee: int
) -> None:
    assert replace(MERCHANT, fee_bp=fee_bp).fee_of(amount_minor) == fee


def test_a_merchant_never_shows_its_password() -> None:
    assert "c2VhbGVk" not in repr(replace(MERCHANT, password="k1.c2VhbGVk"))
