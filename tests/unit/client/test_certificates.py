"""What merchants need around certificates; the errors to explain are real ones."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tkkpg.client.certificates import explain, inspect, make_key_and_request
from tkkpg.protocol.errors import ConfigurationError

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve HTTP of one reply, or when there is no TLS, silence; yield the port."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if tls:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        else:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


def server_tls(ca: trustme.CA, *names: str, not_after: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    before = not_after - 2 * DAY if not_after else None
    issued = ca.issue_cert(*names, not_before=before, not_after=not_after)
    issued.configure_cert(context)
    return context


def client_tls(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


async def failure(
    how: str, port: int, tls: ssl.SSLContext, host: str = "127.0.0.1", timeout_s: float = 5.0
) -> Exception:
    """Make the request fail in the way that one of the HTTP clients does."""
    url = f"https://{host}:{port}/Exec"
    try:
        if how == "sync":
            await asyncio.to_thread(httpx2.get, url, verify=tls, timeout=timeout_s)
        else:
            async with httpx2.AsyncClient(verify=tls, timeout=timeout_s) as client:
                await client.get(url)
    except httpx2.TransportError as error:
        return error
    raise AssertionError("the request has not failed")


both_clients = pytest.mark.parametrize("how", ["sync", "async"])


@both_clients
@pytest.mark.anyio
async def test_a_refused_connection_names_the_port_and_the_firewall(
    how: str, ca: trustme.CA
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    told = explain(await failure(how, port, client_tls(ca)), "127.0.0.1", port)
    assert f"refused the connection to port {port}" in told
    assert f"allow outgoing connections to port {port}" in told


@both_clients
@pytest.mark.anyio
async def test_a_name_that_does_not_resolve(how: str, ca: trustme.CA) -> None:
    error = await failure(how, 5443, client_tls(ca), "nowhere.invalid")
    assert "nowhere.invalid could not be resolved" in explain(error, "nowhere.invalid", 5443)


@both_clients
@pytest.mark.anyio
async def test_a_server_that_says_nothing(how: str, ca: trustme.CA) -> None:
    async with serving(None) as port:
        error = await failure(how, port, client_tls(ca), timeout_s=0.2)
    told = explain(error, "127.0.0.1", port)
    assert "did not answer in time" in told
    assert "ask for the order's status" in told


@both_clients
@pytest.mark.anyio
async def test_a_server_whose_ca_is_unknown(how: str, ca: trustme.CA) -> None:
    async with serving(server_tls(trustme.CA(), "127.0.0.1")) as port:
        error = await failure(how, port, client_tls(ca))
    told = explain(error, "127.0.0.1", port)
    assert "The certificate of 127.0.0.1 is not trusted" in told
    assert "ca.pem" in told


@both_clients
@pytest.mark.parametrize(("host", "names"), [("127.0.0.1", "localhost"), ("localhost", "a.test")])
@pytest.mark.anyio
async def test_a_server_of_another_name(how: str, ca: trustme.CA, host: str, names: str) -> None:
    async with serving(server_tls(ca, names)) as port:
        error = await failure(how, port, client_tls(ca), host)
    assert f"certificate is not for {host}" in explain(error, host, port)


@both_clients
@pytest.mark.anyio
async def test_a_server_whose_certificate_has_expired(how: str, ca: trustme.CA) -> None:
    async with serving(server_tls(ca, "127.0.0.1", not_after=NOW - DAY)) as port:
        error = await failure(how, port, client_tls(ca))
    assert "has expired by this machine's clock" in explain(error, "127.0.0.1", port)


@both_clients
@pytest.mark.anyio
async def test_a_server_whose_certificate_has_not_begun(how: str, ca: trustme.CA) -> None:
    async with serving(server_tls(ca, "127.0.0.1", not_after=NOW + 3 * DAY)) as port:
        error = await failure(how, port, client_tls(ca))
    assert "begins in the future" in explain(error, "127.0.0.1", port)


@both_clients
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.anyio
async def test_a_server_that_ends_because_our_certificate_is_missing(
    how: str, ca: trustme.CA, version: ssl.TLSVersion
) -> None:
    """Event loops close without an alert, so all that the client sees is the end."""
    tls = server_tls(ca, "127.0.0.1")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.maximum_version = version
    async with serving(tls) as port:
        error = await failure(how, port, client_tls(ca))
    told = explain(error, "127.0.0.1", port)
    assert "ended the connection without an answer" in told
    assert "when they do not accept our certificate" in told


@both_clients
@pytest.mark.anyio
async def test_a_port_that_does_not_speak_tls(how: str, ca: trustme.CA) -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(how, port, client_tls(ca))
    assert "answered, but not in TLS" in explain(error, "127.0.0.1", port)


@pytest.mark.parametrize(
    ("own", "version", "told"),
    [
        ("nothing", ssl.TLSVersion.TLSv1_3, "asks for a client certificate and none was sent"),
        ("nothing", ssl.TLSVersion.TLSv1_2, "TLS alert 'handshake failure'. Gateways end like"),
        ("expired", ssl.TLSVersion.TLSv1_3, "refused our certificate because it has expired"),
        ("strange", ssl.TLSVersion.TLSv1_3, "TLS alert 'unknown ca'. Gateways end like"),
    ],
)
def test_the_alert_of_a_server_that_sends_one(
    ca: trustme.CA, own: str, version: ssl.TLSVersion, told: str
) -> None:
    server, client = server_tls(ca, "gateway.test"), client_tls(ca)
    server.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(server)
    client.maximum_version = version
    if own == "expired":
        ca.issue_cert("E1", not_before=NOW - 9 * DAY, not_after=NOW - DAY).configure_cert(client)
    elif own == "strange":
        trustme.CA().issue_cert("E1").configure_cert(client)
    assert told in explain(alert(server, client), "gateway.test", 5443)


def alert(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLError:
    """Shake hands in memory and return what the client hears from a server that refuses it."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname="gateway.test")
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        try:
            ours.do_handshake()
            ours.read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return error
        try:
            theirs.do_handshake()
        except ssl.SSLError:
            continue
    raise AssertionError("the server has refused nothing")


