"""The issuer over real TCP: sign-on, repeats, silence, garbage, many requests, a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs
from tests.unit.issuer.line import (
    PLAIN,
    SILENT,
    SLOW,
    UNKNOWN,
    Line,
    advise,
    again,
    charge,
    complete,
    hold,
    line,
    network,
    open_line,
    refund,
    reverse,
)

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.framing import FRAME_MAX, frame
from tkkpg.issuer.accounts import Account
from tkkpg.issuer.app import IssuerSettings, issuer
from tkkpg.issuer.journal import Journal
from tkkpg.issuer.server import Desk, LinkEnd
from tkkpg.issuer.service import Issuer
from tkkpg.issuer.statement import holds_by_original, movements, net_by_original
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio

RICH = (Account(name="rich", pan=Secret(PLAIN)),)


async def test_a_request_before_sign_on_ends_the_link(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (_, info), line(info.port, signed_on=False) as stranger:
        stranger.send(charge(1))

        with pytest.raises(EOFError):
            await stranger.reply()
        assert movements(info.journal) == []


async def test_a_request_after_sign_off_ends_the_link(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, _):
        off = await link.ask(network(fields.SIGN_OFF))
        link.send(charge(1))

        assert off[fields.TYPE] == "0810"
        with pytest.raises(EOFError):
            await link.reply()


async def test_an_echo_comes_back_and_signs_nobody_on(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (_, info), line(info.port, signed_on=False) as link:
        echo = network(fields.ECHO)

        assert await link.ask(echo) == echo | {fields.TYPE: "0810", fields.RESPONSE: "001"}
        link.send(charge(1))
        with pytest.raises(EOFError):
            await link.reply()


async def test_a_reply_repeats_the_request_without_the_card(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, _):
        asked = charge(1)

        reply = await link.ask(asked)

        del asked[fields.PAN]
        assert reply == asked | {
            fields.TYPE: "0210",
            fields.RESPONSE: "001",
            fields.APPROVAL: reply[fields.APPROVAL],
        }


@pytest.mark.parametrize(
    ("first", "repeated", "reply_type"),
    [
        ([], charge(2), "0210"),
        ([hold(1)], complete(2, hold(1), 20_00), "0230"),
        ([charge(1)], refund(2, charge(1), 20_00), "0210"),
        ([charge(1)], reverse(2, charge(1)), "0410"),
        ([charge(1)], advise(2, charge(1)), "0430"),
        ([], advise(2, charge(1)), "0430"),
        ([], charge(2, 100_01), "0210"),
        ([], charge(2, pan=UNKNOWN), "0210"),
    ],
    ids=["charge", "completion", "refund", "reversal", "advice", "801", "076", "075"],
)
async def test_a_repeat_gets_the_recorded_reply_and_moves_nothing(
    tmp_path: Path, first: list[Message], repeated: Message, reply_type: str
) -> None:
    async with open_line(tmp_path) as (link, info):
        for message in first:
            await link.ask(message)
        answered = await link.ask(repeated)
        moved = movements(info.journal)

        for copy in (again(repeated), repeated, again(repeated)):
            assert await link.ask(copy) == answered

        assert answered[fields.TYPE] == reply_type
        assert movements(info.journal) == moved


async def test_a_repeat_that_overtakes_its_original_is_the_one_that_counts(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        answered = await link.ask(again(charge(1)))

        assert await link.ask(charge(1)) == answered
        assert net_by_original(info.journal) == {"000000000001": 30_00}


async def test_a_trace_used_again_is_answered_about_what_was_moved(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        await link.ask(charge(1, 30_00))

        reply = await link.ask(charge(1, 40_00))

        assert (reply[fields.RESPONSE], reply[fields.AMOUNT]) == ("001", f"{30_00:012d}")
        assert net_by_original(info.journal) == {"000000000001": 30_00}


async def test_an_original_that_its_advice_has_overtaken_is_declined(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        late = charge(1)

        assert await link.codes(advise(2, late), late, again(late)) == ["801", "055", "055"]
        assert movements(info.journal) == []


async def test_a_silent_card_is_charged_never_answered_and_reversed(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        silent = charge(1, pan=SILENT)
        link.send(silent, again(silent))

        assert (await link.ask(charge(2)))[fields.STAN] == "000002"
        assert net_by_original(info.journal)["000000000001"] == 30_00
        assert await link.codes(advise(3, silent)) == ["001"]
        assert net_by_original(info.journal)["000000000001"] == 0


async def test_a_slow_card_is_charged_at_once_and_answered_later(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        link.send(charge(1, pan=SLOW), charge(2))

        assert (await link.reply())[fields.STAN] == "000002"
        assert net_by_original(info.journal)["000000000001"] == 30_00
        assert (await link.reply())[fields.STAN] == "000001"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00",
        (FRAME_MAX + 1).to_bytes(2, "big"),
        frame(b"no message at all"),
        frame(b"\xff" * 40),
        frame(fields.encode(charge(1) | {fields.TYPE: "0210"})),
        frame(fields.encode(charge(1) | {fields.TYPE: "0290"})),
        frame(fields.encode({k: v for k, v in charge(1).items() if k != fields.AMOUNT})),
        frame(fields.encode({k: v for k, v in charge(1).items() if k != fields.STAN})),
        frame(fields.encode(charge(1) | {fields.PROCESSING: fields.REFUND_CODE})),
    ],
    ids=[
        "empty",
        "oversized",
        "text",
        "bytes",
        "reply",
        "type",
        "no amount",
        "no STAN",
        "no original",
    ],
)
async def test_garbage_ends_its_own_link_with_a_line_in_the_log(
    tmp_path: Path, garbage: bytes
) -> None:
    with capture_logs() as logs:
        async with open_line(tmp_path) as (link, info), line(info.port) as other:
            link.send_bytes(garbage)

            with pytest.raises(EOFError):
                await link.reply()
            assert await other.codes(charge(2)) == ["001"]
            assert len(movements(info.journal)) == 1

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("link_garbage", "warning")]
    assert PLAIN not in str(logs)


async def test_what_came_before_garbage_is_carried_out(tmp_path: Path) -> None:
    with capture_logs():
        async with open_line(tmp_path) as (link, info):
            link.send_bytes(frame(fields.encode(charge(1))) + b"\x00\x00")

            with pytest.raises(EOFError):
                await link.reply()
            assert net_by_original(info.journal) == {"000000000001": 30_00}


async def test_five_hundred_requests_in_flight_are_all_answered(tmp_path: Path) -> None:
    async with open_line(tmp_path, RICH) as (link, info):
        sent = [charge(stan, stan) for stan in range(1, 501)]
        link.send(*sent)

        replies = [await link.reply() for _ in sent]

        assert {reply[fields.RESPONSE] for reply in replies} == {"001"}
        assert [reply[fields.STAN] for reply in replies] == [one[fields.STAN] for one in sent]
        assert len({reply[fields.APPROVAL] for reply in replies}) == 500
        assert sum(net_by_original(info.journal).values()) == sum(range(1, 501))


async def test_two_links_share_accounts_and_recorded_replies(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info), line(info.port) as other:
        answered = await link.ask(charge(1, 60_00))

        assert await other.ask(again(charge(1, 60_00))) == answered
        assert await other.codes(charge(2, 60_00)) == ["076"]


async def test_a_restart_keeps_balances_and_recorded_replies(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, _):
        answered = await link.ask(hold(1, 60_00))
    async with open_line(tmp_path) as (link, info):
        assert await link.ask(again(hold(1, 60_00))) == answered
        assert await link.codes(charge(2, 60_00)) == ["076"]
        assert (await link.ask(charge(3, 40_00)))[fields.APPROVAL] != answered[fields.APPROVAL]
        assert holds_by_original(info.journal) == {"000000000001": 60_00, "000000000003": 0}


async def test_what_has_come_is_answered_before_it_stops(tmp_path: Path) -> None:
    ends: asyncio.Queue[Line] = asyncio.Queue()
    journal = Journal(tmp_path / "issuer.db", RICH)
    log = structlog.get_logger()
    desk = Desk(Issuer(RICH, journal), journal, log)
    server = await asyncio.start_server(lambda r, w: ends.put_nowait(Line(r, w)), "127.0.0.1")
    async with server:
        _, link = await asyncio.get_running_loop().create_connection(
            lambda: LinkEnd(desk, log), *server.sockets[0].getsockname()
        )
        desk.take(link, charge(1))

        desk.close()
        journal.close()

        gateway = await ends.get()
        assert (await gateway.reply())[fields.RESPONSE] == "001"
        with pytest.raises(EOFError):
            await gateway.reply()
        gateway.abort()


async def test_a_busy_port_is_told(tmp_path: Path) -> None:
    async with open_line(tmp_path / "a") as (_, info):
        second = IssuerSettings(home=tmp_path / "b", port=info.port, accounts=RICH)
        with pytest.raises(ConfigurationError, match=f"port {info.port}.*--port"):
            async with issuer(second):
                pass


async def test_the_journal_is_private_and_holds_no_card_number(tmp_path: Path) -> None:
    async with open_line(tmp_path / "home") as (link, info):
        await link.codes(charge(1), charge(2, pan=UNKNOWN), advise(3, charge(1)))
        written = {path: path.read_bytes() for path in info.journal.parent.iterdir()}

        assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
        assert info.journal.parent.stat().st_mode & 0o777 == 0o700
        assert len(written) == 3, "the database, its WAL and its index"
        everything = b"".join(written.values())
        assert b"000000000001" in everything
        assert PLAIN.encode() not in everything
        assert UNKNOWN.encode() not in everything
