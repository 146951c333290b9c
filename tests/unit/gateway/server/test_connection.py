"""One HTTP connection: what it tells the app, what it forgives and where it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger
from tests.unit.gateway.server.peers import (
    GET,
    App,
    Certificates,
    ask,
    connect,
    hear,
    say,
    trusting,
    until,
)

from tkkpg.gateway.server import Listener, Servers, connection

pytestmark = pytest.mark.anyio
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\n"


@pytest.fixture
def shop(app: App) -> Listener:
    return Listener("shop", app, "127.0.0.1", 0)


async def test_a_browser_without_a_certificate_is_nobody(
    app: App, certificates: Certificates, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    page = Listener("page", app, "127.0.0.1", 0, certificates.for_page())
    async with Servers([page], log=log) as servers:
        heard = await asyncio.to_thread(ask, servers.port("page"), trusting(certificates.ca))
    assert heard.body == b"nobody"
    assert capture.entries == []


async def test_an_answer_has_a_date_and_does_not_name_the_software(
    shop: Listener, log: FilteringBoundLogger
) -> None:
    async with Servers([shop], log=log) as servers:
        answer = await asyncio.to_thread(say, servers.port("shop"), GET)
    head = answer.lower()
    assert b"\r\ndate: " in head
    assert b"\r\nserver:" not in head


async def test_http_1_0_with_a_body_is_answered_and_closed(
    shop: Listener, log: FilteringBoundLogger
) -> None:
    request = b"POST /Exec HTTP/1.0\r\nContent-Length: 4\r\n\r\n<a/>"
    async with Servers([shop], log=log) as servers:
        answer = await asyncio.to_thread(say, servers.port("shop"), request)
    assert answer.endswith(b"connection: close\r\n\r\nnobody")


async def test_a_connection_serves_many_requests(shop: Listener, log: FilteringBoundLogger) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n<a/>"
    async with Servers([shop], log=log) as servers:
        with connect(servers.port("shop")) as peer:
            for _ in range(3):
                peer.sendall(request)
                answer = await asyncio.to_thread(hear, peer, b"nobody")
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_pipelined_requests_are_answered_in_turn(
    shop: Listener, log: FilteringBoundLogger
) -> None:
    more = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n\r\n" + b"a" * 40_000
    async with Servers([shop], log=log) as servers:
        answer = await asyncio.to_thread(say, servers.port("shop"), more + more + GET)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3


async def test_a_body_that_nobody_wants_is_thrown_away_and_the_answer_arrives(
    shop: Listener, log: FilteringBoundLogger
) -> None:
    request = b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7000000\r\n\r\n"
    async with Servers([shop], log=log) as servers:
        answer = await asyncio.to_thread(say, servers.port("shop"), request, b"a" * 7_000_000, GET)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


async def test_a_request_says_for_whom_it_is_and_where_its_body_ends(
    shop: Listener, log: FilteringBoundLogger
) -> None:
    post, chunk = b"POST / HTTP/1.1\r\nHost: x\r\n", b"4\r\n<a/>\r\n0\r\n\r\n"
    refused = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        post + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk,
        post + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
        post + b"Transfer-Encoding: gzip\r\n\r\n" + chunk,
        post + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunk,
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
    ]
    taken = [
        GET.replace(b"Host: localhost", b"HOST:"),
        post + b"Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunk,
        post + b"Connection: close\r\nTE: gzip, trailers\r\nContent-Length: 4\r\n\r\n<a/>",
        b"GET / HTTP/1.0\r\n\r\n",
    ]
    async with Servers([shop], log=log) as servers:
        port = servers.port("shop")
        for request in refused:
            answer = await asyncio.to_thread(say, port, request)
            assert answer.startswith(BAD_REQUEST), request
            assert b"200 OK" not in answer
        for request in taken:
            answer = await asyncio.to_thread(say, port, request)
            assert b" 200 OK\r\n" in answer, request


@pytest.mark.parametrize(
    ("make", "accepted"),
    [
        (lambda size: b"GET /?" + b"a" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n", 32_000),
        (lambda size: b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * size + b"\r\n\r\n", 32_000),
        (
            lambda size: b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * (size // 2) + b"\r\n",
            10_000,
        ),
    ],
    ids=["address", "one header", "many headers"],
)
async def test_a_head_that_is_too_large_is_refused(
    shop: Listener,
    log: FilteringBoundLogger,
    make: Callable[[int], bytes],
    accepted: int,
) -> None:
    def close(head: bytes) -> bytes:
        return head.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n")

    async with Servers([shop], log=log) as servers:
        port = servers.port("shop")
        good = await asyncio.to_thread(say, port, close(make(accepted)))
        assert good.startswith(b"HTTP/1.1 200 OK\r\n")
        bad = await asyncio.to_thread(say, port, make(40_000))
        assert not bad or bad.startswith(BAD_REQUEST)


async def test_a_head_without_an_end_ends_the_connection(
    shop: Listener, log: FilteringBoundLogger, caplog: pytest.LogCaptureFixture
) -> None:
    endless = b"a" * 1000
    async with Servers([shop], log=log) as servers:
        answer = await asyncio.to_thread(
            say, servers.port("shop"), b"GET / HTTP/1.1\r\nA: ", *([endless] * 100)
        )
    assert answer == b""
    assert [record.getMessage() for record in caplog.records] == [
        "A request is larger than 32768 bytes. Its connection is closed."
    ]


async def test_a_request_without_an_end_ends_the_connection(
    shop: Listener, log: FilteringBoundLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_REQUEST_BYTES", 1_000_000)
    head = b"POST /early HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailer = b"1\r\na\r\n0\r\nA: "
    async with Servers([shop], log=log) as servers:
        answer = await asyncio.to_thread(
            say, servers.port("shop"), head, trailer, *([b"a" * 100_000] * 20)
        )
    assert answer.count(b"HTTP/1.1 200 OK\r\n") <= 1


@pytest.mark.parametrize(
    "begun",
    [b"G", b"\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n<a"],
    ids=["head", "nothing yet", "body"],
)
async def test_a_request_that_does_not_arrive_in_time_ends_the_connection(
    shop: Listener,
    log: FilteringBoundLogger,
    begun: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connection, "RECEIVE_S", 0.1)
    async with Servers([shop], log=log) as servers:
        assert await asyncio.to_thread(say, servers.port("shop"), begun) == b""
    assert "was not complete after 0 seconds" in caplog.text


async def test_a_request_in_pieces_has_a_deadline_until_it_is_complete(
    app: App, shop: Listener, log: FilteringBoundLogger
) -> None:
    wait = GET.replace(b"/ ", b"/wait ")
    async with Servers([shop], log=log) as servers:
        with connect(servers.port("shop")) as peer:
            peer.sendall(wait[:10])
            await until(lambda: any(open_._deadline for open_ in servers._connections()))
            peer.sendall(wait[10:])
            await app.asked.wait()
            assert [open_._deadline for open_ in servers._connections()] == [None]
            app.may_answer.set()
            assert await asyncio.to_thread(hear, peer, b"nobody")


async def test_idle_connections_are_closed_quietly_before_and_after_a_request(
    app: App, log: FilteringBoundLogger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shop = Listener("shop", app, "127.0.0.1", 0, keep_alive_s=1)
    request = GET.replace(b"Connection: close\r\n", b"")
    async with Servers([shop], log=log) as servers, asyncio.timeout(5):
        nothing, answer = await asyncio.gather(
            asyncio.to_thread(say, servers.port("shop")),
            asyncio.to_thread(say, servers.port("shop"), request),
        )
    assert nothing == b""
    assert answer.endswith(b"nobody")
    assert caplog.records == []
