"""A merchant with nothing set: what the shop of the bank's document needs, and no more."""

from __future__ import annotations

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
