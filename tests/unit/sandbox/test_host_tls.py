"""The link to the issuer's process under TLS: believed, or not there at all."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs
from tests.authorities import authority
from tests.conformance.plans import tran
from tests.unit.gateway.host.peers import until
from tests.unit.issuer.peers import CAVV

from tkkpg.gateway.authority import Authority
from tkkpg.gateway.host.iso_host import IsoHost, tcp
from tkkpg.gateway.host.link import LinkLimits
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.model.transaction import HostReply
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.issuer_process import issuer_process

pytestmark = pytest.mark.anyio

LOG = structlog.get_logger()
NOW = datetime.now(UTC)
PRINTED = find_card("approve")
CARD = Card(Secret(PRINTED.pan), Expiry.of(PRINTED.expiry), Secret(PRINTED.cvv2))
PROVED = Proceed("05", Secret(CAVV))


def linked(port: int, ca: Path) -> IsoHost:
    """The gateway's end, which believes the servers of one home."""
    return IsoHost(
        [("127.0.0.1", port)],
        timeout_s=10,
        now=lambda: NOW,
        log=LOG,
        limits=LinkLimits(pause_s=0.005, pause_max_s=0.02),
        dial=tcp(ssl.create_default_context(cafile=ca)),
    )


async def test_a_payment_goes_through_to_an_issuer_that_is_believed(tmp_path: Path) -> None:
    served = authority().host_certificate(NOW).pair
    async with issuer_process(tmp_path, lambda: None, LOG, served) as running:
        host = linked(running.port, authority().servers_ca)
        await host.start(lambda _unclaimed: None)
        await until(lambda: host.ready)
        reply = await host.authorise(tran(), CARD, PROVED)
        await host.aclose()
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"\0\x14" + b"0800" * 5)
        assert await reader.read() == b"", "it answers nobody in clear"
        writer.close()

    assert reply.response_code == "001"


async def test_an_issuer_that_is_not_believed_gets_nothing_and_a_sentence_says_why(
    tmp_path: Path,
) -> None:
    long_ago = Authority(tmp_path / "old", NOW - timedelta(days=400))
    for name, served, ca, why in (
        (
            "strange",
            authority().host_certificate(NOW).pair,
            long_ago.servers_ca,
            "the host's certificate is refused: unable to get local issuer certificate",
        ),
        (
            "expired",
            long_ago.host_certificate(NOW - timedelta(days=400)).pair,
            long_ago.servers_ca,
            "the host's certificate is refused: certificate has expired",
        ),
        (
            "plain",
            None,
            authority().servers_ca,
            "the host ends the TLS handshake, or speaks no TLS",
        ),
    ):
        home = tmp_path / name
        async with issuer_process(home, lambda: None, LOG, served) as running:
            host = linked(running.port, ca)
            with capture_logs() as lines:
                await host.start(lambda _unclaimed: None)
                await until(lambda: len(lines) > 1)
                assert await host.authorise(tran(), CARD, PROVED) == HostReply.not_sent()
                await host.aclose()

        assert {line["reason"] for line in lines} == {f"There is no link, as {why}."}, name
