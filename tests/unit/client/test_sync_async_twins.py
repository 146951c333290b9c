"""`Client` and `AsyncClient` are one thing in two forms: same names, signatures and words."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import fields
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx2
import pytest
from tests.unit.client.scripted import Script, client_of, refused

from tkkpg.client import (
    AZN,
    Amount,
    AsyncClient,
    Client,
    Endpoint,
    Language,
    OperationRefused,
    OrderOptions,
    OrderRef,
    OrdersFilter,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    _exchange,
)
from tkkpg.protocol import codec
from tkkpg.protocol.messages import GetOrderStatusResponse

ASYNC_NAMES = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
TWINS = [
    (name, ASYNC_NAMES.get(name, name))
    for name, member in vars(Client).items()
    if inspect.isfunction(member)
]
ENDPOINT = Endpoint("https://pg.example/Exec")
REF = OrderRef(828, "277F3E926B1FADDA45E449B0C0E8CF76")
PRICE = Amount.of("30.00", AZN)
REFUSED = refused("X", "30")
PIECE = b"x" * 65_536


def test_neither_has_what_the_other_has_not() -> None:
    functions = {name for name, member in vars(AsyncClient).items() if inspect.isfunction(member)}

    assert {twin for _, twin in TWINS} == functions


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_signatures_are_equal(name: str, twin: str) -> None:
    of_twin = str(inspect.signature(getattr(AsyncClient, twin)))

    assert str(inspect.signature(getattr(Client, name))) == of_twin.replace(
        "AsyncBaseTransport", "BaseTransport"
    ).replace("AsyncClock", "Clock")


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_docstrings_are_equal(name: str, twin: str) -> None:
    assert inspect.getdoc(getattr(Client, name)) == inspect.getdoc(getattr(AsyncClient, twin))


def test_the_classes_are_described_in_the_same_words() -> None:
    _, _, words = (inspect.getdoc(Client) or "").partition("Keep one")
    _, _, words_of_twin = (inspect.getdoc(AsyncClient) or "").partition("Keep one")

    assert words
    assert words == words_of_twin


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_all_that_waits_is_awaited(name: str, twin: str) -> None:
    assert not inspect.iscoroutinefunction(getattr(Client, name))
    assert inspect.iscoroutinefunction(getattr(AsyncClient, twin)) == (twin != "__init__")


STATUS = codec.encode(GetOrderStatusResponse(order_id=828, order_status=OrderStatus.DECLINED))


def wsgi_gateway(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    assert environ["PATH_INFO"] == "/Exec"
    start_response("200 OK", [("Content-Type", "text/xml")])
    return [STATUS]


async def asgi_gateway(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    assert scope["path"] == "/Exec"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": STATUS})


def test_a_client_talks_to_a_gateway_in_the_same_process() -> None:
    transport = httpx2.WSGITransport(wsgi_gateway)

    with Client(ENDPOINT, merchant_id="E1000010", transport=transport) as client:
        assert client.get_order_status(REF).order_status is OrderStatus.DECLINED


@pytest.mark.anyio
async def test_an_asynchronous_client_talks_to_a_gateway_in_the_same_process() -> None:
    transport = httpx2.ASGITransport(asgi_gateway)

    async with AsyncClient(ENDPOINT, merchant_id="E1000010", transport=transport) as client:
        state = await client.get_order_status(REF)

    assert state.order_status is OrderStatus.DECLINED


CALLS: dict[str, dict[str, Any]] = {
    "create_order": {
        "amount": PRICE,
        "description": "77",
        "language": Language.RU,
        "approve_url": "https://shop.example/a",
        "cancel_url": "https://shop.example/c",
        "decline_url": "https://shop.example/d",
        "order_type": OrderType.PRE_AUTH,
        "options": OrderOptions(instalments=3),
    },
    "get_order_status": {"ref": REF, "language": Language.RU},
    "get_order_information": {
        "ref": REF,
        "show_params": True,
        "show_operations": True,
        "show_positions": True,
        "language": Language.RU,
    },
    "get_orders": {"only": OrdersFilter(last_count=5), "language": Language.RU},
    "complete": {
        "ref": REF,
        "amount": PRICE,
        "description": "77",
        "fee": Amount(1, AZN),
        "language": Language.RU,
    },
    "reverse": {"ref": REF, "description": "77", "two_id": 5, "language": Language.RU},
    "refund": {
        "ref": REF,
        "amount": PRICE,
        "description": "77",
        "two_id": 5,
        "with_fee": True,
        "language": Language.RU,
    },
    "pay_with_saved_card": {
        "ref": REF,
        "amount": PRICE,
        "card_uid": "C0FFEE",
        "language": Language.RU,
    },
    "wait_until_final": {"ref": REF, "timeout_s": 0},
    "refund_safely": {
        "ref": REF,
        "amount": PRICE,
        "refunded_before": Amount(0, AZN),
        "description": "77",
        "two_id": 5,
        "with_fee": True,
        "timeout_s": 0,
    },
    "resolve_pending": {"refs": [REF]},
}


def test_every_method_that_asks_a_gateway_is_called_here() -> None:
    public = {name for name, _ in TWINS if not name.startswith("_")}

    assert CALLS.keys() == public - {"close"}


@pytest.mark.anyio
@pytest.mark.parametrize("name", CALLS)
async def test_both_send_the_same_bytes_with_every_argument_in_them(name: str) -> None:
    script, twin = Script([REFUSED]), Script([REFUSED])
    with client_of(script) as client, suppress(OperationRefused):
        getattr(client, name)(**CALLS[name])
    transport = httpx2.MockTransport(twin)
    async with AsyncClient(ENDPOINT, merchant_id="E1000010", transport=transport) as other:
        with suppress(OperationRefused):
            await getattr(other, name)(**CALLS[name])

    (asked,) = script.asked
    assert [asked] == twin.asked
    sent = {field.name: getattr(asked, field.name) for field in fields(asked)}
    assert sent["language"] is CALLS[name].get("language", Language.EN)
    for argument in CALLS[name].keys() & sent.keys() - {"language", "fee"}:
        assert str(CALLS[name][argument]) in str(sent[argument])


class Endless(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body without an end, which counts what was taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.taken += len(PIECE)
            yield PIECE

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += len(PIECE)
            yield PIECE


def test_a_reply_without_an_end_is_not_read_for_ever() -> None:
    body = Endless()
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=body))

    with (
        Client(ENDPOINT, merchant_id="E1000010", transport=transport) as client,
        pytest.raises(OutcomeUnknown, match="larger than"),
    ):
        client.create_order(amount=Amount.of("30.00", AZN))

    assert body.taken <= _exchange.REPLY_SIZE_MAX + len(PIECE)


@pytest.mark.anyio
async def test_a_reply_without_an_end_is_not_awaited_for_ever() -> None:
    body = Endless()
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=body))

    async with AsyncClient(ENDPOINT, merchant_id="E1000010", transport=transport) as client:
        with pytest.raises(OutcomeUnknown, match="larger than"):
            await client.create_order(amount=Amount.of("30.00", AZN))

    assert body.taken <= _exchange.REPLY_SIZE_MAX + len(PIECE)
