"""The courier over HTTP, against real servers on this machine."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET, create_server, socket
from types import MappingProxyType
from urllib.parse import parse_qs

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.http import REPLY_LIMIT_BYTES, HttpCourier, Resolver, resolve

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def saying(reply: bytes) -> Answer:
    """Answer every request with these bytes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()

    return answer


@dataclass
class Shop:
    """A merchant's server: what it was sent, head and body, one entry a request."""

    answer: Answer
    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lengths = (
                int(line.split(":")[1])
                for line in head.lower().splitlines()
                if line.startswith("content-length:")
            )
            length = next(lengths, 0)
            self.heads.append(head)
            self.bodies.append((await reader.readexactly(length)).decode())
            await self.answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the courier hung up, which some of these tests are about
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def shop(
    answer: Answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Shop]:
    """Run a shop on a free port of this machine."""
    it = Shop(answer)
    server = await asyncio.start_server(it.accept, host, 0, ssl=tls)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        for task in it.tasks:
            task.cancel()
        await asyncio.gather(*it.tasks, return_exceptions=True)
        await server.wait_closed()


@dataclass
class Names:
    """A resolver that knows what it is told, one answer a question, and counts the questions."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        self.asked.append(name)
        assert port > 0
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def here() -> Names:
    return Names([["127.0.0.1"]])


async def post(
    url: str,
    *,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = 10.0,
    allow_loopback: bool = True,
    form: Mapping[str, str] = MappingProxyType({"xmlmsg": "<Message/>"}),
) -> DeliveryResult:
    """Deliver one form with a courier of its own, or none."""
    courier = HttpCourier(
        allow_loopback=allow_loopback,
        user_agent="tkkpg/1.2",
        tls=tls,
        resolver=resolver or here(),
        deadline_s=deadline_s,
    )
    try:
        return await courier.deliver(Delivery("d-7", url, form))
    finally:
        await courier.aclose()


@pytest.mark.anyio
async def test_a_form_arrives_whole_under_its_name_and_with_its_id() -> None:
    form = {"xmlmsg": "<a b='1'>ödə+&=</a>", "sign": "a+b/c=="}
    async with shop(saying(OK)) as it:
        result = await post(f"http://shop.example:{it.port}/notify?a=1&b=%20", form=form)
    assert result == DeliveryResult(
        delivered=True, detail="Delivered: the reply was 200.", http_status=200
    )
    head = it.heads[0].lower().split("\r\n")
    assert head[0] == "post /notify?a=1&b=%20 http/1.1"
    assert f"host: shop.example:{it.port}" in head
    assert "user-agent: tkkpg/1.2" in head
    assert "tkkpg-delivery-id: d-7" in head
    assert "content-type: application/x-www-form-urlencoded" in head
    assert not [line for line in head if line.startswith(("cookie", "accept-encoding"))]
    assert parse_qs(it.bodies[0]) == {name: [value] for name, value in form.items()}


@pytest.mark.anyio
async def test_a_shop_on_ipv6_is_reached_and_addressed_in_brackets() -> None:
    async with shop(saying(OK), host="::1") as it:
        result = await post(f"http://[::1]:{it.port}/", resolver=Names([["::1"]]))
    assert result.delivered
    assert f"host: [::1]:{it.port}" in it.heads[0].lower()


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_status_of_two_hundred_is_delivered(status: int) -> None:
    async with shop(saying(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())) as it:
        result = await post(f"http://shop.example:{it.port}/")
    assert (result.delivered, result.http_status) == (True, status)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [304, 400, 404, 429, 500, 503])
async def test_any_other_status_is_not_delivered(status: int) -> None:
    async with shop(saying(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())) as it:
        result = await post(f"http://shop.example:{it.port}/")
    assert (result.delivered, result.http_status) == (False, status)
    assert str(status) in result.detail


@pytest.mark.anyio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_says_what_to_do(status: int) -> None:
    async with shop(saying(OK)) as trap:
        location = f"http://127.0.0.1:{trap.port}/"
        reply = f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        async with shop(saying(reply.encode())) as it:
            result = await post(f"http://shop.example:{it.port}/")
    assert (result.delivered, result.http_status) == (False, status)
    assert "redirects are not followed" in result.detail
    assert trap.connections == 0


@pytest.mark.anyio
async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(saying(OK)) as proxy, shop(saying(OK)) as it:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        result = await post(f"http://shop.example:{it.port}/")
    assert result.delivered
    assert (proxy.connections, it.connections) == (0, 1)


# ---------------------------------------------------------------- time and size


async def nothing(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(30)
    writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Answer one byte at a time, for ever: no single read is slow."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [nothing, drip])
async def test_one_deadline_ends_a_silent_and_a_dripping_shop(answer: Answer) -> None:
    loop = asyncio.get_running_loop()
    async with shop(answer) as it:
        began = loop.time()
        result = await post(f"http://shop.example:{it.port}/", deadline_s=0.1)
        took_s = loop.time() - began
    assert result == DeliveryResult(
        delivered=False, detail="No complete reply came within 0.1 s.", http_status=None
    )
    assert took_s < 2


@pytest.mark.anyio
async def test_the_deadline_covers_a_resolver_that_hangs() -> None:
    async def hang(_name: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(30)
        return []

    result = await post("http://shop.example/", resolver=hang, deadline_s=0.05)
    assert result.detail == "No complete reply came within 0.05 s."


@pytest.mark.anyio
async def test_a_handshake_that_hangs_meets_the_deadline(ca: trustme.CA) -> None:
    async with shop(nothing) as it:  # speaks no TLS, and waits for a line that never comes
        result = await post(f"https://shop.example:{it.port}/", tls=trusting(ca), deadline_s=0.1)
    assert not result.delivered
    assert "0.1 s" in result.detail


@pytest.mark.anyio
async def test_a_cancelled_delivery_stays_cancelled() -> None:
    arrived = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await nothing(writer)

    async with shop(answer) as it:
        task = asyncio.create_task(post(f"http://shop.example:{it.port}/"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.anyio
@pytest.mark.parametrize("framing", [b"", b"Content-Length: 999999999\r\n"])
async def test_a_huge_reply_is_cut_and_counts_as_delivered(framing: bytes) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
        while True:
            writer.write(bytes(REPLY_LIMIT_BYTES))
            await writer.drain()
            sent += REPLY_LIMIT_BYTES

    async with shop(flood) as it:
        result = await post(f"http://shop.example:{it.port}/")
    assert (result.delivered, result.http_status) == (True, 200)
    assert sent < 64 * 1024 * 1024  # what the system's buffers take, and no more


@pytest.mark.anyio
async def test_endless_headers_are_not_read_for_ever() -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    async with shop(flood) as it:
        result = await post(f"http://shop.example:{it.port}/")
    assert not result.delivered


# ---------------------------------------------------------------- broken peers


async def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.anyio
async def test_a_reset_is_not_delivered() -> None:
    async with shop(reset) as it:
        result = await post(f"http://shop.example:{it.port}/")
    assert (result.delivered, result.http_status) == (False, None)
    assert result.detail == (
        f"The connection to shop.example, port {it.port} broke before the reply was complete."
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"220 mail.example ESMTP 4169733213495869\r\n",
        b"HTTP/1.1 999999 ?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nNo colon",
    ],
)
async def test_a_reply_that_is_garbage_or_breaks_off_is_not_delivered(reply: bytes) -> None:
    async with shop(saying(reply)) as it:
        result = await post(f"http://shop.example:{it.port}/")
    assert (result.delivered, result.http_status) == (False, None)
    assert result.detail == (
        f"What shop.example, port {it.port} answered is not a complete HTTP reply."
    )


@pytest.mark.anyio
async def test_a_closed_port_is_not_delivered() -> None:
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    result = await post(f"http://shop.example:{port}/")
    assert result.detail == f"No connection to shop.example, port {port}."


@pytest.mark.anyio
async def test_a_dead_address_does_not_hide_a_living_one() -> None:
    async with shop(saying(OK)) as it:
        result = await post(
            f"http://shop.example:{it.port}/", resolver=Names([["127.0.0.2", "127.0.0.1"]])
        )
    assert result.delivered
    assert it.connections == 1


@pytest.mark.anyio
async def test_a_delivery_id_that_fits_no_header_sends_nothing() -> None:
    courier = HttpCourier(allow_loopback=True, user_agent="tkkpg/1.2", resolver=here())
    async with shop(saying(OK)) as it:
        url = f"http://shop.example:{it.port}/"
        result = await courier.deliver(Delivery("d-7\r\nX: y", url, {}))
    assert result.detail == "Nothing was sent: the delivery id does not fit a header."
    assert it.heads == []


@pytest.mark.anyio
async def test_a_name_with_many_dead_addresses_is_given_up() -> None:
    addresses = [f"127.0.0.{last}" for last in (2, 3, 4, 5, 1)]
    async with shop(saying(OK)) as it:
        result = await post(f"http://shop.example:{it.port}/", resolver=Names([addresses]))
    assert result.detail == f"No connection to shop.example, port {it.port}."
    assert it.connections == 0


# ---------------------------------------------------------------- names and addresses


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("addresses", "what"),
    [
        (["10.1.2.3"], "private"),
        (["8.8.8.8", "192.168.0.1"], "private"),
        (["169.254.169.254"], "link-local"),
        (["::ffff:169.254.169.254"], "link-local"),
        (["fd00:ec2::254"], "private"),
        (["127.0.0.1"], "loopback"),
        (["2606:4700::1111", "::1"], "loopback"),
    ],
)
async def test_a_name_with_any_address_that_is_not_public_is_refused(
    addresses: Sequence[str], what: str
) -> None:
    result = await post("http://shop.example/", resolver=Names([addresses]), allow_loopback=False)
    assert (result.delivered, result.http_status) == (False, None)
    assert result.detail.startswith(f"Refused: shop.example leads to a {what} address")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "[::1]"],
)
async def test_no_spelling_of_this_machine_passes_the_systems_resolver(host: str) -> None:
    courier = HttpCourier(allow_loopback=False, user_agent="tkkpg/1.2")
    async with shop(saying(OK)) as it:
        result = await courier.deliver(Delivery("d-7", f"http://{host}:{it.port}/", {}))
    await courier.aclose()
    assert not result.delivered
    assert it.connections == 0


@pytest.mark.anyio
async def test_a_name_that_changes_its_address_is_asked_once_and_pinned() -> None:
    rebinding = Names([["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]])
    async with shop(saying(OK)) as it:
        result = await post(f"http://rebind.example:{it.port}/", resolver=rebinding)
    assert result.delivered
    assert rebinding.asked == ["rebind.example"]


@pytest.mark.anyio
async def test_a_name_that_is_not_found_is_not_delivered() -> None:
    async def unknown(_name: str, _port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    result = await post("http://nowhere.example/", resolver=unknown)
    assert result.detail == "The name nowhere.example was not found."


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["a..example", "a" * 64 + ".example", "."])
async def test_a_name_that_cannot_exist_is_not_found_by_the_systems_resolver(name: str) -> None:
    result = await post(f"http://{name}/", resolver=resolve)
    assert result.detail == f"The name {name} was not found."


@pytest.mark.anyio
async def test_a_name_without_an_address_is_not_delivered() -> None:
    result = await post("http://empty.example/", resolver=Names([[]]))
    assert result.detail == "The name empty.example has no address."


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/notify",
        "//shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "javascript:alert(1)",
        "http:///path",
        "https://",
        "http://user@shop.example/",
        "http://user:secret@shop.example/",
        "http://:secret@shop.example/",
        "http://shop.example:0/",
        "http://shop.example:65536/",
        "http://shop.example:http/",
        "http://shop.example/\r\nX: y",
    ],
)
async def test_a_url_that_is_no_plain_web_address_is_refused_unasked(url: str) -> None:
    names = here()
    result = await post(url, resolver=names)
    assert result.detail.startswith("Refused: the URL ")
    assert "secret" not in result.detail
    assert names.asked == []


@given(
    st.one_of(
        st.text(max_size=40),
        st.builds("http://{}:1/{}".format, st.text(max_size=80), st.text(max_size=20)),
        st.builds("https://{}".format, st.from_regex(r"[a-z0-9.\[\]:%@_-]{1,70}")),
    )
)
def test_no_url_whatever_makes_the_courier_raise(url: str) -> None:
    result = asyncio.run(post(url, resolver=Names([["127.0.0.3"]]), deadline_s=2.0))
    assert not result.delivered


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def certified(ca: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.anyio
async def test_over_tls_the_name_is_shown_and_verified_not_the_address(ca: trustme.CA) -> None:
    shown: list[str | None] = []
    server = certified(ca, "shop.example")
    server.sni_callback = lambda _ssl, name, _context: shown.append(name)
    async with shop(saying(OK), tls=server) as it:
        result = await post(f"https://shop.example:{it.port}/", tls=trusting(ca))
    assert result.delivered
    assert shown == ["shop.example"]


@pytest.mark.anyio
@pytest.mark.parametrize("names", [("other.example",), ("127.0.0.1",)])
async def test_a_certificate_of_another_name_or_of_the_address_is_refused(
    ca: trustme.CA, names: tuple[str, ...]
) -> None:
    async with shop(saying(OK), tls=certified(ca, *names)) as it:
        result = await post(f"https://shop.example:{it.port}/", tls=trusting(ca))
    assert (result.delivered, result.http_status) == (False, None)
    assert result.detail == (
        f"The certificate of shop.example, port {it.port} was not accepted:"
        " Hostname mismatch, certificate is not valid for 'shop.example'."
    )
    assert it.heads == []


@pytest.mark.anyio
async def test_an_address_in_the_url_is_verified_as_an_address(ca: trustme.CA) -> None:
    async with shop(saying(OK), tls=certified(ca, "127.0.0.1")) as it:
        result = await post(f"https://127.0.0.1:{it.port}/", tls=trusting(ca))
    assert result.delivered


@pytest.mark.anyio
async def test_without_a_context_the_systems_authorities_decide(ca: trustme.CA) -> None:
    async with shop(saying(OK), tls=certified(ca, "shop.example")) as it:
        result = await post(f"https://shop.example:{it.port}/")
    assert not result.delivered
    assert "was not accepted" in result.detail
    assert it.heads == []


def refuse_with_an_alert(listening: socket, tls: ssl.SSLContext) -> None:
    """Fail one handshake the way OpenSSL does by itself, and wait until the client has gone."""
    accepted, _ = listening.accept()
    encrypted = tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
    with suppress(ssl.SSLError):
        encrypted.do_handshake()
    with socket(fileno=encrypted.detach()) as plain:
        while plain.recv(4096):
            pass


@pytest.mark.anyio
async def test_an_alert_after_our_handshake_is_not_delivered(ca: trustme.CA) -> None:
    server = certified(ca, "shop.example")
    server.verify_mode = ssl.CERT_REQUIRED  # TLS 1.3 asks for our certificate, then refuses none
    with create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        refusing = asyncio.create_task(asyncio.to_thread(refuse_with_an_alert, listening, server))
        result = await post(f"https://shop.example:{port}/", tls=trusting(ca))
        await refusing
    assert (result.delivered, result.http_status) == (False, None)
    assert result.detail == (
        f"The connection to shop.example, port {port} broke before the reply was complete."
    )


@pytest.mark.anyio
async def test_a_shop_that_speaks_no_tls_is_not_delivered(ca: trustme.CA) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        result = await post(f"https://shop.example:{port}/", tls=trusting(ca))
    assert result.detail == f"No TLS connection to shop.example, port {port}."


@pytest.mark.anyio
async def test_a_second_name_on_one_address_is_verified_for_itself(ca: trustme.CA) -> None:
    courier = HttpCourier(
        allow_loopback=True, user_agent="tkkpg/1.2", tls=trusting(ca), resolver=here()
    )
    async with shop(saying(OK), tls=certified(ca, "one.example")) as it:
        first, second = [
            await courier.deliver(Delivery("d-7", f"https://{name}:{it.port}/", {}))
            for name in ("one.example", "two.example")
        ]
    await courier.aclose()
    assert first.delivered
    assert not second.delivered
    assert len(it.heads) == 1


@pytest.mark.anyio
async def test_what_has_no_form_is_asked_for_by_its_address_alone() -> None:
    async with shop(saying(OK)) as it:
        result = await post(f"http://shop.example:{it.port}/s?Status=APPROVED&a=%20", form={})
    assert result.delivered
    head = it.heads[0].lower().split("\r\n")
    assert head[0] == "get /s?status=approved&a=%20 http/1.1"
    assert "tkkpg-delivery-id: d-7" in head
    assert not [line for line in head if line.startswith(("content-", "transfer-"))]
    assert it.bodies == [""]
