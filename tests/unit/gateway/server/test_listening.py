"""One listening socket: handshakes that succeed, fail, stall and are too many."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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

from tkkpg.gateway.server import Listener, Servers, listening
from tkkpg.gateway.server.listening import Listening
from tkkpg.protocol.errors import ConfigurationError

pytestmark = pytest.mark.anyio
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def exec_listener(app: App, certificates: Certificates) -> Listener:
    return Listener("exec", app, "127.0.0.1", 0, certificates.for_exec())


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_merchant_gets_in_and_the_app_sees_the_fingerprint(
    exec_listener: Listener,
    certificates: Certificates,
    version: ssl.TLSVersion,
    log: FilteringBoundLogger,
    capture: LogCapture,
) -> None:
    tls = trusting(certificates.ca, certificates.good, version)
    async with Servers([exec_listener], log=log) as servers:
        heard = await asyncio.to_thread(ask, servers.port("exec"), tls)
    assert heard.data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.body.decode() == certificates.good.fingerprint
    assert capture.entries == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_resumed_session_still_gives_the_fingerprint(
    exec_listener: Listener,
    certificates: Certificates,
    version: ssl.TLSVersion,
    log: FilteringBoundLogger,
) -> None:
    tls = trusting(certificates.ca, certificates.good, version)
    async with Servers([exec_listener], log=log) as servers:
        first = await asyncio.to_thread(ask, servers.port("exec"), tls)
        second = await asyncio.to_thread(ask, servers.port("exec"), tls, first.session)
    assert (first.reused, second.reused) == (False, True)
    assert second.body.decode() == certificates.good.fingerprint


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ("nothing", "peer did not return a certificate"),
        ("strange", "certificate verify failed: unable to get local issuer certificate"),
        ("expired", "certificate verify failed: certificate has expired"),
        ("for_servers", "certificate verify failed: uns"),  # unsuitable or unsupported purpose
    ],
)
async def test_a_refused_merchant_gets_no_http_and_leaves_one_line_with_the_reason(
    *,
    exec_listener: Listener,
    certificates: Certificates,
    version: ssl.TLSVersion,
    own: str,
    reason: str,
    log: FilteringBoundLogger,
    capture: LogCapture,
) -> None:
    tls = trusting(certificates.ca, getattr(certificates, own, None), version)
    async with Servers([exec_listener], log=log) as servers:
        heard = await asyncio.to_thread(ask, servers.port("exec"), tls)
        await until(lambda: bool(capture.entries))
    assert heard.data == b""
    (entry,) = capture.entries
    assert entry["event"] == "handshake_failed"
    assert entry["log_level"] == "warning"
    assert entry["listener"] == "exec"
    assert entry["address"] == "127.0.0.1"
    assert entry["peer_port"] > 0
    assert entry["reason"].startswith(reason)


async def test_a_peer_that_does_not_trust_us_is_logged_with_its_alert(
    exec_listener: Listener,
    certificates: Certificates,
    log: FilteringBoundLogger,
    capture: LogCapture,
) -> None:
    tls = trusting(certificates.merchants_ca, certificates.good)
    async with Servers([exec_listener], log=log) as servers:
        await asyncio.to_thread(ask, servers.port("exec"), tls)
        await until(lambda: bool(capture.entries))
    assert [entry["reason"] for entry in capture.entries] == ["tlsv1 alert unknown ca"]


async def test_plain_http_to_a_tls_port_is_logged_as_such(
    exec_listener: Listener, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    async with Servers([exec_listener], log=log) as servers:
        with connect(servers.port("exec")) as peer:
            peer.sendall(GET)
            assert await asyncio.to_thread(peer.recv, 100) == b""
    assert [entry["reason"] for entry in capture.entries] == ["http request"]


async def test_a_peer_that_leaves_during_the_handshake_is_logged(
    exec_listener: Listener, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    async with Servers([exec_listener], log=log) as servers:
        connect(servers.port("exec")).close()
        await until(lambda: bool(capture.entries))
    assert [entry["reason"] for entry in capture.entries] == [
        "the peer closed the connection during the handshake"
    ]


async def test_a_silent_peer_is_dropped_when_its_time_is_up(
    exec_listener: Listener,
    log: FilteringBoundLogger,
    capture: LogCapture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "HANDSHAKE_S", 0.1)
    async with Servers([exec_listener], log=log) as servers:
        with connect(servers.port("exec")) as peer:
            assert await asyncio.to_thread(peer.recv, 100) == b""
    assert [entry["event"] for entry in capture.entries] == ["handshake_failed"]
    assert capture.entries[0]["reason"] == "no ClientHello came within 0.1 seconds"


async def test_a_handshake_that_stops_is_dropped_when_its_time_is_up(
    exec_listener: Listener,
    log: FilteringBoundLogger,
    capture: LogCapture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "HANDSHAKE_S", 0.1)
    async with Servers([exec_listener], log=log) as servers:
        with connect(servers.port("exec")) as peer:
            peer.sendall(client_hello())
            await asyncio.to_thread(until_closed, peer)
    assert [entry["event"] for entry in capture.entries] == ["handshake_failed"]
    assert "handshake is taking longer than 0.1 seconds" in capture.entries[0]["reason"]


async def test_a_client_hello_in_pieces_begins_a_handshake_when_it_is_whole(
    exec_listener: Listener, certificates: Certificates, log: FilteringBoundLogger
) -> None:
    tls = trusting(certificates.ca, certificates.good)
    begun: list[int] = []
    async with Servers([exec_listener], log=log) as servers:
        listener = servers._listening["exec"]
        reader, writer = await asyncio.open_connection(sock=connect(servers.port("exec")), ssl=None)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = outgoing.read()
        for piece in (hello[:3], hello[3:5], hello[5:-1], hello[-1:]):
            begun.append(len(listener.tasks()))
            writer.write(piece)
            await asyncio.sleep(0.02)
        assert begun == [0, 0, 0, 0]
        assert (await reader.read(5))[0] == 0x16
        writer.close()


def client_hello() -> bytes:
    """Return a whole ClientHello, as a client without trust or certificate sends it."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def until_closed(peer: socket.socket) -> None:
    """Read and throw away until the connection ends."""
    with suppress(OSError):
        while peer.recv(65_536):
            pass


