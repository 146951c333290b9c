"""Every fault of the Exec listener and of the merchant's server, over real HTTP servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import structlog
from starlette.types import Receive, Scope, Send
from structlog.testing import LogCapture
from tests.authorities import authority, served

from tkkpg.client import AsyncClient, Credentials, Endpoint, OutcomeUnknown
from tkkpg.gateway.notify.base import Delivery
from tkkpg.gateway.notify.http import HttpCourier
from tkkpg.gateway.server import Listener, Servers, exec_tls
from tkkpg.protocol.values import AZN, Amount, OrderRef
from tkkpg.sandbox.faults import FAULTS, Dice, Fault, HttpFaults, Place

pytestmark = pytest.mark.anyio

BODY = b"<TKKPG><Response><Operation>Refund</Operation><Status>00</Status></Response></TKKPG>"
DEADLINE_S = 10.0
SHORT_S = 0.05


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"], scope="session")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@dataclass
class Application:
    """Answers one document, and counts how often it has worked."""

    worked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.worked += 1
        length = (b"content-length", b"%d" % len(BODY))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": BODY})


@dataclass
class Server:
    """An application with faults behind a real listener."""

    port: int
    app: Application

    async def ask(self, path: str = "/Exec") -> bytes:
        """Send a request and give all that comes back.

        Raises:
            ConnectionResetError: The connection was reset.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
            + b"Content-Length: 5\r\n\r\nhello"
        )
        try:
            return await asyncio.wait_for(reader.read(), DEADLINE_S)
        finally:
            writer.close()


