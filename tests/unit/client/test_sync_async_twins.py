"""`Client` and `AsyncClient` are one thing in two forms: same names, signatures and words."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx2
import pytest

from tkkpg.client import (
    AZN,
    Amount,
    AsyncClient,
    Client,
    Endpoint,
    OrderRef,
    OrderStatus,
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
PIECE = b"x" * 65_536


def test_neither_has_what_the_other_has_not() -> None:
    functions = {name for name, member in vars(AsyncClient).items() if inspect.isfunction(member)}

    assert {twin for _, twin in TWINS} == functions


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_signatures_are_equal(name: str, twin: str) -> None:
    of_twin = str(inspect.signature(getattr(AsyncClient, twin)))

    assert str(inspect.signature(getattr(Client, name))) == of_twin.replace(
        "AsyncBaseTransport", "BaseTransport"
    )


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
