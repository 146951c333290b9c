"""The running sandbox over real sockets: mutual TLS, HTTP as old clients write it, every style."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate
from tests.golden_files import GoldenCase, golden_cases
from tests.paying import filled
from tests.sandbox_command import Running, running_sandbox

from tkkpg.client import AZN, Amount, Client, OrderRef, OrderStatus
from tkkpg.gateway.authority import Authority
from tkkpg.protocol.xml import REQUEST_LIMITS
from tkkpg.sandbox.app import MERCHANT_ID
from tkkpg.sandbox.cardholder import Journey, browser, pay
from tkkpg.sandbox.cards import find_card

AMOUNT: Final = Amount.of("30.00", AZN)
PATIENCE_S: Final = 5.0
STYLES: Final = golden_cases("styles")
(DOCUMENT,) = (
    case for case in golden_cases("requests") if case.name == "requests/document_create_order"
)
VERSIONS: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("tls") / "home") as running:
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def client(sandbox: Running) -> Iterator[Client]:
    with Client(sandbox.endpoint, sandbox.credentials, merchant_id=MERCHANT_ID) as client:
        yield client


@pytest.fixture
def merchant_tls(sandbox: Running) -> ssl.SSLContext:
    return sandbox.credentials.ssl_context()


@pytest.fixture(scope="module")
def paid(sandbox: Running, client: Client) -> OrderRef:
    """An order of 30.00, paid and not refunded."""
    order = client.create_order(amount=AMOUNT)
    pay_on_the_page(sandbox, order.payment_url)
    return order.ref


def pay_on_the_page(sandbox: Running, payment_url: str) -> Journey:
    """Pay as a cardholder does, with the bank's test card."""

    async def walk() -> Journey:
        async with browser(Path(sandbox.info["ca"])) as http:
            return await pay(http, payment_url, find_card("approve"))

    return asyncio.run(walk())


def connect(sandbox: Running, tls: ssl.SSLContext) -> ssl.SSLSocket:
    """Open a connection to the Exec port."""
    port = urlsplit(sandbox.info["exec_url"]).port
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    return tls.wrap_socket(plain, server_hostname="localhost")


def written(body: bytes, *headers: str, version: str = "1.1") -> bytes:
    """Write a request as a client's own code does."""
    head = [
        f"POST /Exec HTTP/{version}",
        "Host: localhost",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def read_to_the_end(connection: ssl.SSLSocket) -> bytes:
    """Read until the other side closes in good order."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def read_reply(connection: ssl.SSLSocket) -> bytes:
    """Read one reply, and leave the connection open."""
    reply = b""
    while b"</TKKPG>" not in reply:
        piece = connection.recv(65_536)
        assert piece, reply
        reply += piece
    return reply


def ask(sandbox: Running, tls: ssl.SSLContext, request: bytes) -> bytes:
    """Send a request that closes its connection; give all that comes."""
    with connect(sandbox, tls) as connection:
        connection.sendall(request)
        return read_to_the_end(connection)


def ask_as_a_stranger(sandbox: Running, tls: ssl.SSLContext) -> tuple[int, bytes]:
    """Send a request where nobody listens to it; give our port and all that comes.

    With TLS 1.2 the handshake fails here too; with TLS 1.3 the client believes to be in until it
    reads, and then finds an alert or the end.
    """
    address = ("127.0.0.1", urlsplit(sandbox.info["exec_url"]).port)
    heard = b""
    with socket.create_connection(address, PATIENCE_S) as plain:
        port: int = plain.getsockname()[1]
        with (
            suppress(ssl.SSLError, ConnectionError),
            tls.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(written(DOCUMENT.body))
            while piece := connection.recv(65_536):
                heard += piece
    return port, heard


def documented(case: GoldenCase, ref: OrderRef) -> bytes:
    """Say how the reply begins: only information that was found comes without a status."""
    operation, status = case.facts["operation"], case.facts["status"]
    if (operation, status) == ("GetOrderInformation", "00"):
        return b"\r\n\r\n<Order><row><id>%d</id>" % ref.order_id
    return (
        f"\r\n\r\n<TKKPG><Response><Operation>{operation}</Operation><Status>{status}</Status>"
    ).encode()


def handshake_failures(sandbox: Running, peer_port: int) -> list[dict[str, Any]]:
    """Give the log's lines about failed handshakes of one peer."""
    lines = map(json.loads, sandbox.log.read_text("utf-8").splitlines())
    return [
        line
        for line in lines
        if line["event"] == "handshake_failed" and line["peer_port"] == peer_port
    ]


def test_http_1_0_gets_its_reply_and_the_end_of_the_connection(
    sandbox: Running, merchant_tls: ssl.SSLContext
) -> None:
    request = written(DOCUMENT.body, "Connection: close", version="1.0")
    head, _, body = ask(sandbox, merchant_tls, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b"<TKKPG><Response>")
    assert b"<Status>00</Status>" in body
    assert body.endswith(b"</TKKPG>")


def test_a_kept_connection_serves_two_requests(
    sandbox: Running, merchant_tls: ssl.SSLContext
) -> None:
    with connect(sandbox, merchant_tls) as connection:
        replies = []
        for _ in range(2):
            connection.sendall(written(DOCUMENT.body))
            replies.append(read_reply(connection))
    orders = {reply.split(b"OrderID>")[1] for reply in replies}
    assert len(orders) == 2
    assert all(b"<Status>00</Status>" in reply for reply in replies)


@pytest.mark.parametrize("case", STYLES, ids=str)
def test_every_style_is_answered_as_documented(
    sandbox: Running, merchant_tls: ssl.SSLContext, paid: OrderRef, case: GoldenCase
) -> None:
    named = {"content_type": "Content-Type", "cookie": "Cookie"}
    headers = [f"{name}: {case.facts[key]}" for key, name in named.items() if key in case.facts]
    request = written(
        filled(case, paid),
        *headers,
        "Connection: close",
        version=case.facts.get("http", "1.1"),
    )
    reply = ask(sandbox, merchant_tls, request)
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert documented(case, paid) in reply


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: str(version.name))
@pytest.mark.parametrize(
    ("foreign", "reason"),
    [(False, "peer did not return a certificate"), (True, "certificate verify failed")],
    ids=["no certificate", "of a foreign CA"],
)
def test_a_stranger_hears_no_http_and_is_logged_once(
    sandbox: Running, tmp_path: Path, version: ssl.TLSVersion, foreign: bool, reason: str
) -> None:
    tls = ssl.create_default_context(cafile=sandbox.info["ca"])
    tls.minimum_version = tls.maximum_version = version
    if foreign:
        now = datetime.now(UTC)
        issued = Authority(tmp_path, now).merchant_certificate(MERCHANT_ID, now)
        tls.load_cert_chain(issued.certificate, issued.key)
    peer_port, heard = ask_as_a_stranger(sandbox, tls)
    assert heard == b""
    deadline = time.monotonic() + PATIENCE_S
    while not handshake_failures(sandbox, peer_port) and time.monotonic() < deadline:
        time.sleep(0.02)
    (line,) = handshake_failures(sandbox, peer_port)
    assert line["listener"] == "exec"
    assert line["reason"].startswith(reason)


