"""Saved cards: registered with a payment, used without a payer, refused where they must be."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, merchant, stage
from tests.paying import DECLINED, AnsweringHost, card, ordered, post, request, stored, submit_card

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.decide import context
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.protocol import codec
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import (
    EnvelopedPurchaseResponse,
    OrderInformation,
    PurchaseResponse,
)
from tkkpg.protocol.values import Operation, OrderRef, OrderStatus
from tkkpg.sandbox.cards import find_card

pytestmark = pytest.mark.anyio

REGISTER = (
    "<CardRegistration><RegisterCardOnSuccess>1</RegisterCardOnSuccess>"
    "<SaveCardUIDToOrder>true</SaveCardUIDToOrder></CardRegistration>"
    '<AddParams><CustomFields><Param name="Attention" title="We keep it"/></CustomFields>'
    "</AddParams>"
)
NOWHERE = "0" * 32
PAN = "4169733213495869"


async def pay_and_agree(one: Stage, ref: OrderRef, *, agree: bool = True) -> None:
    """Pay with a card and tick the box, or not."""
    typed = card(one.gateway)
    await submit_card(one.gateway, await open_page(one.gateway, ref), typed, register=agree)
    await one.gateway.background.drain(5)


async def saved(one: Stage, ref: OrderRef) -> str:
    """Read the CardUID among the order's parameters, as a merchant does."""
    answer = await post(
        one.exec, request("GetOrderInformation", ref, more="<ShowParams>true</ShowParams>")
    )
    row = codec.decode_response(answer.content, Operation.GET_ORDER_INFORMATION)
    assert isinstance(row, OrderInformation)
    return next((param.value for param in row.params if param.name == "CardUID"), "")


def purchase(ref: OrderRef, card_uid: str, amount: int = 3000, more: str = "") -> bytes:
    """Write a Purchase."""
    return request(
        "Purchase",
        ref,
        more=f"<Amount>{amount}</Amount><Currency>944</Currency>"
        f"<CardUID>{card_uid}</CardUID>{more}",
    )


def answered(content: bytes) -> PurchaseResponse:
    """Read the reply to a Purchase."""
    reply = codec.decode_response(content, Operation.PURCHASE)
    assert isinstance(reply, PurchaseResponse)
    return reply


async def registered(one: Stage) -> str:
    """Save a card with a first payment."""
    ref = await ordered(one.exec, "Purchase", REGISTER)
    await pay_and_agree(one, ref)
    return await saved(one, ref)


async def test_a_card_is_saved_and_pays_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "Purchase")
        reply = answered((await post(one.exec, purchase(ref, card_uid))).content)
        order_now = await stored(one.gateway, ref)
    assert re.fullmatch("[0-9A-F]{32}", card_uid)
    assert order_now.status is OrderStatus.APPROVED
    assert (reply.response_code, reply.messages[0].order_status) == ("001", OrderStatus.APPROVED)