def secretly(tls: ssl.SSLContext, begin: bytes) -> Callable[[int], socket.socket]:
    """Make a peer that completes its handshake and then sends the beginning of something."""

    def peer(port: int) -> socket.socket:
        wrapped = tls.wrap_socket(connect(port), server_hostname="localhost")
        wrapped.sendall(begin)
        return wrapped

    return peer


def openly(begin: bytes) -> Callable[[int], socket.socket]:
    """Make a peer that sends the beginning of something over plain TCP."""

    def peer(port: int) -> socket.socket:
        plain = connect(port)
        plain.sendall(begin)
        return plain

    return peer


async def test_a_newcomer_takes_the_place_of_whoever_kept_us_waiting_longest(
    app: App,
    certificates: Certificates,
    log: FilteringBoundLogger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "places_for_one_listener", lambda: 3)
    strangers, merchants = (trusting(certificates.ca, own) for own in (None, certificates.good))
    hello, half_head = client_hello(), b"GET / HTTP/1.1\r\nHo"
    half_body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n<a"
    served = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    page, exec_ = certificates.for_page(), certificates.for_exec()
    floods: list[tuple[ssl.SSLContext | None, Callable[[int], socket.socket]]] = [
        (tls, kind)
        for tls in (page, exec_)
        for kind in (openly(b""), openly(hello[:4]), openly(hello[:60]), openly(hello))
    ]
    floods += [
        (tls, secretly(own, begin))
        for tls, own in ((page, strangers), (exec_, merchants))
        for begin in (b"", half_head, half_body, served)
    ]
    floods += [(None, openly(begin)) for begin in (b"", half_head, half_body, served)]
    for tls, flooder in floods:
        async with Servers([Listener("any", app, "127.0.0.1", 0, tls)], log=log) as servers:
            port = servers.port("any")
            flood = [await asyncio.to_thread(flooder, port) for _ in range(4)]
            async with asyncio.timeout(3):
                answer = (
                    (await asyncio.to_thread(ask, port, merchants)).data
                    if tls is not None
                    else await asyncio.to_thread(say, port, GET)
                )
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            await asyncio.to_thread(until_closed, flood[0])
            for peer in flood:
                peer.close()


async def test_a_request_under_way_keeps_its_place_and_a_newcomer_beyond_all_gets_503(
    app: App, log: FilteringBoundLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "places_for_one_listener", lambda: 2)
    async with Servers([Listener("shop", app, "127.0.0.1", 0)], log=log) as servers:
        port = servers.port("shop")
        busy = [connect(port) for _ in range(2)]
        for peer in busy:
            peer.sendall(GET.replace(b"/ ", b"/wait "))
        await until(lambda: len(servers._tasks()) == 2)
        assert b" 503 Service Unavailable" in await asyncio.to_thread(say, port, GET)
        app.may_answer.set()
        for peer in busy:
            assert await asyncio.to_thread(hear, peer, b"nobody")
            peer.close()
        assert b" 200 OK" in await asyncio.to_thread(say, port, GET)


