"""Draws of the order's property that were once red, each with its cause."""

from __future__ import annotations

from tests.properties.order_world import MERCHANTS
from tests.properties.test_order_life import OrderLife

from tkkpg.gateway.model.decisions.authentication import ATTEMPTS_MAX
from tkkpg.protocol.values import OrderStatus, OrderType


def test_an_eleventh_card_ends_the_order_and_tells_the_merchant() -> None:
    """The simpler model knew of no bound on cards."""
    life = OrderLife()
    life.open_accounts()
    order_id = life.new_order(next(iter(MERCHANTS.values())), 1, OrderType.PURCHASE)
    for _ in range(ATTEMPTS_MAX + 1):
        life.submit_card(order_id=order_id)
        life.merchants_are_told_of_every_outcome()
        life.what_opens_a_card_is_kept_as_long_as_one_attempt_waits()

    assert life.simple[order_id].status is OrderStatus.DECLINED
