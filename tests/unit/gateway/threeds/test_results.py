"""The listener for results, over real HTTPS with mutual TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
import structlog
import trustme
from structlog.testing import LogCapture
from tests.unit.gateway.threeds.examples import ARES, CAVV, ERRO, ISSUERS, OURS, RREQ, RRES

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.server import exec_tls
from tkkpg.gateway.server.listening import Listener, Listening
from tkkpg.gateway.threeds.codec import read, write
from tkkpg.gateway.threeds.messages import Erro, Message, RRes
from tkkpg.gateway.threeds.results import create_results_app
from tkkpg.gateway.threeds.wire import LIMIT_BYTES
from tkkpg.gateway.web.peer import peer_fingerprint

pytestmark = pytest.mark.anyio


@dataclass
class Results:
    """Keeps the first result of the one authentication that it knows."""

    kept: dict[str, AuthenticationResult] = field(default_factory=dict)
    calls: int = 0
    broken: bool = False

    async def keep(self, trans_id: str, result: AuthenticationResult) -> bool:
        self.calls += 1
        if self.broken:
            message = "The disk is full."
            raise OSError(message)
        if trans_id != OURS:
            return False
        self.kept.setdefault(trans_id, result)
        return True


@dataclass
class Site:
    """A running listener, and the ways to call it."""

    port: int
    ca: trustme.CA
    directory: trustme.LeafCert
    results: Results
    capture: LogCapture

    async def post(
        self, body: bytes, own: trustme.LeafCert | None = None, method: str = "POST"
    ) -> httpx2.Response:
        tls = ssl.create_default_context()
        self.ca.configure_trust(tls)
        (own or self.directory).configure_cert(tls)
        async with httpx2.AsyncClient(verify=tls, trust_env=False) as client:
            return await client.request(method, f"https://localhost:{self.port}/3ds", content=body)

    async def say(self, message: Message) -> httpx2.Response:
        return await self.post(write(message))


@asynccontextmanager
async def listening(folder: Path, reading_s: float = 5.0) -> AsyncIterator[Site]:
    ca, results, capture = trustme.CA(), Results(), LogCapture()
    server, directory = ca.issue_cert("localhost"), ca.issue_cert("ds.example")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    log = structlog.wrap_logger(None, processors=[capture])
    der = ssl.PEM_cert_to_DER_cert(directory.cert_chain_pems[0].bytes().decode())
    app = create_results_app(
        results.keep,
        directories=frozenset({sha256(der).hexdigest()}),
        peer=peer_fingerprint,
        log=log,
        reading_s=reading_s,
    )
    tls = exec_tls(folder / "ca.pem", (folder / "server.pem", folder / "server.pem"))
    socket = Listening(Listener("results", app, "127.0.0.1", 0, tls), log)
    socket.start()
    try:
        yield Site(socket.port, ca, directory, results, capture)
    finally:
        socket.close()
        for connection in socket.connections():
            connection.shutdown()
        await asyncio.gather(*socket.tasks(), return_exceptions=True)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with listening(tmp_path) as it:
        yield it


def erro_of(response: httpx2.Response) -> Erro:
    answer = read(response.content, RRes)
    assert isinstance(answer, Erro)
    return answer


async def test_a_result_is_kept_and_then_acknowledged(site: Site) -> None:
    response = await site.say(RREQ)
    assert (response.status_code, read(response.content, RRes)) == (200, RRES)
    kept = site.results.kept[OURS]
    assert kept.verdict is Verdict.PROVED
    assert kept.cavv is not None
    assert kept.cavv.reveal() == CAVV


async def test_the_same_result_again_is_acknowledged_again(site: Site) -> None:
    answers = [await site.say(RREQ) for _ in range(2)]
    assert [read(answer.content, RRes) for answer in answers] == [RRES, RRES]
    assert len(site.results.kept) == 1


async def test_an_unknown_transaction_is_an_erro(site: Site) -> None:
    erro = erro_of(await site.say(replace(RREQ, three_ds_server_trans_id=ISSUERS)))
    assert (erro.error_code, erro.three_ds_server_trans_id) == ("301", ISSUERS)
    assert site.results.kept == {}


async def test_what_could_not_be_kept_is_not_acknowledged(site: Site) -> None:
    site.results.broken = True
    response = await site.say(RREQ)
    assert (response.status_code, erro_of(response).error_code) == (503, "403")
    assert "disk" not in response.text
    site.results.broken = False
    assert read((await site.say(RREQ)).content, RRes) == RRES


async def test_another_certificate_of_the_same_authority_is_not_the_directory(site: Site) -> None:
    response = await site.post(write(RREQ), site.ca.issue_cert("shop.example"))
    assert (response.status_code, erro_of(response).error_code) == (403, "303")
    assert site.results.calls == 0


async def test_a_certificate_of_a_strange_authority_does_not_get_in(site: Site) -> None:
    with pytest.raises((httpx2.HTTPError, OSError)):
        await site.post(write(RREQ), trustme.CA().issue_cert("ds.example"))
    assert site.results.calls == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "101"),
        (b"creq=x", "101"),
        (write(ARES), "101"),
        (write(RREQ).replace(b"2.2.0", b"2.1.0"), "102"),
        (write(RREQ).replace(b'"dsTransID"', b'"x"'), "201"),
        (write(RREQ).replace(b'"eci":"05"', b'"eci":5'), "203"),
        (b" " * (LIMIT_BYTES + 1), "203"),
    ],
    ids=["nothing", "form", "other", "version", "missing", "format", "long"],
)
async def test_what_is_no_result_is_an_erro(site: Site, body: bytes, code: str) -> None:
    erro = erro_of(await site.post(body))
    assert erro.error_code == code
    assert site.results.calls == 0


async def test_an_erro_is_taken_and_not_answered_with_another(site: Site) -> None:
    response = await site.say(ERRO)
    assert (response.status_code, response.content) == (200, b"")
    assert site.results.calls == 0


async def test_only_post_is_for_results(site: Site) -> None:
    response = await site.post(b"", method="GET")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


async def test_a_slow_request_is_given_up(tmp_path: Path) -> None:
    async with listening(tmp_path, reading_s=0.2) as site:
        tls = ssl.create_default_context()
        site.ca.configure_trust(tls)
        site.directory.configure_cert(tls)
        reader, writer = await asyncio.open_connection("localhost", site.port, ssl=tls)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        async with asyncio.timeout(4):
            head = await reader.readuntil(b"\r\n")
        assert b" 408 " in head
        writer.close()


async def test_an_endless_request_is_given_up_at_its_limit(site: Site) -> None:
    tls = ssl.create_default_context()
    site.ca.configure_trust(tls)
    site.directory.configure_cert(tls)
    reader, writer = await asyncio.open_connection("localhost", site.port, ssl=tls)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(LIMIT_BYTES // 0x1000 + 1):
        writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
    async with asyncio.timeout(3):
        assert b"errorCode" in await reader.readuntil(b"203")  # though the end never came
    writer.close()


async def test_no_result_is_logged_with_its_proof(site: Site) -> None:
    await site.say(replace(RREQ, three_ds_server_trans_id=ISSUERS))
    assert CAVV not in repr(site.capture.entries)
