"""The issuer's end of the links: sign-on, garbage, many requests, slow readers, the stop."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Final

import pytest
import structlog
from structlog.testing import capture_logs
from tests.unit.issuer import peers
from tests.unit.issuer.peers import (
    Link,
    about,
    authorisation,
    bank,
    connected,
    network,
    repeated,
    written,
)

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.framing import FRAME_MAX, frame
from tkkpg.issuer.app import IssuerInfo
from tkkpg.issuer.journal import Journal
from tkkpg.issuer.server import LINKS_MAX, Desk, LinkEnd
from tkkpg.issuer.service import Issuer
from tkkpg.issuer.statement import movements, net_by_original

pytestmark = pytest.mark.anyio

FLOOD: Final = 100_000
"""Requests that a peer has for the issuer: far more than all buffers between them hold."""

LOG = structlog.get_logger()
CHARGE: Final = authorisation(fields.CHARGE)


async def test_a_request_before_sign_on_ends_the_link(running: tuple[IssuerInfo, Link]) -> None:
    info, _ = running
    async with connected(info.port, signed_on=False) as stranger:
        stranger.send(authorisation(fields.CHARGE))

        assert await stranger.ended()
    assert movements(info.journal) == []


async def test_a_request_after_sign_off_ends_the_link(link: Link) -> None:
    off = await link.ask(network(fields.SIGN_OFF))
    link.send(authorisation(fields.CHARGE))

    assert off[fields.TYPE] == "0810"
    assert await link.ended()


async def test_an_echo_comes_back_and_signs_nobody_on(running: tuple[IssuerInfo, Link]) -> None:
    info, _ = running
    async with connected(info.port, signed_on=False) as stranger:
        echo = network(fields.ECHO)

        assert await stranger.ask(echo) == echo | {fields.TYPE: "0810", fields.RESPONSE: "001"}
        stranger.send(authorisation(fields.CHARGE))
        assert await stranger.ended()


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\x00\x00", id="empty"),
        pytest.param((FRAME_MAX + 1).to_bytes(2, "big"), id="oversized"),
        pytest.param(frame(b"no message at all"), id="text"),
        pytest.param(frame(b"\xff" * 40), id="bytes"),
        *(
            pytest.param(written(CHARGE | {fields.TYPE: kind}), id=kind)
            for kind in ("0202", "0207", "0210", "0290", "0403")
        ),
        *(
            pytest.param(written({k: v for k, v in CHARGE.items() if k != number}), id=f"no {name}")
            for name, number in (("amount", fields.AMOUNT), ("STAN", fields.STAN))
        ),
        pytest.param(written(CHARGE | {fields.PROCESSING: fields.REFUND_CODE}), id="no original"),
    ],
)
async def test_garbage_ends_its_own_link_with_a_line_in_the_log(
    tmp_path: Path, garbage: bytes
) -> None:
    with capture_logs() as logs:
        async with bank(tmp_path) as (info, link), connected(info.port) as other:
            link.send_raw(garbage)

            assert await link.ended()
            assert await other.code(authorisation(fields.CHARGE)) == "001"
            assert len(movements(info.journal)) == 1

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("link_garbage", "warning")]
    assert peers.PAN not in str(logs)


async def test_what_came_before_garbage_is_carried_out(link: Link, journal: Path) -> None:
    charge = authorisation(fields.CHARGE)
    link.send_raw(written(charge) + b"\x00\x00")

    assert await link.ended()
    assert net_by_original(journal) == {charge[fields.RRN]: 1_000}


async def test_five_hundred_requests_in_flight_are_all_answered(link: Link, journal: Path) -> None:
    sent = [authorisation(fields.CHARGE, minor) for minor in range(1, 251) for _ in range(2)]
    link.send(*sent)

    replies = [await link.receive() for _ in sent]

    assert {reply[fields.RESPONSE] for reply in replies} == {"001"}
    assert [reply[fields.STAN] for reply in replies] == [one[fields.STAN] for one in sent]
    assert len({reply[fields.APPROVAL] for reply in replies}) == 500
    assert net_by_original(journal) == {one[fields.RRN]: int(one[fields.AMOUNT]) for one in sent}


async def test_a_request_and_what_follows_it_may_come_in_one_piece(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE)
    link.send(charge, charge, about(charge, fields.REVERSAL_ADVICE), charge)
    codes = [(await link.receive())[fields.RESPONSE] for _ in range(4)]

    assert codes == ["001"] * 4
    assert [line.kind for line in movements(journal)] == ["CHARGE", "REVERSE"]


async def test_two_links_share_accounts_and_recorded_replies(
    running: tuple[IssuerInfo, Link],
) -> None:
    info, link = running
    charge = authorisation(fields.CHARGE, 60_000)
    async with connected(info.port) as other:
        answered = await link.ask(charge)

        assert await other.ask(repeated(charge)) == answered
        assert await other.code(authorisation(fields.CHARGE, 60_000)) == "076"


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
    with closing(Journal(tmp_path / "issuer.db", peers.ACCOUNTS)) as journal:
        end = LinkEnd(Desk(Issuer(peers.ACCOUNTS, journal), journal, LOG), LOG)
        server = await asyncio.get_running_loop().create_server(lambda: end, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, connected(port) as link, AsyncExitStack() as stack:
            stack.callback(end._transport.abort)  # neither side has read it all
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


async def test_what_has_come_is_answered_before_it_stops(tmp_path: Path) -> None:
    gateways: asyncio.Queue[Link] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: gateways.put_nowait(Link(r, w)), "127.0.0.1")
    async with server:
        with closing(Journal(tmp_path / "issuer.db", peers.ACCOUNTS)) as journal:
            desk = Desk(Issuer(peers.ACCOUNTS, journal), journal, LOG)
            _, end = await asyncio.get_running_loop().create_connection(
                lambda: LinkEnd(desk, LOG), *server.sockets[0].getsockname()
            )
            desk.take(end, authorisation(fields.CHARGE))

            desk.close()

        gateway = await gateways.get()
        assert (await gateway.receive())[fields.RESPONSE] == "001"
        assert await gateway.ended()
        await gateway.aclose()


async def test_it_stops_although_a_reply_is_still_due(tmp_path: Path) -> None:
    slow = authorisation(fields.CHARGE, pan=peers.SLOW)
    async with bank(tmp_path) as (info, link):
        link.send(slow)
        assert await link.code(authorisation(fields.CHARGE)) == "001"

    assert slow[fields.RRN] in net_by_original(info.journal)
