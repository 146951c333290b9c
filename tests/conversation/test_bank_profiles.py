"""Each variant of a bank's profile at the wire, beside what the default writes there."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from tests.gateway_fixtures import MERCHANT_ID, Stage, merchant, stage
from tests.paying import (
    DECLINED,
    AnsweringHost,
    ordered,
    paid,
    pay,
    post,
    refund_request,
    request,
    unsettled,
)

from tkkpg.client import AZN, Amount, OrderStatus, read_xmlout
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.change_merchant import change_merchant
from tkkpg.gateway.flows.pay import hand_over, open_page
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol import codec
from tkkpg.protocol.messages import OrderInformation
from tkkpg.protocol.profiles import KAPITAL, PROFILES
from tkkpg.protocol.values import Operation, OrderRef

pytestmark = pytest.mark.anyio

OTHERS: Final = sorted(set(PROFILES) - {KAPITAL.name})


@asynccontextmanager
async def banked(
    home: Path, profile: str, host: AnsweringHost | None = None
) -> AsyncIterator[Stage]:
    """Open a gateway whose merchant has a profile."""
    trader = merchant(bank_profile=profile)
    async with stage(home, host=host, trader=trader) as one:
        yield one


async def charged(one: Stage) -> OrderRef:
    """Pay an order of 30.00."""
    ref = await ordered(one.exec, "Purchase")
    await pay(one.gateway, ref)
    return ref


async def answered(one: Stage, body: bytes) -> str:
    """Ask Exec; the reply's body, which a session id would tell apart."""
    return re.sub(r"[0-9A-F]{32}", "SESSION", (await post(one.exec, body)).text)


async def carried(one: Stage, ref: OrderRef) -> str:
    """What the payer's browser carries to the shop."""
    return hand_over(await open_page(one.gateway, ref)).xmlmsg


def audited_status(home: Path) -> str:
    """The status in the newest audit row of a refusal."""
    with closing(connect(home / DATABASE, writing=False)) as db:
        (detail,) = next(
            db.execute(
                "SELECT detail FROM audit WHERE action = 'request_refused' ORDER BY rowid DESC"
            )
        )
    return str(json.loads(str(detail))["status"])


@pytest.mark.parametrize(
    ("profile", "status"), [("kapital", "30"), ("ubrr", "95")], ids=["kapital", "ubrr"]
)
async def test_what_the_order_s_status_does_not_permit(
    tmp_path: Path, profile: str, status: str
) -> None:
    async with banked(tmp_path, profile) as one:
        ref = await ordered(one.exec, "Purchase")
        for body in (refund_request(ref, 500), request("Reverse", ref)):
            assert f"<Status>{status}</Status>" in await answered(one, body)
            assert audited_status(tmp_path) == status
        completion = request("Completion", ref, more="<Amount>500</Amount>")
        assert "<Status>30</Status>" in await answered(one, completion)


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("kapital", "<Status>205</Status>"),
        ("manual", "<Status>96</Status><Details>205</Details>"),
    ],
)
async def test_a_refund_beyond_the_merchant_s_account(
    tmp_path: Path, profile: str, told: str
) -> None:
    async with unsettled(tmp_path, opening="0.00") as desk:
        await change_merchant(desk.gateway, MERCHANT_ID, {"bank_profile": profile})
        ref = await paid(desk.client, desk.gateway)
        refused = (await post(desk.exec, refund_request(ref, 500))).text

    assert refused == (f"<TKKPG><Response><Operation>Refund</Operation>{told}</Response></TKKPG>")


@pytest.mark.parametrize(
    ("profile", "status", "code", "text"),
    [
        ("kapital", "96", "076", "Insufficient funds"),
        ("kapital-2023", "96", "", ""),
        ("fortebank", "00", "076", "Insufficient funds"),
    ],
)
async def test_a_declined_reversal(
    tmp_path: Path, profile: str, status: str, code: str, text: str
) -> None:
    host = AnsweringHost()
    async with banked(tmp_path, profile, host) as one:
        ref = await ordered(one.exec)
        await pay(one.gateway, ref)
        host.answers(TranKind.REVERSAL, DECLINED)
        declined = await answered(one, request("Reverse", ref))
        reversed_ = await answered(one, request("Reverse", ref))

    assert f"<Status>{status}</Status>" in declined
    assert f"<RespCode>{code}</RespCode><RespMessage>{text}</RespMessage>" in declined
    assert ("<RespCode>001</RespCode>" in reversed_) == (profile != "kapital-2023")
    assert "<Status>00</Status>" in reversed_


