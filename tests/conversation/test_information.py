"""GetOrderInformation: the document's row."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import MERCHANT_ID, SHOP, stage
from tests.golden_files import golden_cases
from tests.paying import (
    DECLINED,
    AnsweringHost,
    create,
    filled,
    give_up,
    paid,
    pay,
    post,
    request,
    settled,
)

from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.model.xmlout import payment_of
from tkkpg.protocol.values import AZN, Amount, Language, OrderStatus

pytestmark = pytest.mark.anyio

CASES = {case.name: case for case in golden_cases("requests", "replies")}
DOCUMENT = CASES["requests/document_get_order_information"]
PAID_ROW = CASES["replies/document_get_order_information"].body
UNPAID_ROW = CASES["replies/get_order_information_unpaid"].body
REFUSED = CASES["replies/get_order_information_refused"].body


def names(row: bytes) -> list[bytes]:
    """List the elements of a row in their order."""
    return re.findall(rb"<([A-Za-z]+)>", row)


def empty(row: bytes) -> list[bytes]:
    """List the elements that say nothing."""
    return re.findall(rb"<([A-Za-z]+)></", row)


async def test_the_documents_request_is_answered_with_a_bare_row(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        reply = await post(gateway.exec, filled(DOCUMENT, ref))
        assert reply.content.startswith(b"<Order><row><id>%d</id>" % ref.order_id)
        assert reply.content.endswith(b"</row></Order>")
        assert b"\n" not in reply.content


async def test_a_paid_row_has_the_documents_elements_and_leaves_the_same_empty(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        row = (await post(gateway.exec, filled(DOCUMENT, ref))).content
        assert names(row) == names(PAID_ROW)
        assert empty(row) == [name for name in empty(PAID_ROW) if name != b"Receipt"]


async def test_an_unpaid_row_has_the_documents_elements_and_empty_ones(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        created = await gateway.client.create_order(
            amount=Amount.of("30.00", AZN), description="12345/TAKSIT=5", approve_url=SHOP
        )
        row = (await post(gateway.exec, filled(DOCUMENT, created.ref))).content
        assert names(row) == names(UNPAID_ROW)
        assert empty(row) == empty(UNPAID_ROW)


async def test_a_paid_row_says_what_was_paid_and_when_in_baku(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client, "12.34", Language.RU)
        gateway.clock.advance(timedelta(minutes=2, seconds=5))
        await pay(gateway.gateway, ref)
        facts = await gateway.gateway.store.facts(ref.order_id)
        payment = payment_of(facts.transactions) if facts else None
        assert payment is not None
        row = (await post(gateway.exec, filled(DOCUMENT, ref))).content.decode()
        assert re.sub(r"<Receipt>[A-Za-z0-9+/]+=*<", "<Receipt>…<", row) == (
            f"<Order><row><id>{ref.order_id}</id><SessionID>{ref.session_id}</SessionID>"
            "<createDate>2026-11-24 12:00:00</createDate>"
            "<lastUpdateDate>2026-11-24 12:02:05</lastUpdateDate>"
            "<payDate>2026-11-24 12:02:05</payDate>"
            f"<MerchantID>{MERCHANT_ID}</MerchantID><Amount>1234</Amount><Currency>944</Currency>"
            "<OrderLanguage>RU</OrderLanguage><Description>Two shirts</Description>"
            f"<ApproveURL>{SHOP}/ok</ApproveURL><CancelURL>{SHOP}/cancel</CancelURL>"
            f"<DeclineURL>{SHOP}/declined</DeclineURL><Orderstatus>APPROVED</Orderstatus>"
            f"<Receipt>…</Receipt><twoId>{payment.two_id}</twoId><RefundAmount>0</RefundAmount>"
            "<RefundCurrency>null</RefundCurrency><ExtSystemProcess>0</ExtSystemProcess>"
            "<OrderType>Purchase</OrderType><OrderSubType></OrderSubType><Fee>0</Fee>"
            "<Email></Email><RefundDate>0000-00-00 00:00:00</RefundDate>"
            "<TWODate>261124</TWODate><TWOTime>120205</TWOTime></row></Order>"
        )


async def test_a_refunded_row_says_how_much_and_when(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        await settled(gateway.gateway)
        gateway.clock.advance(timedelta(hours=1))
        await gateway.client.refund(ref, amount=Amount.of("10.00", AZN))
        row = (await post(gateway.exec, request("GetOrderInformation", ref))).content
        assert b"<Orderstatus>REFUNDED</Orderstatus>" in row
        assert b"<RefundAmount>1000</RefundAmount><RefundCurrency>944</RefundCurrency>" in row
        assert b"<RefundDate>2026-11-24 13:00:00</RefundDate>" in row
        assert b"<payDate>2026-11-24 12:00:00</payDate>" in row
        assert b"<TWODate>261124</TWODate><TWOTime>120000</TWOTime>" in row


async def test_a_declined_order_is_an_unpaid_one(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.AUTHORISATION, DECLINED)
    async with stage(tmp_path, host=host) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        information = await gateway.client.get_order_information(ref)
        assert information.order_status is OrderStatus.DECLINED
        assert information.paid is None
        assert information.two_id is None


async def test_a_cancelled_order_says_when_it_changed(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        gateway.clock.advance(timedelta(minutes=1))
        await give_up(gateway.gateway, ref)
        row = (await post(gateway.exec, request("GetOrderInformation", ref))).content
        assert b"<lastUpdateDate>2026-11-24 12:01:00</lastUpdateDate><payDate></payDate>" in row
        assert b"<Orderstatus>CANCELED</Orderstatus>" in row


async def test_the_client_reads_the_row_of_a_paid_order(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway, "0.01")
        information = await gateway.client.get_order_information(ref)
        assert information.order_id == ref.order_id
        assert information.amount_minor == 1
        assert information.order_status is OrderStatus.APPROVED
        assert information.refund_amount_minor == 0
        assert information.refund_currency is None


async def test_a_refused_question_is_answered_in_the_ordinary_envelope(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT.body.replace(b"E1000010", b"E1000011"))
        assert reply.content == REFUSED
