"""A tunnel on this machine: where it may come in, and whose requests it brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from tests.gateway_fixtures import FINGERPRINT, MERCHANT_ID, stage
from tests.paying import ordered, post

from tkkpg.gateway.app import exec_app
from tkkpg.gateway.server.tunnel import Tunnel, Tunnelled
from tkkpg.gateway.web.peer import FINGERPRINT_KEY, peer_fingerprint

pytestmark = pytest.mark.anyio

HEADER = "X-Client-Certificate"
COLONS = ":".join(["AB"] * 32)


@pytest.mark.parametrize(
    ("address", "host", "port", "url"),
    [
        ("127.0.0.1:8081", "127.0.0.1", 8081, "http://127.0.0.1:8081/Exec"),
        ("127.8.9.10:0", "127.8.9.10", 0, "http://127.8.9.10:8081/Exec"),
        ("[::1]:8081", "::1", 8081, "http://[::1]:8081/Exec"),
        ("unix:/run/exec.sock", "/run/exec.sock", 0, "unix:/run/exec.sock"),
    ],
)
def test_a_tunnel_comes_in_on_loopback_or_a_unix_socket(
    address: str, host: str, port: int, url: str
) -> None:
    tunnel = Tunnel.at(address)

    assert (tunnel.host, tunnel.port, tunnel.header) == (host, port, "")
    assert tunnel.url(8081) == url


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("0.0.0.0:8081", "is not a loopback address"),
        ("[::]:8081", "is not a loopback address"),
        ("192.168.1.5:8081", "is not a loopback address"),
        ("[::ffff:8.8.8.8]:8081", "is not a loopback address"),
        ("localhost:8081", "is not a loopback address"),
        (":8081", "is not a loopback address"),
        ("8081", "is no address"),
        ("127.0.0.1", "is no address"),
        ("127.0.0.1:65536", "is no address"),
        ("http://127.0.0.1:8081", "is no address"),
        ("::1:8081", "is no address"),
        ("unix:exec.sock", "absolute path"),
        ("unix:", "absolute path"),
    ],
)
def test_what_others_could_reach_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Tunnel.at(address)


@pytest.mark.parametrize("header", ["X Client", "X-Client:", "ä", "-", "x" * 65])
def test_what_is_no_header_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="no name of a header"):
        Tunnel.at("127.0.0.1:8081", header)


async def brought(tunnel: Tunnel, *headers: tuple[str, str]) -> str | None:
    """Which certificate the application sees."""
    seen = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(peer_fingerprint(scope))

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "headers": raw, "state": {FINGERPRINT_KEY: "ff" * 32}}
    await Tunnelled(app, tunnel, FINGERPRINT)(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


async def test_without_a_header_every_request_is_the_configured_merchant_s() -> None:
    tunnel = Tunnel.at("127.0.0.1:0")

    assert await brought(tunnel) == FINGERPRINT
    assert await brought(tunnel, (HEADER, "cd" * 32)) == FINGERPRINT


async def test_with_a_header_only_the_header_counts() -> None:
    tunnel = Tunnel.at("127.0.0.1:0", HEADER)

    for told in ("ab" * 32, "AB" * 32, COLONS, f" {COLONS} "):
        assert await brought(tunnel, (HEADER, told)) == "ab" * 32
    for told in ("", "ab", "xy" * 32, "ab" * 33, "-----BEGIN CERTIFICATE-----"):
        assert await brought(tunnel, (HEADER, told)) is None
    assert await brought(tunnel) is None
    assert await brought(tunnel, ("X-Other", "ab" * 32)) is None


async def test_a_header_that_stands_twice_is_nobody_s() -> None:
    tunnel = Tunnel.at("127.0.0.1:0", HEADER)

    assert await brought(tunnel, (HEADER, "cd" * 32), (HEADER.upper(), "ab" * 32)) is None


async def test_an_order_is_created_through_a_tunnel_and_not_without_its_header(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as one:
        configured = Tunnelled(exec_app(one.gateway), Tunnel.at("127.0.0.1:0"), FINGERPRINT)
        told = Tunnelled(exec_app(one.gateway), Tunnel.at("127.0.0.1:0", HEADER), FINGERPRINT)
        await ordered(configured, "Purchase")
        body = (
            "<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
            f"<Merchant>{MERCHANT_ID}</Merchant><Amount>3000</Amount><Currency>944</Currency>"
            "</Order></Request></TKKPG>"
        ).encode()
        nobody = await post(told, body)
        somebody = await post(told, body, {HEADER: COLONS})
        outside = await post(exec_app(one.gateway), body, {HEADER: COLONS})

    assert b"<Status>10</Status>" in nobody.content
    assert b"<Status>00</Status>" in somebody.content
    assert b"<Status>10</Status>" in outside.content