@asynccontextmanager
async def server(
    place: Place,
    *names: str,
    path: str | None = None,
    latency_s: float = SHORT_S,
    silence_s: float = SHORT_S,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    """Serve an application whose first requests meet these faults, one each."""
    app = Application()
    dice = Dice(1, {})
    for name in names:
        dice.trigger(name)
    faulty = HttpFaults(app, dice, place, path=path, latency_s=latency_s, silence_s=silence_s)
    log = structlog.wrap_logger(None, processors=[LogCapture()])
    async with Servers([Listener("exec", faulty, "127.0.0.1", 0, tls)], log=log) as servers:
        yield Server(servers.port("exec"), app)


@pytest.fixture(autouse=True)
def nothing_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The server takes no fault for a failure of the application."""
    yield
    assert caplog.records == []


async def test_without_a_fault_the_answer_comes() -> None:
    async with server(Place.EXEC) as exec_:
        answer = await exec_.ask()

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(BODY)


@pytest.mark.parametrize("place", [Place.EXEC, Place.NOTIFICATION])
async def test_after_a_fault_the_next_request_is_answered(place: Place) -> None:
    for fault in FAULTS:
        if fault.place is place:
            async with server(place, fault.name) as exec_:
                try:
                    first = await exec_.ask()
                except ConnectionResetError:
                    first = b""
                second = await exec_.ask()

            assert second.endswith(BODY), fault.name
            assert first != second or fault.name.endswith("latency")


async def test_latency_delays_one_answer_and_no_other() -> None:
    async with server(Place.EXEC, "exec-latency", latency_s=2 * DEADLINE_S) as exec_:
        slow = asyncio.create_task(exec_.ask())
        while not exec_.app.worked:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.001)

        assert (await exec_.ask()).endswith(BODY)
        assert not slow.done()
        slow.cancel()


async def test_an_answer_that_was_delayed_is_whole() -> None:
    async with server(Place.EXEC, "exec-latency") as exec_:
        assert (await exec_.ask()).endswith(BODY)
        assert exec_.app.worked == 1


@pytest.mark.parametrize(("name", "worked"), [("exec-silence", 1), ("exec-lost-request", 0)])
async def test_a_request_without_an_answer_is_held_and_then_reset(name: str, worked: int) -> None:
    async with server(Place.EXEC, name) as exec_:
        with pytest.raises(ConnectionResetError):
            await exec_.ask()

        assert exec_.app.worked == worked


@pytest.mark.parametrize("name", ["exec-silence", "exec-lost-request"])
async def test_a_client_that_gives_up_ends_the_silence(name: str) -> None:
    async with server(Place.EXEC, name, silence_s=DEADLINE_S) as exec_:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SHORT_S):
                await exec_.ask()
        # leaving waits for requests that are under way: it would take as long as the silence


async def test_a_reset_is_one_after_the_work_was_done() -> None:
    async with server(Place.EXEC, "exec-reset") as exec_:
        with pytest.raises(ConnectionResetError):
            await exec_.ask()

        assert exec_.app.worked == 1


async def test_a_blocking_client_sees_the_reset_too() -> None:
    async with server(Place.EXEC, "exec-reset") as exec_:
        port = exec_.port

        def ask() -> bytes:
            with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as connection:
                connection.sendall(b"GET /Exec HTTP/1.1\r\nHost: x\r\n\r\n")
                return connection.recv(1)

        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(ask)


async def test_garbage_takes_the_place_of_the_document() -> None:
    async with server(Place.EXEC, "exec-garbage") as exec_:
        head, _, body = (await exec_.ask()).partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 200")
        assert body.startswith(b"\xff")
        assert len(body) == len(BODY)
        assert exec_.app.worked == 1


async def test_of_a_truncated_answer_half_comes() -> None:
    async with server(Place.EXEC, "exec-truncated") as exec_:
        head, _, body = (await exec_.ask()).partition(b"\r\n\r\n")

        assert b"content-length: %d" % len(BODY) in head
        assert body == BODY[: len(BODY) // 2]
        assert exec_.app.worked == 1


async def test_only_the_path_that_is_named_meets_faults() -> None:
    async with server(Place.NOTIFICATION, "notification-refusal", path="/notify") as shop:
        assert (await shop.ask("/pay")).startswith(b"HTTP/1.1 200")
        assert (await shop.ask("/notify")).startswith(b"HTTP/1.1 500")


@pytest.mark.parametrize(
    ("name", "worked", "sentence"),
    [
        ("notification-latency", 1, "Delivered: the reply was 200."),
        ("notification-silence", 1, "broke before the reply was complete"),
        ("notification-reset", 1, "broke before the reply was complete"),
        ("notification-refusal", 0, "Not delivered: the reply was 500."),
        ("notification-garbage", 1, "is not a complete HTTP reply"),
    ],
)
async def test_the_courier_meets_every_fault_of_the_merchants_server(
    name: str, worked: int, sentence: str
) -> None:
    courier = HttpCourier(allow_loopback=True, user_agent="tkkpg/test")
    async with server(Place.NOTIFICATION, name, path="/notify") as shop:
        url = f"http://127.0.0.1:{shop.port}/notify"
        result = await courier.deliver(Delivery(url=url, form={"xmlmsg": "x"}, delivery_id="1"))

        assert sentence in result.detail
        assert result.delivered is (name == "notification-latency")
        assert shop.app.worked == worked


async def test_a_courier_without_patience_gives_a_silent_server_up() -> None:
    courier = HttpCourier(allow_loopback=True, user_agent="tkkpg/test", deadline_s=2 * SHORT_S)
    async with server(Place.NOTIFICATION, "notification-silence", silence_s=DEADLINE_S) as shop:
        url = f"http://127.0.0.1:{shop.port}/notify"
        result = await courier.deliver(Delivery(url=url, form={"xmlmsg": "x"}, delivery_id="1"))

        assert result.detail == "No complete reply came within 0.1 s."
        assert shop.app.worked == 1


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.place is Place.EXEC])
async def test_to_the_merchants_kit_a_broken_answer_is_an_unknown_outcome(
    fault: Fault,
) -> None:
    merchant = authority().merchant_certificate("E1000010", datetime.now(UTC))
    tls = exec_tls(authority().merchants_ca, *(one.pair for one in served()))
    ref, amount = OrderRef(1, "A" * 32), Amount.of("1.00", AZN)
    async with server(Place.EXEC, fault.name, tls=tls) as exec_:
        url = f"https://localhost:{exec_.port}/Exec"
        credentials = Credentials(merchant.certificate, merchant.key, ca=authority().servers_ca)
        async with AsyncClient(Endpoint(url, url), credentials, merchant_id="E1000010") as client:
            if fault.name != "exec-latency":
                with pytest.raises(OutcomeUnknown):
                    await client.refund(ref, amount=amount)
            await client.refund(ref, amount=amount)