def test_a_key_of_another_certificate(ca: trustme.CA, tmp_path: Path) -> None:
    first, second = ca.issue_cert("E1"), ca.issue_cert("E2")
    first.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    second.private_key_pem.write_to_path(tmp_path / "key.pem")
    with pytest.raises(ssl.SSLError) as caught:
        ssl.create_default_context().load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    assert "private key does not belong to the certificate" in explain(caught.value, "", 0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)), "could not be reached"),
        (ConnectionResetError(), "ended the connection without an answer"),
        (EOFError(), "ended the connection without an answer"),
        (ExceptionGroup("all failed", [OSError(), ConnectionRefusedError()]), "refused the conn"),
        (ssl.SSLError("made in Python"), "failed with SSLError"),
        (ZeroDivisionError("password=secret"), "failed with ZeroDivisionError"),
    ],
)
def test_other_ends_of_a_connection(error: Exception, told: str) -> None:
    found = explain(error, "gateway.test", 5443)
    assert told in found
    assert "secret" not in found
    assert "\n" not in found


def test_causes_that_lead_to_each_other_are_read_once() -> None:
    first, second = ValueError(), TypeError()
    first.__cause__, second.__cause__ = second, first
    assert "failed with ValueError" in explain(first, "gateway.test", 5443)


def test_a_request_has_the_subject_that_the_bank_expects() -> None:
    made = make_key_and_request("E1000010", organisation="Mağaza MMC", email="it@shop.example")
    asked = x509.load_pem_x509_csr(made.request_pem)
    key = serialization.load_pem_private_key(made.key_pem, password=None)
    assert [(part.rfc4514_attribute_name, part.value) for part in asked.subject] == [
        ("C", "AZ"),
        ("ST", "Azerbaijan"),
        ("L", "Baku"),
        ("O", "Mağaza MMC"),
        ("OU", "IT"),
        ("CN", "E1000010"),
        ("1.2.840.113549.1.9.1", "it@shop.example"),
    ]
    assert asked.is_signature_valid
    assert isinstance(asked.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert key.public_key() == asked.public_key()


def test_the_key_is_not_shown() -> None:
    made = make_key_and_request("E1000010", organisation="Shop", email="it@shop.example")
    assert "PRIVATE" in made.key_pem.decode()
    assert "PRIVATE" not in repr(made)


@pytest.mark.parametrize("organisation", ["", "x" * 65, "Shop\nLLC"])
def test_a_subject_that_does_not_fit_is_refused_with_advice(organisation: str) -> None:
    with pytest.raises(ConfigurationError, match=r"The organisation .* must have 1 to 64 bytes"):
        make_key_and_request("E1000010", organisation=organisation, email="it@shop.example")


def test_a_look_into_a_certificate(ca: trustme.CA) -> None:
    not_after = datetime(2026, 3, 1, tzinfo=UTC)
    issued = ca.issue_cert(
        "shop.test",
        common_name="E1000010",
        organization_name="Shop",
        not_before=not_after - 30 * DAY,
        not_after=not_after,
    )
    pem = issued.cert_chain_pems[0].bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    details = inspect(pem, not_after - 10 * DAY - timedelta(seconds=1))
    assert details.common_name == "E1000010"
    assert "O=Shop" in details.subject
    assert "trustme" in details.issuer
    assert (details.not_before, details.not_after) == (not_after - 30 * DAY, not_after)
    assert details.days_left == 10
    assert {"clientAuth", "serverAuth"} <= set(details.usages)
    assert details.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert inspect(pem, not_after + timedelta(hours=1)).days_left == -1


def test_a_certificate_without_names_and_usages(ca: trustme.CA) -> None:
    details = inspect(ca.cert_pem.bytes())
    assert (details.common_name, details.usages) == ("", ())
    assert details.days_left > 0


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"key"])
def test_what_is_no_certificate_is_refused_with_advice(pem: bytes) -> None:
    with pytest.raises(ConfigurationError, match="a line BEGIN CERTIFICATE is missing"):
        inspect(pem)
