"""Both clients over real mutual TLS: what is sent, and what an end of the connection means."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from tests.unit.client.peers import Peer, World, answer, hang_up, make_world, say_nothing

from tkkpg import __version__
from tkkpg.client import (
    AZN,
    Amount,
    AsyncClient,
    Client,
    Credentials,
    Endpoint,
    InsecureConnectionWarning,
    NotSent,
    OrderRef,
    OrderStatus,
    OutcomeUnknown,
    Timeouts,
    TransportError,
    _exchange,
)
from tkkpg.client.config import DEFAULT_TIMEOUTS
from tkkpg.protocol import codec
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    GetOrderStatusResponse,
    RefundResponse,
)

SESSION = "277F3E926B1FADDA45E449B0C0E8CF76"
REF = OrderRef(14008766, SESSION)
PRICE = Amount.of("30.00", AZN)

CREATED = codec.encode(
    CreateOrderResponse(
        order_id=14008766, session_id=SESSION, url="https://tstpg.kapitalbank.az/index.jsp"
    )
)
APPROVED = codec.encode(
    GetOrderStatusResponse(order_id=14008766, order_status=OrderStatus.APPROVED)
)
REFUNDED = codec.encode(RefundResponse())

Call = Callable[[Any], Any]
"""What to do with a client; with the asynchronous one it gives something to await."""

Calls = Callable[..., list[Any]]
"""Make a client, do some calls with it, close it, and give what they returned."""


def create(client: Client | AsyncClient) -> object:
    return client.create_order(amount=PRICE, description="shoes")


def refund(client: Client | AsyncClient) -> object:
    return client.refund(REF, amount=PRICE)


def status(client: Client | AsyncClient) -> object:
    return client.get_order_status(REF)


def information(client: Client | AsyncClient) -> object:
    return client.get_order_information(REF)


def with_client(
    endpoint: Endpoint,
    credentials: Credentials,
    *calls: Call,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> list[Any]:
    with Client(endpoint, credentials, merchant_id="E1000010", timeouts=timeouts) as client:
        return [call(client) for call in calls]


def with_async_client(
    endpoint: Endpoint,
    credentials: Credentials,
    *calls: Call,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> list[Any]:
    async def main() -> list[Any]:
        client = AsyncClient(endpoint, credentials, merchant_id="E1000010", timeouts=timeouts)
        async with client:
            return [await call(client) for call in calls]

    return asyncio.run(main())


@pytest.fixture(params=[with_client, with_async_client], ids=["Client", "AsyncClient"])
def do(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """One of the two clients, which does not pause between reads."""
    monkeypatch.setattr(_exchange, "READ_PAUSES_S", (0.0, 0.0))
    chosen: Calls = request.param
    return chosen


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("pki"))


def test_an_order_is_created_over_mutual_tls(do: Calls, world: World) -> None:
    with Peer(world.server(), answer(CREATED)) as peer:
        [order] = do(peer.endpoint, world.credentials, create)

    [arrived] = peer.arrived
    assert order.ref == REF
    assert order.payment_url == (
        f"https://tstpg.kapitalbank.az/index.jsp?ORDERID=14008766&SESSIONID={SESSION}"
    )
    assert arrived.common_name == "E1000010"
    assert arrived.line == "POST /Exec HTTP/1.1"
    assert arrived.headers["content-type"] == "text/xml; charset=UTF-8"
    assert arrived.headers["user-agent"] == f"tkkpg/{__version__}"
    assert arrived.headers["accept-encoding"] == "identity"
    request = codec.decode_request(arrived.body)
    assert isinstance(request, CreateOrderRequest)
    assert (request.merchant_id, request.amount_minor) == ("E1000010", 3000)


def test_one_connection_serves_several_requests(do: Calls, world: World) -> None:
    with Peer(world.server(), answer(CREATED), answer(APPROVED), answer(REFUNDED)) as peer:
        _, state, nothing = do(peer.endpoint, world.credentials, create, status, refund)

    assert state.order_status is OrderStatus.APPROVED
    assert nothing is None
    assert peer.connections == 1


@pytest.mark.parametrize("call", [create, refund])
def test_a_write_without_an_answer_is_unknown_and_never_repeated(
    do: Calls, world: World, call: Call
) -> None:
    with (
        Peer(world.server(), hang_up, answer(CREATED)) as peer,
        pytest.raises(OutcomeUnknown, match="may have been carried out"),
    ):
        do(peer.endpoint, world.credentials, call)

    assert len(peer.arrived) == 1


def test_a_write_on_a_connection_that_just_ends_is_not_repeated_either(
    do: Calls, world: World
) -> None:
    with (
        Peer(world.server(), answer(CREATED), hang_up, answer(REFUNDED)) as peer,
        pytest.raises(OutcomeUnknown),
    ):
        do(peer.endpoint, world.credentials, create, refund)

    assert len(peer.arrived) == 2
    assert peer.connections == 1


def test_a_connection_that_ended_while_idle_is_not_written_to(do: Calls, world: World) -> None:
    with Peer(world.server(), answer(CREATED, goes_on=False), answer(REFUNDED)) as peer:

        def refund_after_the_end(client: Client | AsyncClient) -> object:
            assert peer.hung_up.wait(5)
            return refund(client)

        do(peer.endpoint, world.credentials, create, refund_after_the_end)

    assert len(peer.arrived) == 2
    assert peer.connections == 2


@pytest.mark.parametrize("call", [status, information])
def test_a_read_without_an_answer_is_asked_three_times(do: Calls, world: World, call: Call) -> None:
    with (
        Peer(world.server(), hang_up, hang_up, hang_up, answer(APPROVED)) as peer,
        pytest.raises(TransportError) as caught,
    ):
        do(peer.endpoint, world.credentials, call)

    assert type(caught.value) is TransportError
    assert len(peer.arrived) == 3


def test_a_read_succeeds_when_a_later_attempt_is_answered(do: Calls, world: World) -> None:
    unavailable = answer(b"", "503 Service Unavailable")

    with Peer(world.server(), hang_up, unavailable, answer(APPROVED)) as peer:
        [state] = do(peer.endpoint, world.credentials, status)

    assert state.order_status is OrderStatus.APPROVED


def test_an_answer_that_takes_too_long_leaves_the_outcome_unknown(do: Calls, world: World) -> None:
    with (
        Peer(world.server(), say_nothing) as peer,
        pytest.raises(OutcomeUnknown, match=r"order 14008766 .* did not answer in time"),
    ):
        do(peer.endpoint, world.credentials, refund, timeouts=Timeouts(read_s=0.2))

    assert len(peer.arrived) == 1


def test_a_refused_connection_is_not_sent(do: Calls, world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(NotSent, match=f"refused the connection to port {port}"):
        do(Endpoint(f"https://localhost:{port}/Exec"), world.credentials, refund)


def test_a_gateway_of_an_unknown_ca_gets_nothing(do: Calls, world: World) -> None:
    stranger = Credentials(world.credentials.certificate, world.credentials.key)

    with (
        Peer(world.server(), answer(REFUNDED)) as peer,
        pytest.raises(NotSent, match="not trusted"),
    ):
        do(peer.endpoint, stranger, refund)

    assert peer.arrived == []


def test_a_gateway_of_another_name_gets_nothing(do: Calls, world: World) -> None:
    context = world.server()
    world.server_ca.issue_cert("pg.example").configure_cert(context)

    with (
        Peer(context, answer(REFUNDED)) as peer,
        pytest.raises(NotSent, match="not for localhost"),
    ):
        do(peer.endpoint, world.credentials, refund)

    assert peer.arrived == []


def test_without_verification_the_same_gateway_is_believed_but_loudly(
    do: Calls, world: World
) -> None:
    blind = Credentials(
        world.credentials.certificate, world.credentials.key, insecure_skip_verification=True
    )

    with Peer(world.server(), answer(REFUNDED)) as peer, pytest.warns(InsecureConnectionWarning):
        do(peer.endpoint, blind, refund)

    assert len(peer.arrived) == 1


def test_a_certificate_that_the_gateway_refuses_means_not_sent(do: Calls, world: World) -> None:
    others_only = world.server(merchants_ca=trustme.CA())

    with (
        Peer(others_only, answer(REFUNDED)) as peer,
        pytest.raises(NotSent, match="unknown ca"),
    ):
        do(peer.endpoint, world.credentials, refund)

    assert peer.arrived == []


def test_a_gateway_on_this_machine_is_not_asked_by_proxy(
    do: Calls, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    with Peer(world.server(), answer(REFUNDED)) as peer:
        do(peer.endpoint, world.credentials, refund)

    assert len(peer.arrived) == 1
