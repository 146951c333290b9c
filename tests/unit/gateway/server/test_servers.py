"""All listeners together: bound as one, drained as one."""

from __future__ import annotations

import asyncio
import socket
import ssl

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
    open_files,
    say,
    trusting,
    until,
)

from tkkpg.gateway.server import Listener, Servers
from tkkpg.protocol.errors import ConfigurationError

pytestmark = pytest.mark.anyio
WAIT = GET.replace(b"/ ", b"/wait ")


def connect_tls(port: int, certificates: Certificates) -> ssl.SSLSocket:
    return trusting(certificates.ca).wrap_socket(connect(port), server_hostname="localhost")


async def test_several_listeners_serve_side_by_side(
    app: App, certificates: Certificates, log: FilteringBoundLogger
) -> None:
    listeners = [
        Listener("exec", app, "127.0.0.1", 0, certificates.for_exec()),
        Listener("page", app, "127.0.0.1", 0, certificates.for_page()),
        Listener("shop", app, "127.0.0.1", 0),
    ]
    merchant = trusting(certificates.ca, certificates.good)
    async with Servers(listeners, log=log) as servers:
        heard = await asyncio.gather(
            asyncio.to_thread(ask, servers.port("exec"), merchant),
            asyncio.to_thread(ask, servers.port("page"), trusting(certificates.ca)),
            asyncio.to_thread(say, servers.port("shop"), GET),
        )
    assert heard[0].body.decode() == certificates.good.fingerprint
    assert heard[1].body == b"nobody"
    assert heard[2].endswith(b"nobody")


async def test_a_busy_port_is_refused_and_the_other_ports_are_let_go(
    app: App, log: FilteringBoundLogger
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as busy,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        free = other.getsockname()[1]
        other.close()
        servers = Servers(
            [
                Listener("exec", app, "127.0.0.1", free),
                Listener("page", app, "127.0.0.1", busy.getsockname()[1]),
            ],
            log=log,
        )
        with pytest.raises(ConfigurationError, match=r"\(--page-port\) is in use"):
            await servers.__aenter__()
        with socket.create_server(("127.0.0.1", free)) as bound:
            assert bound.getsockname()[1] == free


async def test_leaving_lets_a_running_request_finish_and_takes_no_new_one(
    app: App, certificates: Certificates, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    page = Listener("page", app, "127.0.0.1", 0, certificates.for_page())
    servers = Servers([page], log=log)
    await servers.__aenter__()
    port = servers.port("page")
    with await asyncio.to_thread(connect_tls, port, certificates) as peer:
        peer.sendall(WAIT.replace(b"Connection: close\r\n", b""))
        await app.asked.wait()
        leaving = asyncio.create_task(servers.__aexit__(None, None, None))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            connect(port)
        assert not leaving.done()
        app.may_answer.set()
        assert b"connection: close" in await asyncio.to_thread(hear, peer, b"nobody")
        await leaving
    assert capture.entries == []


async def test_leaving_does_not_wait_for_idle_connections(
    app: App, certificates: Certificates, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    page = Listener("page", app, "127.0.0.1", 0, certificates.for_page())
    servers = Servers([page], log=log)
    await servers.__aenter__()
    with await asyncio.to_thread(connect_tls, servers.port("page"), certificates):
        async with asyncio.timeout(5):
            await servers.__aexit__(None, None, None)
    assert capture.entries == []


async def test_requests_that_do_not_finish_are_cut_short_and_said_so(
    app: App, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    tasks, files = asyncio.all_tasks(), []
    for _ in range(2):  # the first time, the loop opens a file for itself
        shop = Listener("shop", app, "127.0.0.1", 0)
        async with Servers([shop], log=log, drain_s=0.05) as servers:
            answer = asyncio.create_task(asyncio.to_thread(say, servers.port("shop"), WAIT))
            await app.asked.wait()
        assert not (await answer).endswith(b"nobody")
        files.append(open_files())
        app.asked.clear()
    assert files[0] == files[1]
    assert asyncio.all_tasks() == tasks
    assert [(entry["event"], entry["requests"]) for entry in capture.entries] == [
        ("drain_cut_short", 1),
        ("drain_cut_short", 1),
    ]


async def test_leaving_because_of_an_error_drains_too(app: App, log: FilteringBoundLogger) -> None:
    servers = Servers([Listener("shop", app, "127.0.0.1", 0)], log=log)
    ports: list[int] = []

    async def fail() -> None:
        async with servers:
            ports.append(servers.port("shop"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with pytest.raises(ConnectionRefusedError):
        connect(ports[0])


async def test_the_date_is_renewed(
    app: App, log: FilteringBoundLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates = iter([f"day {number}" for number in range(1000)])
    monkeypatch.setattr("tkkpg.gateway.server.servers.formatdate", lambda usegmt: next(dates))
    monkeypatch.setattr("tkkpg.gateway.server.servers.DATE_S", 0.01)
    async with Servers([Listener("shop", app, "127.0.0.1", 0)], log=log) as servers:
        first = await asyncio.to_thread(say, servers.port("shop"), GET)
        listening = servers._listening["shop"]
        date = listening.state.default_headers
        await until(lambda: listening.state.default_headers != date)
        second = await asyncio.to_thread(say, servers.port("shop"), GET)
    assert b"date: day" in first
    assert first != second