async def test_the_callback_tells_of_the_saved_card(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        await delivered(one)
        told = [
            codec.decode_callback(delivery.form["xmlmsg"]) for delivery in one.courier.deliveries
        ]
    assert [message.registrations[0].card_uid for message in told if message.registrations] == [
        card_uid
    ]


async def delivered(one: Stage) -> None:
    """Wait until the merchant was told of the payment."""
    async with asyncio.timeout(5):
        while not one.courier.deliveries:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def test_the_token_rests_sealed_and_the_number_nowhere(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        kept = await one.gateway.store.saved_card(card_uid)
        assert kept is not None
        token = one.gateway.keys.unseal(kept.token, card_uid)
    everything = contents(tmp_path)
    assert token.encode() not in everything
    assert card_number().encode() not in everything


def contents(home: Path) -> bytes:
    """Read the database's files."""
    return b"".join(path.read_bytes() for path in home.glob(f"{DATABASE}*"))


def card_number() -> str:
    """Give the number of the card that paid."""
    return find_card("approve").pan


async def test_a_payer_who_does_not_agree_has_no_card_saved(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await ordered(one.exec, "Purchase", REGISTER)
        await pay_and_agree(one, ref, agree=False)
        assert await saved(one, ref) == ""


async def test_an_order_that_offers_nothing_saves_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await ordered(one.exec, "Purchase")
        await pay_and_agree(one, ref)
        facts = await one.gateway.store.facts(ref.order_id)
    assert facts is not None
    assert [tran.register for tran in facts.transactions] == [False]


async def test_a_merchant_without_permission_is_refused(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=merchant(card_registration=False)) as one:
        body = (
            "<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
            "<Merchant>E1000010</Merchant><Amount>3000</Amount><Currency>944</Currency>"
            f"{REGISTER}</Order></Request></TKKPG>"
        ).encode()
        assert b"<Status>10</Status>" in (await post(one.exec, body)).content


async def test_a_saved_card_may_be_held_from(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "PreAuth")
        reply = answered((await post(one.exec, purchase(ref, card_uid))).content)
        assert reply.messages[0].order_status is OrderStatus.PREAUTH_APPROVED


async def test_a_declined_payment_is_an_answer_like_any_other(tmp_path: Path) -> None:
    host = AnsweringHost()
    token = Secret("TOKEN")
    host.answers(TranKind.AUTHORISATION, HostReply.of("001", "123456", token), DECLINED)
    async with stage(tmp_path, host=host) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "Purchase")
        reply = answered((await post(one.exec, purchase(ref, card_uid))).content)
    assert (reply.response_code, reply.messages[0].order_status) == ("076", OrderStatus.DECLINED)


async def test_a_declined_payment_is_no_success_in_the_usual_envelope(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.AUTHORISATION, HostReply.of("001", "123456", Secret("TOKEN")), DECLINED)
    async with stage(tmp_path, host=host) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "Purchase")
        body = purchase(ref, card_uid, more="<ResponseFormat>TKKPG</ResponseFormat>")
        content = (await post(one.exec, body)).content
    assert b"<Operation>Purchase</Operation><Status>96</Status><XMLOut>" in content
    reply = answered(content)
    assert (reply.response_code, reply.messages[0].order_status) == ("076", OrderStatus.DECLINED)


async def test_an_order_for_one_card_is_not_paid_with_another(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid, other = await registered(one), await registered(one)
        named = f"<AddParams><SenderCardUID>{card_uid}</SenderCardUID></AddParams>"
        ref = await ordered(one.exec, "Purchase", named)
        refused = await post(one.exec, purchase(ref, other))
        paid = await post(one.exec, purchase(ref, card_uid))
    assert b"<Status>30</Status>" in refused.content
    assert answered(paid.content).response_code == "001"


async def test_the_usual_envelope_is_there_for_the_asking(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "Purchase")
        body = purchase(ref, card_uid, more="<ResponseFormat>TKKPG</ResponseFormat>")
        content = (await post(one.exec, body)).content
    assert content.startswith(
        b"<TKKPG><Response><Operation>Purchase</Operation><Status>00</Status><XMLOut><Message "
    )
    assert isinstance(answered(content), EnvelopedPurchaseResponse)


@pytest.mark.parametrize("card_uid", [NOWHERE, "", "' OR 1=1 --"])
async def test_an_unknown_card_changes_nothing(tmp_path: Path, card_uid: str) -> None:
    async with stage(tmp_path) as one:
        ref = await ordered(one.exec, "Purchase")
        answer = await post(one.exec, purchase(ref, card_uid))
        assert (await stored(one.gateway, ref)).version == 1
    assert b"<Status>30</Status>" in answer.content


async def test_another_merchants_card_is_as_good_as_unknown(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        await _give_away(one, card_uid)
        ref = await ordered(one.exec, "Purchase")
        answer = await post(one.exec, purchase(ref, card_uid[::-1]))
        unknown = await post(one.exec, purchase(ref, NOWHERE))
        assert (await stored(one.gateway, ref)).status is OrderStatus.CREATED
    assert answer.content == unknown.content


async def _give_away(one: Stage, card_uid: str) -> None:
    """Let another merchant have a card too, under a number of its own."""
    kept = await one.gateway.store.saved_card(card_uid)
    assert kept is not None
    other = merchant(merchant_id="E2000020")
    foreign = replace(kept, card_uid=card_uid[::-1], merchant_id=other.merchant_id)
    plan = Plan(
        context=context(one.gateway, "test"),
        action="given_away",
        merchants=(other,),
        saved_cards=(foreign,),
    )
    await one.gateway.store.commit(plan)


@pytest.mark.parametrize("amount", [2999, 3001])
async def test_another_amount_than_the_orders_is_refused(tmp_path: Path, amount: int) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "Purchase")
        answer = await post(one.exec, purchase(ref, card_uid, amount))
    assert b"<Status>30</Status>" in answer.content


async def test_a_paid_order_is_not_paid_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        card_uid = await registered(one)
        ref = await ordered(one.exec, "Purchase")
        await post(one.exec, purchase(ref, card_uid))
        again = await post(one.exec, purchase(ref, card_uid))
        facts = await one.gateway.store.facts(ref.order_id)
    assert b"<Status>30</Status>" in again.content
    assert facts is not None
    assert [tran.state for tran in facts.transactions] == [TranState.APPROVED]


async def test_a_card_number_is_refused_and_never_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with stage(tmp_path) as one:
        ref = await ordered(one.exec, "Purchase")
        body = purchase(ref, "", more=f"<PAN>{PAN}</PAN><ExpDate>2805</ExpDate><CVV2>447</CVV2>")
        answer = await post(one.exec, body)
        assert (await stored(one.gateway, ref)).status is OrderStatus.CREATED
    assert b"<Status>10</Status>" in answer.content
    logged = "".join(capfd.readouterr())
    assert "request_refused" in logged
    assert PAN not in logged
    assert PAN.encode() not in contents(tmp_path)
