"""Every order status means exactly one thing to the shop."""

from __future__ import annotations

import pytest

from tkkpg.client import OrderStatus
from tkkpg.sandbox.shop.verdicts import VERDICTS, Verdict, contradicts


def test_every_status_has_a_verdict() -> None:
    assert VERDICTS.keys() == set(OrderStatus)


def test_approved_alone_is_paid() -> None:
    assert [each for each in OrderStatus if VERDICTS[each] is Verdict.PAID] == [
        OrderStatus.APPROVED
    ]


@pytest.mark.parametrize("status", [OrderStatus.ON_LOCK, OrderStatus.ON_REFUND])
def test_what_is_under_way_at_the_bank_must_not_be_paid_again(status: OrderStatus) -> None:
    assert VERDICTS[status] is Verdict.CHECKING


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_message_that_says_what_the_bank_says_contradicts_nothing(status: OrderStatus) -> None:
    assert not contradicts(status, status)


@pytest.mark.parametrize(
    "status", [OrderStatus.REFUNDED, OrderStatus.ON_REFUND, OrderStatus.REVERSED]
)
def test_an_approval_is_only_older_than_what_followed_it(status: OrderStatus) -> None:
    assert not contradicts(OrderStatus.APPROVED, status)
    assert contradicts(OrderStatus.DECLINED, status)


@pytest.mark.parametrize("status", [OrderStatus.DECLINED, OrderStatus.CREATED, OrderStatus.ON_LOCK])
def test_an_approval_that_the_bank_does_not_know_is_false(status: OrderStatus) -> None:
    assert contradicts(OrderStatus.APPROVED, status)
