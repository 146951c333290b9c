"""CreateOrder: what a merchant says and the gateway answers."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway_fixtures import MERCHANT_ID, PAGE_URL, merchant, stage, with_certificate
from tests.golden_files import GoldenCase, golden_cases
from tests.paying import create, post, stored

from tkkpg.client import OperationRefused
from tkkpg.gateway.app import exec_app
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.protocol.values import AZN, CURRENCIES, Amount, Operation, OrderStatus

pytestmark = pytest.mark.anyio

CASES = {case.name: case for case in golden_cases("requests", "malformed", "styles")}
DOCUMENT = CASES["requests/document_create_order"]
CREATED = re.compile(
    rb"<TKKPG><Response><Operation>CreateOrder</Operation><Status>00</Status>"
    rb"<Order><OrderID>\d+</OrderID><SessionID>[0-9A-F]{32}</SessionID>"
    rb"<URL>https://localhost:8443/index\.jsp</URL></Order></Response></TKKPG>"
)
REFUSED = (
    b"<TKKPG><Response><Operation>CreateOrder</Operation><Status>%d</Status></Response></TKKPG>"
)


async def test_the_documents_request_makes_an_order(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT.body)
        assert reply.status_code == 200
        assert CREATED.fullmatch(reply.content)


async def test_the_reply_says_xml_and_its_request_id_and_no_reason(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT.body)
        assert reply.headers["content-type"] == "text/xml;charset=UTF-8"
        assert reply.headers["content-length"] == str(len(reply.content))
        assert re.fullmatch(r"\w{32}", reply.headers["TKKPG-Request-Id"])
        assert "TKKPG-Reason" not in reply.headers


async def test_the_clients_order_is_stored_as_it_was_sent(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client, "12.34")
        order = await stored(gateway.gateway, ref)
        assert order.merchant_id == MERCHANT_ID
        assert order.amount == Amount.of("12.34", AZN)
        assert order.description == "Two shirts"
        assert order.status is OrderStatus.CREATED
        assert order.created_at == gateway.clock.now()


async def test_the_client_gets_the_address_of_the_payers_page(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        created = await gateway.client.create_order(amount=Amount.of("1.00", AZN))
        assert created.payment_url == (
            f"{PAGE_URL}?ORDERID={created.order_id}&SESSIONID={created.session_id}"
        )


async def test_every_order_has_a_number_and_a_session_of_its_own(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        refs = [await create(gateway.client) for _ in range(20)]
        assert len({ref.order_id for ref in refs}) == 20
        assert len({ref.session_id for ref in refs}) == 20


async def test_orders_of_two_runs_of_one_home_never_share_a_number(tmp_path: Path) -> None:
    async with stage(tmp_path) as first:
        before = await create(first.client)
    async with stage(tmp_path) as second:
        after = await create(second.client)
        assert after.order_id > before.order_id
        assert (await stored(second.gateway, before)).session_id == before.session_id


@pytest.mark.parametrize(
    "case",
    [case for case in CASES.values() if case.facts["operation"] == "CreateOrder"],
    ids=str,
)
async def test_every_written_style_is_answered_as_documented(
    tmp_path: Path, case: GoldenCase
) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, case.body)
        assert f"<Status>{case.facts['status']}</Status>".encode() in reply.content


async def test_another_currency_is_refused_with_the_reason_in_a_header(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT.body.replace(b">944<", b">840<"))
        assert reply.content == REFUSED % 30
        assert reply.headers["TKKPG-Reason"].startswith("Order/Currency must be one")


async def test_the_client_hears_the_gateways_reason(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        with pytest.raises(OperationRefused, match="Order/Currency must be one") as refused:
            await gateway.client.create_order(amount=Amount.of("1.00", CURRENCIES["840"]))
        assert refused.value.status == "30"


async def test_another_merchants_name_is_not_permitted(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT.body.replace(b"E1000010", b"E1000011"))
        assert reply.content == REFUSED % 10


@pytest.mark.parametrize("fingerprint", ["cd" * 32, None], ids=["unregistered", "none"])
async def test_a_certificate_that_nobody_registered_is_not_permitted(
    tmp_path: Path, fingerprint: str | None
) -> None:
    async with stage(tmp_path) as gateway:
        app = with_certificate(exec_app(gateway.gateway), fingerprint)
        reply = await post(app, DOCUMENT.body)
        assert reply.content == REFUSED % 10
        assert "not registered" in reply.headers["TKKPG-Reason"]


@pytest.mark.parametrize("change", ["expired", "revoked"])
async def test_a_certificate_that_no_longer_counts_is_not_permitted(
    tmp_path: Path, change: str
) -> None:
    async with stage(tmp_path) as gateway:
        good = Certificate(
            fingerprint="ef" * 32, merchant_id=MERCHANT_ID, not_after=gateway.clock.wall()
        )
        bad = (
            good
            if change == "expired"
            else replace(good, not_after=gateway.clock.wall().replace(year=2030), revoked=True)
        )
        await enrol(gateway.gateway, merchant(), bad)
        app = with_certificate(exec_app(gateway.gateway), bad.fingerprint)
        assert (await post(app, DOCUMENT.body)).content == REFUSED % 10


@pytest.mark.parametrize(
    "changes",
    [{"active": False}, {"operations": frozenset({Operation.GET_ORDER_STATUS})}],
    ids=["inactive", "operation not allowed"],
)
async def test_a_merchant_that_may_not_is_not_permitted(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    async with stage(tmp_path, trader=merchant(**changes)) as gateway:
        assert (await post(gateway.exec, DOCUMENT.body)).content == REFUSED % 10


async def test_an_unknown_operation_is_answered_54_with_its_name(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, CASES["malformed/unknown_operation"].body)
        assert reply.content == (
            b"<TKKPG><Response><Operation>CreateOrders</Operation>"
            b"<Status>54</Status></Response></TKKPG>"
        )


async def test_nothing_is_stored_for_a_refused_order(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        before = await create(gateway.client)
        await post(gateway.exec, DOCUMENT.body.replace(b">944<", b">840<"))
        after = await create(gateway.client)
        assert after.order_id == before.order_id + 1


async def test_a_gateway_that_cannot_store_answers_96_and_keeps_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await gateway.gateway.store.aclose()
        reply = await post(gateway.exec, DOCUMENT.body)
        assert reply.status_code == 200
        assert reply.content == REFUSED % 96
        assert reply.headers["TKKPG-Reason"].startswith("Something failed inside")
    async with stage(tmp_path) as again:
        assert await again.gateway.store.order(ref.order_id) is not None
        assert await again.gateway.store.order(ref.order_id + 1) is None
