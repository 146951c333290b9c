"""Outcomes asked for once: who meets them, and when."""

from __future__ import annotations

import pytest
from tests.conformance.plans import tran

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.faults import Wishes
from tkkpg.sandbox.faults.wishes import WISHES_MAX, Question, Wish

MINE = tran()


@pytest.fixture
def wishes() -> Wishes:
    return Wishes()


def taken(wishes: Wishes, question: Question = Question.AUTHORISATION) -> str | None:
    return wishes.take(MINE.order_id, MINE.merchant_id, question)


def test_an_order_meets_what_was_asked_for_it_once(wishes: Wishes) -> None:
    wishes.add(Wish("205", order_id=MINE.order_id))

    assert [taken(wishes), taken(wishes)] == ["205", None]


def test_another_order_and_another_merchant_meet_nothing(wishes: Wishes) -> None:
    wishes.add(Wish("205", order_id=MINE.order_id + 1))
    wishes.add(Wish("076", merchant_id="E1000099"))

    assert taken(wishes) is None
    assert [wish.code for wish in wishes.waiting()] == ["205", "076"]


def test_an_order_goes_before_its_merchant_and_the_earlier_before_the_later(
    wishes: Wishes,
) -> None:
    wishes.add(Wish("076", merchant_id=MINE.merchant_id))
    wishes.add(Wish("051", merchant_id=MINE.merchant_id))
    wishes.add(Wish("205", order_id=MINE.order_id))

    assert [taken(wishes) for _ in range(4)] == ["205", "076", "051", None]


@pytest.mark.parametrize("code", ["00", "05", "18"])
def test_what_3d_secure_says_is_not_met_at_the_host(wishes: Wishes, code: str) -> None:
    wishes.add(Wish(code, order_id=MINE.order_id))
    wishes.add(Wish("205", merchant_id=MINE.merchant_id))

    assert taken(wishes) == "205"
    assert [taken(wishes, Question.AUTHENTICATION) for _ in range(2)] == [code, None]


@pytest.mark.parametrize("code", ["000", "205", "-1", "810"])
def test_what_the_host_says_is_not_met_at_3d_secure(wishes: Wishes, code: str) -> None:
    wishes.add(Wish(code, order_id=MINE.order_id))

    assert [taken(wishes, Question.AUTHENTICATION), taken(wishes)] == [None, code]


def test_an_operation_meets_what_declines_and_leaves_the_rest_to_a_payment(wishes: Wishes) -> None:
    for code in ("000", "502", "05"):
        wishes.add(Wish(code, order_id=MINE.order_id))
    for code in ("568", "-1", "810"):
        wishes.add(Wish(code, order_id=MINE.order_id))

    met = [taken(wishes, Question.OPERATION) for _ in range(4)]

    assert met == ["568", "-1", "810", None]
    assert [wish.code for wish in wishes.waiting()] == ["000", "502", "05"]


@pytest.mark.parametrize("code", ["5", "999", "approve"])
def test_what_cannot_be_had_is_not_waited_for(wishes: Wishes, code: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be had here"):
        wishes.add(Wish(code, order_id=1))

    assert wishes.waiting() == ()


def test_no_more_than_a_thousand_wait(wishes: Wishes) -> None:
    for number in range(WISHES_MAX):
        wishes.add(Wish("205", order_id=number))

    with pytest.raises(ConfigurationError, match="1000 outcomes wait"):
        wishes.add(Wish("205", order_id=WISHES_MAX))
