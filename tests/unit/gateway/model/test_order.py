"""An order: what may be refunded, where the browser goes, and how a step changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.model_factories import NOW, SESSION, order_in

from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.protocol.values import AZN, Amount, OrderRef
from tkkpg.protocol.values import OrderStatus as S

LATER = NOW + timedelta(minutes=1)


def test_number_and_session_are_one_value_and_so_is_the_amount() -> None:
    order = order_in()

    assert order.ref == OrderRef(14008766, SESSION)
    assert order.amount == Amount(3000, AZN)


def test_an_order_never_shows_its_session() -> None:
    assert SESSION not in repr(order_in())


@pytest.mark.parametrize("status", S)
def test_only_a_charged_order_can_be_refunded_and_only_what_is_left(status: S) -> None:
    charged = status in {S.APPROVED, S.ON_REFUND, S.REFUNDED}

    assert order_in(status, refunded_minor=1).refundable_minor == (2999 if charged else 0)


@pytest.mark.parametrize(
    ("status", "url"),
    [
        (S.APPROVED, "/ok"),
        (S.PREAUTH_APPROVED, "/ok"),
        (S.ON_REFUND, "/ok"),
        (S.REFUNDED, "/ok"),
        (S.CANCELED, "/cancel"),
        (S.DECLINED, "/declined"),
        (S.EXPIRED, "/declined"),
        (S.ERROR, "/declined"),
        (S.REVERSED, "/declined"),
    ],
)
def test_the_browser_goes_where_the_outcome_belongs(status: S, url: str) -> None:
    assert order_in().return_url(status) == url


def test_an_order_waits_half_an_hour_and_reads_expired_from_then_on() -> None:
    order = order_in()

    assert order.status_at(NOW + ORDER_LIFE - timedelta(microseconds=1)) is S.CREATED
    assert order.status_at(NOW + timedelta(minutes=30)) is S.EXPIRED


def test_a_step_changes_status_version_and_time_and_nothing_else() -> None:
    order = order_in(S.ON_LOCK)

    changed, rule = order.after(Event.CHARGED, LATER)

    assert changed == replace(order, status=S.APPROVED, version=2, updated_at=LATER)
    assert rule.target is S.APPROVED


def test_a_step_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(IllegalTransition):
        order_in(S.DECLINED).after(Event.CARD_SUBMITTED, LATER)