@pytest.mark.parametrize(
    ("profile", "sessions"),
    [
        ("kapital", ["SessionID"]),
        ("nabil", ["SessionId"]),
        ("fortebank", ["SessionID", "SessionId"]),
    ],
)
async def test_the_session_of_an_xmlout(tmp_path: Path, profile: str, sessions: list[str]) -> None:
    async with banked(tmp_path, profile) as one:
        ref = await charged(one)
        xmlmsg = await carried(one, ref)

    assert re.findall(rf"<(\w+)>{ref.session_id}</\1>", xmlmsg) == sessions
    assert read_xmlout(xmlmsg).ref == ref


async def test_an_xmlout_whose_spaces_were_encoded_twice(tmp_path: Path) -> None:
    async with banked(tmp_path, "kapital-2022") as one:
        ref = await charged(one)
        xmlmsg = await carried(one, ref)

    assert xmlmsg.startswith('<XMLOut><Message+date="')
    assert " " not in xmlmsg
    assert read_xmlout(xmlmsg).response_description == "Approved, no balances available"


async def test_base64_is_the_same_for_a_profile_that_changes_signs(tmp_path: Path) -> None:
    trader = merchant(bank_profile="kapital-2022", xmlout_base64=True)
    async with stage(tmp_path, trader=trader) as one:
        xmlmsg = await carried(one, await charged(one))

    assert read_xmlout(xmlmsg).order_status is OrderStatus.APPROVED


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("kapital", "<twoId></twoId><RefundAmount></RefundAmount>"),
        ("manual", "<twoId>null</twoId><RefundAmount>0</RefundAmount>"),
    ],
)
async def test_the_row_of_an_unpaid_order(tmp_path: Path, profile: str, told: str) -> None:
    async with banked(tmp_path, profile) as one:
        ref = await ordered(one.exec, "Purchase")
        plain = await answered(one, request("GetOrderInformation", ref))
        classic = await answered(
            one, request("GetOrderInformation", ref, more="<ClassicView>true</ClassicView>")
        )
        information = await one.client.get_order_information(ref)

    nothing = "null" if profile == "manual" else ""
    for row in (plain, classic):
        assert told in row
        for tag in ("lastUpdateDate", "payDate", "RefundCurrency", "TWODate", "TWOTime"):
            assert f"<{tag}>{nothing}</{tag}>" in row
    assert (information.paid, information.two_id, information.two_date) == (None, None, None)


async def test_a_refund_that_is_shown_as_under_way(tmp_path: Path) -> None:
    async with banked(tmp_path, "manual") as one:
        ref = await charged(one)
        await one.client.refund(ref, amount=Amount.of("5.00", AZN))
        seen = []
        for _ in range(2):
            seen.append((await one.client.get_order_status(ref)).order_status)
            seen.append((await one.client.get_order_information(ref)).order_status)
            one.clock.advance(timedelta(seconds=5))

    assert seen == [OrderStatus.ON_REFUND] * 2 + [OrderStatus.REFUNDED] * 2


@pytest.mark.parametrize("profile", OTHERS)
async def test_our_own_client_works_with_every_bank(tmp_path: Path, profile: str) -> None:
    async with banked(tmp_path, profile) as one:
        ref = await charged(one)
        xmlout = read_xmlout(await carried(one, ref))
        before = await one.client.get_order_information(ref)
        await one.client.refund(ref, amount=Amount.of("5.00", AZN))
        one.clock.advance(timedelta(minutes=1))
        refunded = await one.client.get_order_information(ref)

    assert (xmlout.ref, xmlout.order_status) == (ref, OrderStatus.APPROVED)
    assert (before.order_status, refunded.refund_amount_minor) == (OrderStatus.APPROVED, 500)
    assert refunded.order_status is OrderStatus.REFUNDED


@pytest.mark.parametrize("kind", ["Payment", "QuasiCash"])
async def test_other_order_types_are_purchases_for_merchants_that_have_them(
    tmp_path: Path, kind: str
) -> None:
    allowed = merchant().order_types | {kind}
    async with stage(tmp_path, trader=merchant(order_types=frozenset(allowed))) as one:
        ref = await ordered(one.exec, kind)
        await pay(one.gateway, ref)
        status = await one.client.get_order_status(ref)
        row = codec.decode_response(
            (await post(one.exec, request("GetOrderInformation", ref))).content,
            Operation.GET_ORDER_INFORMATION,
        )
        xmlmsg = await carried(one, ref)

    assert status.order_status is OrderStatus.APPROVED
    assert isinstance(row, OrderInformation)
    assert row.order_type == "Purchase"
    assert read_xmlout(xmlmsg).transaction_type == "Purchase"


async def test_a_payer_is_led_back_to_an_app(tmp_path: Path) -> None:
    trader = merchant(return_schemes=frozenset({"myapp"}))
    async with stage(tmp_path, trader=trader) as one:
        ref = await ordered(one.exec, "Purchase", "<ApproveURL>myapp://paid?order=7</ApproveURL>")
        await pay(one.gateway, ref)

        assert hand_over(await open_page(one.gateway, ref)).url == "myapp://paid?order=7"
