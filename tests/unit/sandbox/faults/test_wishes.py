"""Outcomes asked for once: who meets them, and what is sent instead of the payer's card."""

from __future__ import annotations

import pytest
from tests.conformance.plans import tran

from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.model.transaction import HostReply, Outcome
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.faults import Wishes, Wishing
from tkkpg.sandbox.faults.wishes import WISHES_MAX, Wish

pytestmark = pytest.mark.anyio

MINE = tran()
PAYERS = Card(Secret(find_card("approve").pan), Expiry(2030, 12), Secret("447"))
BEHIND = ScriptedHost(
    {
        find_card("approve").pan: Scenario(Outcome.APPROVED, "001"),
        find_card("205").pan: Scenario(Outcome.DECLINED, "205"),
    },
    0.05,
)


@pytest.fixture
def wishes() -> Wishes:
    return Wishes()


def test_an_order_meets_what_was_asked_for_it_once(wishes: Wishes) -> None:
    wishes.add(Wish("205", order_id=MINE.order_id))

    assert [wishes.take(MINE), wishes.take(MINE)] == ["205", None]


def test_another_order_and_another_merchant_meet_nothing(wishes: Wishes) -> None:
    wishes.add(Wish("205", order_id=MINE.order_id + 1))
    wishes.add(Wish("076", merchant_id="E1000099"))

    assert wishes.take(MINE) is None
    assert [wish.code for wish in wishes.waiting()] == ["205", "076"]


def test_an_order_goes_before_its_merchant_and_the_earlier_before_the_later(
    wishes: Wishes,
) -> None:
    wishes.add(Wish("076", merchant_id=MINE.merchant_id))
    wishes.add(Wish("051", merchant_id=MINE.merchant_id))
    wishes.add(Wish("205", order_id=MINE.order_id))

    assert [wishes.take(MINE) for _ in range(4)] == ["205", "076", "051", None]


@pytest.mark.parametrize("code", ["05", "999", "approve"])
def test_what_cannot_be_had_is_not_waited_for(wishes: Wishes, code: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be had here"):
        wishes.add(Wish(code, order_id=1))

    assert wishes.waiting() == ()


def test_no_more_than_a_thousand_wait(wishes: Wishes) -> None:
    for number in range(WISHES_MAX):
        wishes.add(Wish("205", order_id=number))

    with pytest.raises(ConfigurationError, match="1000 outcomes wait"):
        wishes.add(Wish("205", order_id=WISHES_MAX))


async def test_the_card_of_the_code_is_sent_in_place_of_the_payer_s_once(wishes: Wishes) -> None:
    host = Wishing(BEHIND, {}, wishes)
    await host.start(lambda _unclaimed: None)
    wishes.add(Wish("205", order_id=MINE.order_id))

    replies = [await host.authorise(MINE, PAYERS) for _ in range(2)]

    assert [reply.response_code for reply in replies] == ["205", "001"]


async def test_minus_one_is_not_sent(wishes: Wishes) -> None:
    host = Wishing(BEHIND, {find_card("-1").pan: None}, wishes)
    await host.start(lambda _unclaimed: None)
    wishes.add(Wish("-1", merchant_id=MINE.merchant_id))

    assert await host.authorise(MINE, PAYERS) == HostReply.not_sent()
