"""The issuer's end of the links: sign-on, garbage, many requests, slow readers, the stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Final

import apsw
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
from tkkpg.issuer.server import LINKS_MAX, SIGN_ON_S, Desk, LinkEnd
from tkkpg.issuer.service import Issuer
from tkkpg.issuer.statement import movements, net_by_original
from tkkpg.issuer.tokens import random_token

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
        pytest.param(written(CHARGE | {fields.ADDITIONAL: "7232SHORT"}), id="token cut off"),
        pytest.param(written(CHARGE | {fields.ADDITIONAL: "7101171011"}), id="element twice"),
        pytest.param(written(CHARGE | {fields.ADDITIONAL: "730209"}), id="no ECI"),
        pytest.param(written(CHARGE | {fields.ADDITIONAL: f"7427{peers.CAVV[:27]}"}), id="no CAVV"),
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
    assert peers.CAVV[:27] not in str(logs)


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
        end = LinkEnd(Desk(Issuer(peers.ACCOUNTS, journal, random_token), journal, LOG), LOG)
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


@asynccontextmanager
async def listening(
    folder: Path, *, sign_on_s: float = SIGN_ON_S
) -> AsyncIterator[tuple[Desk, int]]:
    """An issuer's end of the links without its process; give its desk and port."""
    with closing(Journal(folder / "issuer.db", peers.ACCOUNTS)) as journal:
        desk = Desk(Issuer(peers.ACCOUNTS, journal, random_token), journal, LOG)
        server = await asyncio.get_running_loop().create_server(
            lambda: LinkEnd(desk, LOG, sign_on_s=sign_on_s), "127.0.0.1", 0
        )
        async with server:
            yield desk, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("meanwhile", [(), (fields.ECHO,), (fields.SIGN_ON, fields.SIGN_OFF)])
async def test_a_link_that_is_not_signed_on_gives_its_place_back(
    tmp_path: Path, meanwhile: tuple[str, ...]
) -> None:
    async with listening(tmp_path, sign_on_s=0.05) as (desk, port):
        with capture_logs() as logs:
            async with connected(port, signed_on=False) as idle:
                for code in meanwhile:
                    await idle.ask(network(code))

                assert await idle.ended()
        assert not desk.links

    assert [entry["event"] for entry in logs] == ["link_not_signed_on"]


async def test_a_link_that_is_signed_on_stays_however_long_it_is_idle(tmp_path: Path) -> None:
    async with listening(tmp_path, sign_on_s=0.05) as (desk, port), connected(port) as idle:
        async with connected(port, signed_on=False) as later:
            assert await later.ended()  # its time began after the other's

        assert len(desk.links) == 1
        assert await idle.code(authorisation(fields.CHARGE)) == "001"


@contextmanager
def without(journal: Path, table: str) -> Iterator[None]:
    """Hide a table for a while, as no request expects."""

    def rename(before: str, after: str) -> None:
        with closing(apsw.Connection(str(journal))) as db:
            db.execute(f"ALTER TABLE {before} RENAME TO {after}")

    rename(table, "hidden")
    yield
    rename("hidden", table)


async def test_a_request_that_fails_is_declined_and_those_beside_it_are_answered(
    link: Link, journal: Path
) -> None:
    before = authorisation(fields.CHARGE)
    answered = await link.ask(before)
    failing, declined = authorisation(fields.CHARGE), authorisation(fields.CHARGE, pan=peers.POOR)
    with without(journal, "movement"), capture_logs() as logs:
        link.send(repeated(before), failing, declined)
        replies = [await link.receive() for _ in range(3)]

    assert replies[0] == answered
    assert [reply[fields.RESPONSE] for reply in replies] == ["001", "811", "076"]
    assert replies[1] == {k: v for k, v in failing.items() if k != fields.PAN} | {
        fields.TYPE: "0210",
        fields.RESPONSE: "811",
    }
    assert [entry["event"] for entry in logs] == ["batch_failed", "request_failed"]
    assert {entry["reason"] for entry in logs} == {"SQLError"}
    assert peers.PAN not in str(logs)
    assert await link.ask(repeated(failing)) == replies[1]
    assert failing[fields.RRN] not in net_by_original(journal)


async def test_what_was_approved_before_is_not_declined_because_a_repeat_fails(
    link: Link, journal: Path
) -> None:
    kept = peers.token_in(await link.ask(peers.registering(authorisation(fields.CHARGE))))
    charge = peers.by_token(kept)
    approved = await link.ask(charge)
    with without(journal, "kept_card"), capture_logs() as logs:
        assert await link.ask(repeated(charge)) == approved

    assert [entry["event"] for entry in logs] == ["batch_failed", "request_failed"]


async def test_a_reversal_advice_that_fails_is_carried_out_when_it_comes_again(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)
    advice = about(charge, fields.REVERSAL_ADVICE)
    with without(journal, "movement"):
        link.send(advice)
        assert await link.code(authorisation(fields.CHARGE, pan=peers.POOR)) == "076"

    assert await link.code(repeated(advice)) == "001"
    assert net_by_original(journal) == {charge[fields.RRN]: 0}


async def test_nothing_is_answered_that_cannot_be_recorded(link: Link, journal: Path) -> None:
    charge = authorisation(fields.CHARGE)
    with without(journal, "message"), capture_logs() as logs:
        link.send(charge)
        assert await link.code(network(fields.ECHO)) == "001"

    events = [entry["event"] for entry in logs]
    assert events == ["batch_failed", "request_failed", "request_unanswered"]
    assert await link.code(charge) == "001"


async def test_what_has_come_is_answered_before_it_stops(tmp_path: Path) -> None:
    gateways: asyncio.Queue[Link] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: gateways.put_nowait(Link(r, w)), "127.0.0.1")
    async with server:
        with closing(Journal(tmp_path / "issuer.db", peers.ACCOUNTS)) as journal:
            desk = Desk(Issuer(peers.ACCOUNTS, journal, random_token), journal, LOG)
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