def test_a_client_of_either_kind_of_signature_is_served_in_both_versions(sandbox: Running) -> None:
    info = sandbox.info
    port = urlsplit(info["exec_url"]).port
    files = ["-CAfile", info["ca"], "-cert", info["certificate"], "-key", info["key"]]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost"]
    command += [*files, "-verify_return_error", "-ign_eof", "-showcerts"]
    request = written(DOCUMENT.body, "Connection: close")
    for limits, kind in (
        (["-tls1_2", "-sigalgs", "RSA+SHA256"], RSAPublicKey),
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"], RSAPublicKey),
        (["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"], RSAPublicKey),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], EllipticCurvePublicKey),
        (["-tls1_3", "-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256"], EllipticCurvePublicKey),
    ):
        done = subprocess.run([*command, *limits], input=request, capture_output=True, check=True)
        shown = done.stdout[done.stdout.index(b"-----BEGIN CERTIFICATE-----") :]
        assert isinstance(load_pem_x509_certificate(shown).public_key(), kind), limits
        assert b"<Status>00</Status>" in done.stdout, limits


def test_the_client_creates_is_paid_refunds_and_reads_it_all_back(
    sandbox: Running, client: Client
) -> None:
    order = client.create_order(amount=AMOUNT, description="Two shirts")
    assert client.get_order_status(order.ref).order_status is OrderStatus.CREATED
    journey = pay_on_the_page(sandbox, order.payment_url)
    assert journey.xmlout is not None
    assert journey.xmlout.ref == order.ref
    assert client.get_order_status(order.ref).order_status is OrderStatus.APPROVED
    client.refund(order.ref, amount=Amount.of("12.50", AZN))
    assert client.get_order_status(order.ref).order_status is OrderStatus.REFUNDED
    information = client.get_order_information(order.ref)
    assert information.order_status is OrderStatus.REFUNDED
    assert information.refund_amount_minor == 1250


@pytest.mark.parametrize(
    ("size", "status"),
    [(REQUEST_LIMITS.size, b"00"), (REQUEST_LIMITS.size + 1, b"30"), (1_000_000, b"30")],
)
def test_a_body_over_64_kb_is_30(
    sandbox: Running, merchant_tls: ssl.SSLContext, size: int, status: bytes
) -> None:
    request = written(DOCUMENT.body.ljust(size), "Connection: close")
    reply = ask(sandbox, merchant_tls, request)
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"<Status>" + status + b"</Status>" in reply
