"""GetOrderStatus, and the one answer for every order that is not the asker's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, merchant, stage, with_certificate
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
    stored,
)

from tkkpg.gateway.app import exec_app
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

CASES = {case.name: case for case in golden_cases("requests")}
PRINTED = CASES["requests/document_get_order_status"]
FILLED = CASES["requests/document_get_order_status_filled"]
EMPTY = (
    b"<TKKPG><Response><Operation>GetOrderStatus</Operation><Status>30</Status>"
    b"<Order><OrderID></OrderID><OrderStatus></OrderStatus></Order></Response></TKKPG>"
)
OPERATIONS = ("GetOrderStatus", "GetOrderInformation", "Refund")
AMOUNT = "<Refund><Amount>100</Amount><Currency>944</Currency></Refund>"


async def status(gateway: Stage, ref: OrderRef) -> OrderStatus:
    """Ask through the client."""
    return (await gateway.client.get_order_status(ref)).order_status


async def test_the_documents_request_as_printed_is_30_with_an_empty_order(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, PRINTED.body)
        assert reply.content == EMPTY
        assert reply.headers["TKKPG-Reason"] == PRINTED.facts["reason"]


async def test_the_documents_request_filled_in_is_answered_on_one_line(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        reply = await post(gateway.exec, filled(FILLED, ref))
        assert reply.content.decode() == (
            "<TKKPG><Response><Operation>GetOrderStatus</Operation><Status>00</Status>"
            f"<Order><OrderID>{ref.order_id}</OrderID><OrderStatus>CREATED</OrderStatus></Order>"
            "</Response></TKKPG>"
        )


async def test_looking_at_the_page_changes_no_status(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await open_page(gateway.gateway, ref)
        assert await status(gateway, ref) is OrderStatus.CREATED


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (HostReply.of("001", "123456"), OrderStatus.APPROVED),
        (DECLINED, OrderStatus.DECLINED),
        (HostReply.silent(), OrderStatus.DECLINED),
        (HostReply.of("502", "123456"), OrderStatus.DECLINED),
        (HostReply.of("001"), OrderStatus.DECLINED),
        (HostReply.not_sent(), OrderStatus.ERROR),
    ],
    ids=["approved", "declined", "silent", "part approval", "no approval code", "not sent"],
)
async def test_what_the_host_says_becomes_the_status(
    tmp_path: Path, reply: HostReply, expected: OrderStatus
) -> None:
    host = AnsweringHost()
    host.answers(TranKind.AUTHORISATION, reply)
    async with stage(tmp_path, host=host) as gateway:
        assert await status(gateway, await paid(gateway.client, gateway.gateway)) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("approve", OrderStatus.APPROVED),
        ("slow", OrderStatus.DECLINED),
        ("076", OrderStatus.DECLINED),
        ("810", OrderStatus.DECLINED),
        ("-1", OrderStatus.ERROR),
    ],
)
async def test_the_sandboxs_cards_do_what_they_say(
    tmp_path: Path, name: str, expected: OrderStatus
) -> None:
    """The slow card takes longer than the host of this stage is waited for."""
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await pay(gateway.gateway, ref, name)
        assert await status(gateway, ref) is expected


async def test_a_payer_who_leaves_cancels_the_order(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await give_up(gateway.gateway, ref)
        assert await status(gateway, ref) is OrderStatus.CANCELED


async def test_an_order_is_seen_expired_before_that_is_written(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        gateway.clock.advance(ORDER_LIFE - timedelta(microseconds=1))
        assert await status(gateway, ref) is OrderStatus.CREATED
        gateway.clock.advance(timedelta(microseconds=1))
        assert (await stored(gateway.gateway, ref)).status is OrderStatus.CREATED
        assert await status(gateway, ref) is OrderStatus.EXPIRED
        information = await gateway.client.get_order_information(ref)
        assert information.order_status is OrderStatus.EXPIRED


async def test_a_paid_order_never_expires(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        gateway.clock.advance(timedelta(days=300))
        assert await status(gateway, ref) is OrderStatus.APPROVED


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_unknown_wrong_session_and_somebody_elses_are_the_very_same(
    tmp_path: Path, operation: str
) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        more = AMOUNT if operation == "Refund" else ""
        unknown = OrderRef(ref.order_id + 77, ref.session_id)
        wrong = OrderRef(ref.order_id, "0" * 32)
        replies = [
            await post(gateway.exec, request(operation, asked, more=more))
            for asked in (unknown, wrong)
        ]
        stranger = Certificate(
            fingerprint="cd" * 32,
            merchant_id="E1000099",
            not_after=gateway.clock.wall() + timedelta(days=1),
        )
        await enrol(gateway.gateway, merchant(merchant_id="E1000099"), stranger)
        app = with_certificate(exec_app(gateway.gateway), stranger.fingerprint)
        body = request(operation, ref, merchant="E1000099", more=more)
        replies.append(await post(app, body))
        assert len({reply.content for reply in replies}) == 1
        assert b"<Status>30</Status>" in replies[0].content
        assert len({reply.headers["TKKPG-Reason"] for reply in replies}) == 1


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_merchants_own_order_is_answered(tmp_path: Path, operation: str) -> None:
    """So that the refusals above are about the order and nothing else."""
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        more = AMOUNT if operation == "Refund" else ""
        reply = await post(gateway.exec, request(operation, ref, more=more))
        assert b"<Status>00</Status>" in reply.content or reply.content.startswith(b"<Order><row>")


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_another_merchants_name_is_10_for_every_operation(
    tmp_path: Path, operation: str
) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        more = AMOUNT if operation == "Refund" else ""
        body = request(operation, ref, merchant="E1000099", more=more)
        assert b"<Status>10</Status>" in (await post(gateway.exec, body)).content


async def test_a_session_in_lower_case_is_another_session(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        lower = replace(ref, session_id=ref.session_id.lower())
        assert lower != ref
        assert (await post(gateway.exec, request("GetOrderStatus", lower))).content == EMPTY
