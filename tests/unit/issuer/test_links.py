"""What one link may not do to the issuer, and what its end does not undo."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Final

import pytest
import structlog
from structlog.testing import capture_logs
from tests.unit.issuer import peers
from tests.unit.issuer.peers import Link, about, authorisation, connected, written

from tkkpg.gateway.host import fields
from tkkpg.issuer.app import IssuerInfo
from tkkpg.issuer.journal import Journal
from tkkpg.issuer.server import LINKS_MAX, Desk, LinkEnd
from tkkpg.issuer.service import Issuer
from tkkpg.issuer.statement import movements

pytestmark = pytest.mark.anyio

FLOOD: Final = 100_000
"""Requests that a peer has for the issuer: far more than all buffers between them hold."""


@pytest.mark.parametrize("kind", ["0202", "0207", "0403"])
async def test_a_type_that_is_neither_request_nor_repeat_ends_the_link(
    link: Link, journal: Path, kind: str
) -> None:
    with capture_logs() as logs:
        link.send({**authorisation(fields.CHARGE), fields.TYPE: kind})

        assert await link.ended()
    assert [line["event"] for line in logs] == ["link_garbage"]
    assert movements(journal) == []


async def test_a_request_and_what_follows_it_may_come_in_one_piece(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE)
    link.send(charge, charge, about(charge, fields.REVERSAL_ADVICE), charge)
    codes = [(await link.receive())[fields.RESPONSE] for _ in range(4)]

    assert codes == ["001"] * 4
    assert [line.kind for line in movements(journal)] == ["CHARGE", "REVERSE"]


async def test_what_was_taken_is_done_although_its_link_has_ended(
    running: tuple[IssuerInfo, Link],
) -> None:
    info, first = running
    charge = authorisation(fields.CHARGE)
    async with connected(info.port) as second:
        second.send(charge)
    async with asyncio.timeout(peers.DEADLINE_S):
        while not movements(info.journal):  # noqa: ASYNC110 - a file becomes so
            await asyncio.sleep(0.002)

    assert await first.code(charge) == "001"
    assert len(movements(info.journal)) == 1


async def test_no_more_is_taken_from_a_peer_until_it_reads(tmp_path: Path) -> None:
    log = structlog.get_logger()
    with closing(Journal(tmp_path / "issuer.db", peers.ACCOUNTS)) as journal:
        end = LinkEnd(Desk(Issuer(peers.ACCOUNTS, journal), journal, log), log)
        server = await asyncio.get_running_loop().create_server(lambda: end, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, connected(port) as link, AsyncExitStack() as stack:
            stack.callback(lambda: end._transport.abort())  # neither side has read it all
            link.send_raw(written(authorisation(fields.CHARGE)) * FLOOD)
            async with asyncio.timeout(peers.DEADLINE_S):
                while end._transport.is_reading():  # noqa: ASYNC110 - no event tells
                    await asyncio.sleep(0.002)

            while not end._transport.is_reading():
                assert (await link.receive())[fields.RESPONSE] == "001"


async def test_one_link_too_many_is_ended_and_the_others_stay(
    running: tuple[IssuerInfo, Link],
) -> None:
    info, first = running
    async with AsyncExitStack() as stack:
        for _ in range(LINKS_MAX - 1):
            await stack.enter_async_context(connected(info.port))
        with capture_logs() as logs:
            extra = await stack.enter_async_context(connected(info.port, signed_on=False))

            assert await extra.ended()
        assert len(logs) == 1
        assert await first.code(authorisation(fields.CHARGE)) == "001"
