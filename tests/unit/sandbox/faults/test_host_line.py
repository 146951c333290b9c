"""Every fault of the host line, over real TCP: what the gateway's end of a link hears."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import cast

import pytest
from tests.authorities import authority, served

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.framing import Frames, frame
from tkkpg.gateway.server import page_tls
from tkkpg.sandbox.faults import Dice, faulty_line
from tkkpg.sandbox.faults.host_line import FaultyLine

pytestmark = pytest.mark.anyio

DEADLINE_S = 10.0
SHORT_S = 0.05


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"], scope="session")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def reply(stan: int, **changed: str) -> Message:
    """An approved purchase, as the issuer answers it."""
    return {
        fields.TYPE: "0210",
        fields.PROCESSING: fields.PURCHASE_CODE,
        fields.AMOUNT: "000000003000",
        fields.TRANSMITTED: "1231235959",
        fields.STAN: f"{stan:06d}",
        fields.RRN: "123456789012",
        fields.APPROVAL: "A1B2C3",
        fields.RESPONSE: "001",
        fields.TERMINAL: "E1000010",
        fields.CURRENCY: "944",
    } | changed


ECHO: Message = {
    fields.TYPE: "0810",
    fields.TRANSMITTED: "1231235959",
    fields.STAN: "000001",
    fields.RESPONSE: "001",
    fields.NETWORK: fields.ECHO,
}


@dataclass
class GatewayEnd(asyncio.Protocol):
    """The gateway's end: keeps all it hears."""

    stays_open: bool = False
    heard: bytes = b""
    eof: bool = False
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool:
        self.eof = True
        return self.stays_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    @property
    def messages(self) -> list[Message]:
        return [fields.decode(message) for message in Frames().feed(self.heard)]


@dataclass
class Line:
    """Both ends of one link with faults."""

    gateway: GatewayEnd
    reader: asyncio.StreamReader
    issuer: asyncio.StreamWriter

    def say(self, *messages: Message) -> None:
        self.issuer.write(b"".join(frame(fields.encode(message)) for message in messages))

    async def hear(self, count: int) -> list[Message]:
        await until(lambda: len(self.gateway.messages) >= count)
        return self.gateway.messages


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


@asynccontextmanager
async def line(dice: Dice, *, stays_open: bool = False, late_s: float = 0.0) -> AsyncIterator[Line]:
    """Connect a gateway's end to an issuer's through the faults of some dice."""
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    end = GatewayEnd(stays_open)
    loop = asyncio.get_running_loop()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait((reader, writer))

    def connect(make: Callable[[], asyncio.Protocol]) -> Awaitable[object]:
        return loop.create_connection(make, *server.sockets[0].getsockname())

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    with closing(server):
        # A late reply comes a second after the time-out, which tests cannot wait for.
        await faulty_line(connect, dice, host_timeout_s=late_s - 1, latency_s=SHORT_S)(lambda: end)
        reader, writer = await accepted.get()
        try:
            yield Line(end, reader, writer)
        finally:
            if end.transport:
                end.transport.abort()
            await asyncio.wait_for(end.lost.wait(), DEADLINE_S)
            writer.close()


def asked_for(*names: str) -> Dice:
    dice = Dice(1, {})
    for name in names:
        dice.trigger(name)
    return dice


async def test_without_a_fault_everything_comes_through_as_it_was_sent() -> None:
    sent = [ECHO, *(reply(stan) for stan in range(1, 300))]

    async with line(Dice(1, {})) as link:
        link.say(*sent)

        assert await link.hear(300) == sent
        assert link.gateway.heard == b"".join(frame(fields.encode(one)) for one in sent)


async def test_a_reply_that_arrives_byte_by_byte_is_handed_on_whole() -> None:
    async with line(asked_for("duplicate-reply")) as link:
        for byte in frame(fields.encode(reply(1))):
            link.issuer.write(bytes([byte]))
            await asyncio.sleep(0)

        assert await link.hear(2) == [reply(1), reply(1)]


async def test_sign_on_and_echo_meet_no_fault() -> None:
    async with line(asked_for("silence")) as link:
        link.say(ECHO, reply(1), reply(2))

        assert await link.hear(2) == [ECHO, reply(2)]


async def test_silence_drops_the_reply_and_nothing_else() -> None:
    async with line(asked_for("silence")) as link:
        link.say(reply(1), reply(2))

        assert await link.hear(1) == [reply(2)]


@pytest.mark.parametrize("name", ["latency", "late-reply"])
async def test_a_reply_that_is_late_is_overtaken(name: str) -> None:
    async with line(asked_for(name), late_s=SHORT_S) as link:
        link.say(reply(1), reply(2))

        assert await link.hear(2) == [reply(2), reply(1)]


async def test_a_late_reply_comes_after_one_that_is_only_slow() -> None:
    async with line(asked_for("late-reply", "latency"), late_s=4 * SHORT_S) as link:
        link.say(reply(1), reply(2))

        assert await link.hear(2) == [reply(2), reply(1)]


async def test_a_reply_that_is_late_is_lost_with_its_link() -> None:
    async with line(asked_for("latency", "half-close"), stays_open=True) as link:
        link.say(reply(1), reply(2))
        await until(lambda: link.gateway.eof)
        await asyncio.sleep(2 * SHORT_S)

        assert link.gateway.messages == []


async def test_a_reset_reaches_both_ends() -> None:
    async with line(asked_for("reset")) as link:
        link.say(reply(1), reply(2))
        await asyncio.wait_for(link.gateway.lost.wait(), DEADLINE_S)

        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(link.reader.read(), DEADLINE_S)
        assert link.gateway.heard == b""
        assert not link.gateway.eof