async def test_lost_places_are_said_in_one_line(
    app: App, log: FilteringBoundLogger, capture: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "places_for_one_listener", lambda: 1)
    monkeypatch.setattr(listening, "LOST_SAID_S", 0.05)
    async with Servers([Listener("shop", app, "127.0.0.1", 0)], log=log) as servers:
        peers = [connect(servers.port("shop")) for _ in range(4)]
        await until(lambda: bool(capture.entries))
        for peer in peers:
            peer.close()
    assert [(one["event"], one["listener"], one["connections"]) for one in capture.entries] == [
        ("places_needed", "shop", 3)
    ]


async def test_many_merchants_at_once_all_get_in(
    exec_listener: Listener,
    certificates: Certificates,
    log: FilteringBoundLogger,
) -> None:
    tls = trusting(certificates.ca, certificates.good)
    async with Servers([exec_listener], log=log) as servers:
        heard = await asyncio.gather(
            *(asyncio.to_thread(ask, servers.port("exec"), tls) for _ in range(30))
        )
    assert {one.body.decode() for one in heard} == {certificates.good.fingerprint}


@contextmanager
def no_file_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_running_out_of_file_descriptors_is_logged_once_and_survived(
    app: App, log: FilteringBoundLogger, capture: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "ACCEPT_PAUSE_S", 0.02)
    async with Servers([Listener("shop", app, "127.0.0.1", 0)], log=log) as servers:
        with connect(servers.port("shop")) as peer:
            peer.sendall(GET)
            with no_file_descriptor_left():
                await asyncio.sleep(0.1)
            assert await asyncio.to_thread(hear, peer, b"nobody")
    assert [(entry["event"], entry["reason"]) for entry in capture.entries] == [
        ("accept_failed", os.strerror(errno.EMFILE))
    ]


async def test_leaving_drops_unfinished_handshakes_and_leaks_nothing(
    exec_listener: Listener, log: FilteringBoundLogger, capture: LogCapture
) -> None:
    tasks, files = asyncio.all_tasks(), []
    for _ in range(2):  # the first time, the loop opens a file for itself
        servers = Servers([exec_listener], log=log)
        await servers.__aenter__()
        with connect(servers.port("exec")) as peer:
            await asyncio.sleep(0.05)
            async with asyncio.timeout(5):
                await servers.__aexit__(None, None, None)
            assert await asyncio.to_thread(peer.recv, 100) == b""
        files.append(open_files())
    assert files[0] == files[1]
    assert asyncio.all_tasks() == tasks
    assert capture.entries == []


async def test_connections_send_small_answers_at_once(app: App, log: FilteringBoundLogger) -> None:
    async with Servers([Listener("shop", app, "127.0.0.1", 0)], log=log) as servers:
        with connect(servers.port("shop")) as peer:
            peer.sendall(GET.replace(b"/ ", b"/wait "))
            await app.asked.wait()
            (connection,) = servers._connections()
            raw = connection.transport.get_extra_info("socket")
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            app.may_answer.set()
            await asyncio.to_thread(hear, peer, b"nobody")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EADDRINUSE, r"Port 5443 \(--exec-port\) is in use .* 0 picks a free one"),
        (errno.EACCES, r"Port 5443 \(--exec-port\) needs rights .* from 1024 up with --exec-port"),
        (errno.EADDRNOTAVAIL, r"'127.0.0.1' port 5443 \(--exec-port\) cannot be listened on"),
    ],
)
async def test_a_port_that_cannot_be_bound_teaches_what_to_do(
    app: App,
    log: FilteringBoundLogger,
    code: int,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ConfigurationError, match=advice):
        Listening(Listener("exec", app, "127.0.0.1", 5443), log)


async def test_a_host_that_does_not_exist_teaches_what_to_do(
    app: App, log: FilteringBoundLogger
) -> None:
    with pytest.raises(ConfigurationError, match="must be an address of this machine"):
        Listening(Listener("exec", app, "nowhere.invalid", 0), log)


async def test_a_unix_socket_is_its_owner_s_alone_and_goes_with_its_listener(
    app: App, log: FilteringBoundLogger, tmp_path: Path
) -> None:
    path = tmp_path / "exec.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # by one that was killed
    listener = Listener("tunnel", app, str(path), 0, option="--tunnel")

    def asked() -> bytes:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(str(path))
            peer.sendall(GET)
            with peer.makefile("rb") as answer:
                return answer.read()

    async with Servers([listener], log=log) as servers:
        assert servers.port("tunnel") == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (await asyncio.to_thread(asked)).startswith(b"HTTP/1.1 200 OK")
    assert not path.exists()


async def test_a_unix_socket_that_cannot_be_made_names_its_option(
    app: App, log: FilteringBoundLogger, tmp_path: Path
) -> None:
    listener = Listener("tunnel", app, str(tmp_path / "no" / "exec.sock"), 0, option="--tunnel")

    with pytest.raises(ConfigurationError, match=r"socket \(--tunnel\) .* cannot be made"):
        async with Servers([listener], log=log):
            pass