async def test_after_a_half_close_the_gateway_may_still_speak_but_hears_nothing() -> None:
    async with line(asked_for("half-close"), stays_open=True) as link:
        link.say(reply(1), reply(2))
        await until(lambda: link.gateway.eof)
        assert link.gateway.transport is not None
        link.gateway.transport.write(b"still here")

        assert await asyncio.wait_for(link.reader.readexactly(10), DEADLINE_S) == b"still here"
        assert link.gateway.heard == b""


async def test_a_gateway_that_does_not_keep_its_end_open_is_closed_by_a_half_close() -> None:
    async with line(asked_for("half-close")) as link:
        link.say(reply(1))

        assert await asyncio.wait_for(link.reader.read(), DEADLINE_S) == b""
        await asyncio.wait_for(link.gateway.lost.wait(), DEADLINE_S)
        assert link.gateway.eof


async def test_garbage_is_no_frame_and_comes_again_with_the_seed() -> None:
    heard = []
    for _ in range(2):
        async with line(asked_for("garbage")) as link:
            link.say(reply(1))
            await until(lambda: bool(link.gateway.heard))
            heard.append(link.gateway.heard)

    assert heard[0] == heard[1]
    assert heard[0].startswith(b"\xff")
    assert len(heard[0]) == 64


async def test_of_a_truncated_frame_half_comes_and_then_the_end() -> None:
    async with line(asked_for("truncated-frame"), stays_open=True) as link:
        link.say(reply(1), reply(2))
        await asyncio.wait_for(link.gateway.lost.wait(), DEADLINE_S)

        whole = frame(fields.encode(reply(1)))
        assert link.gateway.heard == whole[: len(whole) // 2]
        assert link.gateway.eof


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("wrong-amount", {fields.AMOUNT: "000000003001"}),
        ("wrong-stan", {fields.STAN: "500002"}),
    ],
)
async def test_a_field_of_the_reply_is_another(name: str, changed: dict[str, str]) -> None:
    async with line(asked_for(name)) as link:
        link.say(reply(1), reply(2))

        assert await link.hear(2) == [reply(1, **changed), reply(2)]


@pytest.mark.parametrize("stan", [1, 499_999, 500_000, 999_999])
async def test_a_wrong_trace_number_is_never_zero_nor_the_right_one(stan: int) -> None:
    async with line(asked_for("wrong-stan")) as link:
        link.say(reply(stan))

        (heard,) = await link.hear(1)
        assert int(heard[fields.STAN]) not in {0, stan}


async def test_an_approval_comes_without_its_code() -> None:
    async with line(asked_for("no-approval-code")) as link:
        link.say(reply(1))

        (heard,) = await link.hear(1)
        expected = reply(1)
        del expected[fields.APPROVAL]
        assert heard == expected


async def test_what_is_no_message_is_handed_on_as_it_is() -> None:
    async with line(asked_for("wrong-amount")) as link:
        link.issuer.write(frame(b"0210 and nothing that can be read"))

        await until(lambda: link.gateway.heard == frame(b"0210 and nothing that can be read"))


async def test_what_is_no_frame_is_handed_on_as_it_is() -> None:
    async with line(asked_for("silence")) as link:
        link.issuer.write(b"\xff\xff and so on")
        await until(lambda: link.gateway.heard == b"\xff\xff and so on")
        link.issuer.write(b", and on")

        await until(lambda: link.gateway.heard == b"\xff\xff and so on, and on")


async def test_a_frame_that_the_issuer_cuts_off_itself_is_handed_on_before_the_end() -> None:
    async with line(Dice(1, {})) as link:
        link.issuer.write(frame(fields.encode(reply(1)))[:20])
        link.issuer.write_eof()
        await until(lambda: link.gateway.eof)

        assert link.gateway.heard == frame(fields.encode(reply(1)))[:20]


async def test_the_same_seed_drops_the_same_replies_however_they_are_cut() -> None:
    rates = {"silence": 0.3, "duplicate-reply": 0.2, "wrong-stan": 0.1}
    sent = b"".join(frame(fields.encode(reply(stan))) for stan in range(1, 201))
    heard = []
    for piece in (len(sent), 1_000, 7):
        async with line(Dice(11, rates)) as link:
            for start in range(0, len(sent), piece):
                link.issuer.write(sent[start : start + piece])
            link.say(ECHO)
            await until(lambda: ECHO in link.gateway.messages)
            heard.append(link.gateway.heard)

    assert heard[0] == heard[1] == heard[2]
    assert heard[0] != sent


async def test_a_reset_works_below_tls() -> None:
    trusting = ssl.create_default_context(cafile=authority().servers_ca)
    ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(fields.encode(reply(1))))
        try:
            await reader.read()
            ended.set_result(None)
        except OSError as error:
            ended.set_result(error)
        finally:
            writer.close()

    tls = page_tls(*(one.pair for one in served()))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    end = GatewayEnd()
    with closing(server):
        await asyncio.get_running_loop().create_connection(
            lambda: FaultyLine(end, asked_for("reset"), latency_s=0, late_s=0),
            *server.sockets[0].getsockname(),
            ssl=trusting,
            server_hostname="localhost",
        )

        assert isinstance(await asyncio.wait_for(ended, DEADLINE_S), ConnectionResetError)
        await asyncio.wait_for(end.lost.wait(), DEADLINE_S)
    assert end.heard == b""
