"""One link over real TCP: three ends of a request, and a connection that always comes back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
import structlog
from structlog.testing import capture_logs
from tests.conformance.plans import tran
from tests.unit.gateway.host.peers import (
    DEADLINE_S,
    Peer,
    SmallHost,
    approve,
    now,
    reply_to,
    until,
    written,
)

from tkkpg.gateway.host import fields, messages
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.iso_host import tcp
from tkkpg.gateway.host.link import Connect, Link, LinkLimits, NoReply
from tkkpg.gateway.model.transaction import TranKind

pytestmark = pytest.mark.anyio

LIMITS = LinkLimits(pause_s=0.005, pause_max_s=0.02, drain_s=DEADLINE_S)
SOON_S = 0.03
"""A time-out that a test waits for."""


def request(stan: int = 1) -> Message:
    """A financial request with this trace number."""
    refund = tran(2, kind=TranKind.REFUND, original_id=1, stan=stan)
    return messages.refund(refund, tran())


def made(
    connect: Connect,
    *,
    limits: LinkLimits = LIMITS,
    unclaimed: Callable[[Message], None] = lambda _message: None,
) -> Link:
    """A link that has not begun to connect."""
    log = structlog.get_logger()
    return Link(connect, unclaimed=unclaimed, now=now, log=log, limits=limits)


@asynccontextmanager
async def linked(
    host: SmallHost,
    *,
    limits: LinkLimits = LIMITS,
    unclaimed: Callable[[Message], None] = lambda _message: None,
    connect: Connect | None = None,
) -> AsyncIterator[Link]:
    """A link to the host that is ready, and is closed in the end."""
    link = made(connect or partial(tcp(), host.address), limits=limits, unclaimed=unclaimed)
    link.start()
    try:
        await until(lambda: link.ready)
        yield link
    finally:
        host.on_request = approve
        await link.aclose()


def asking(
    link: Link, *stans: int, timeout_s: float = DEADLINE_S
) -> list[asyncio.Task[Message | NoReply]]:
    """Requests under way."""
    return [asyncio.create_task(link.request(request(stan), timeout_s)) for stan in stans]


async def test_it_signs_on_before_it_is_ready(small_host: SmallHost) -> None:
    async with linked(small_host):
        assert small_host.peer.managed == [fields.SIGN_ON]


async def test_a_request_gets_its_reply(small_host: SmallHost) -> None:
    small_host.on_request = approve
    async with linked(small_host) as link:
        assert await link.request(request(), DEADLINE_S) == reply_to(request())
        assert small_host.peer.asked == [request()]


async def test_five_hundred_in_flight_are_answered_in_reverse(small_host: SmallHost) -> None:
    stans = range(1, 501)
    async with linked(small_host) as link:
        tasks = asking(link, *stans)
        await until(lambda: len(small_host.peer.asked) == len(stans))
        small_host.peer.send(*map(reply_to, reversed(small_host.peer.asked)))

        answers = await asyncio.gather(*tasks)

    assert answers == [reply_to(request(stan)) for stan in stans]


async def test_a_reply_is_matched_by_more_than_the_trace_number(small_host: SmallHost) -> None:
    late: list[Message] = []
    async with linked(small_host, unclaimed=late.append) as link:
        (task,) = asking(link, 1)
        await until(lambda: small_host.peer.asked)
        right = reply_to(request())
        wrong = [
            right | {fields.TYPE: "0410"},
            right | {fields.STAN: "000002"},
            right | {fields.TRANSMITTED: "1124080001"},
            right | {fields.TERMINAL: "E1000011"},
        ]
        small_host.peer.send(*wrong, right)

        assert await task == right
    assert late == wrong


async def test_silence_is_unknown_and_the_late_reply_is_unclaimed(small_host: SmallHost) -> None:
    late: list[Message] = []
    async with linked(small_host, unclaimed=late.append) as link:
        assert await link.request(request(), SOON_S) is NoReply.UNKNOWN

        small_host.peer.send(reply_to(request()))
        await until(lambda: late)
        assert late == [reply_to(request())]
        assert link.ready


async def test_after_silence_the_repeat_is_sent(small_host: SmallHost) -> None:
    repeat = request() | {fields.TYPE: "0201"}
    async with linked(small_host, limits=replace(LIMITS, in_flight=1)) as link:
        assert await link.request(request(), SOON_S) is NoReply.UNKNOWN
        small_host.on_request = approve

        assert await link.request(repeat, DEADLINE_S) == reply_to(repeat)
        assert small_host.peer.asked == [request(), repeat]


async def test_a_reply_in_the_moment_of_the_time_out_is_not_lost(small_host: SmallHost) -> None:
    late: list[Message] = []
    async with linked(small_host, unclaimed=late.append) as link:
        (task,) = asking(link, 1)
        await until(lambda: small_host.peer.asked)
        connection = link._connection
        assert connection is not None
        ((answer,),) = connection._waiting.values()
        answer.set_result(NoReply.UNKNOWN)  # as the timer does, before the waiter has its turn

        connection.data_received(written(reply_to(request())))

        assert await task is NoReply.UNKNOWN
        assert late == [reply_to(request())]


async def test_the_second_of_two_replies_is_unclaimed(small_host: SmallHost) -> None:
    late: list[Message] = []
    small_host.on_request = lambda peer, message: peer.send(*[reply_to(message)] * 2)
    async with linked(small_host, unclaimed=late.append) as link:
        assert await link.request(request(), DEADLINE_S) == reply_to(request())
        await until(lambda: late)

    assert late == [reply_to(request())]


async def test_two_requests_with_one_trace_share_one_message_and_its_reply(
    small_host: SmallHost,
) -> None:
    async with linked(small_host) as link:
        (first,) = asking(link, 1, timeout_s=SOON_S)
        (second, third) = asking(link, 1, 2)
        await until(lambda: len(small_host.peer.asked) == 2)
        assert await first is NoReply.UNKNOWN
        small_host.peer.send(*map(reply_to, small_host.peer.asked))

        assert await second == reply_to(request(1))
        assert await third == reply_to(request(2))
        assert small_host.peer.asked == [request(1), request(2)]


async def test_a_request_that_is_given_up_leaves_its_place(small_host: SmallHost) -> None:
    late: list[Message] = []
    limits = replace(LIMITS, in_flight=1)
    async with linked(small_host, limits=limits, unclaimed=late.append) as link:
        (task,) = asking(link, 1)
        await until(lambda: small_host.peer.asked)
        task.cancel()
        await asyncio.wait((task,))
        small_host.peer.send(reply_to(request()))
        await until(lambda: late)
        small_host.on_request = approve

        assert await link.request(request(2), DEADLINE_S) == reply_to(request(2))


async def test_a_full_link_does_not_send_but_shares(small_host: SmallHost) -> None:
    async with linked(small_host, limits=replace(LIMITS, in_flight=2)) as link:
        first, second = asking(link, 1, 2)
        await until(lambda: len(small_host.peer.asked) == 2)

        assert await link.request(request(3), DEADLINE_S) is NoReply.NOT_SENT
        (shared,) = asking(link, 2)
        await asyncio.sleep(0)
        small_host.peer.send(*map(reply_to, small_host.peer.asked))
        assert list(await asyncio.gather(first, second, shared)) == [
            reply_to(request(stan)) for stan in (1, 2, 2)
        ]
        assert len(small_host.peer.asked) == 2


async def test_a_host_that_does_not_read_fills_the_link(small_host: SmallHost) -> None:
    async def connect(make: Callable[[], asyncio.Protocol]) -> None:
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * 1024)
        own.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(own, small_host.address)
        await loop.create_connection(make, sock=own)

    unknown: list[asyncio.Task[Message | NoReply]] = []
    limits = replace(LIMITS, in_flight=10**6)
    async with linked(small_host, limits=limits, connect=connect) as link:
        small_host.peer.transport.pause_reading()
        stans = iter(range(1, 100_000))
        while not any(task.done() for task in unknown[-1:]):  # until all buffers are full
            unknown += asking(link, next(stans))
            await asyncio.sleep(0)
        assert await unknown.pop() is NoReply.NOT_SENT
        sent = len(unknown)

        small_host.peer.transport.resume_reading()
        await until(lambda: len(small_host.peer.asked) == sent)
        small_host.on_request = approve
        assert await link.request(request(999_999), DEADLINE_S) == reply_to(request(999_999))

        small_host.peer.reset()
        assert set(await asyncio.gather(*unknown)) == {NoReply.UNKNOWN}


def _reset(peer: Peer) -> None:
    peer.reset()


def _half_close(peer: Peer) -> None:
    peer.transport.write_eof()


def _truncate(peer: Peer) -> None:
    peer.transport.write(written(reply_to(request(1)))[:-3])
    peer.transport.write_eof()


def _bad_length(peer: Peer) -> None:
    peer.transport.write(b"\xff\xff")


def _bad_message(peer: Peer) -> None:
    peer.transport.write(b"\x00\x05HELLO")


def _no_trace(peer: Peer) -> None:
    peer.send({fields.TYPE: "0210", fields.RESPONSE: "001"})


@pytest.mark.parametrize(
    "break_off", [_reset, _half_close, _truncate, _bad_length, _bad_message, _no_trace]
)
async def test_a_broken_link_makes_all_in_flight_unknown_and_comes_back(
    small_host: SmallHost, break_off: Callable[[Peer], None]
) -> None:
    async with linked(small_host) as link:
        tasks = asking(link, 1, 2, 3, timeout_s=100 * DEADLINE_S)
        await until(lambda: len(small_host.peer.asked) == 3)
        broken = small_host.peer

        break_off(broken)

        await until(lambda: all(task.done() for task in tasks))  # long before their time-out
        assert await asyncio.gather(*tasks) == [NoReply.UNKNOWN] * 3
        await until(lambda: broken.gone and len(small_host.peers) == 2 and link.ready)
        assert small_host.peer.managed == [fields.SIGN_ON]
        small_host.on_request = approve
        assert await link.request(request(4), DEADLINE_S) == reply_to(request(4))


@pytest.mark.parametrize("break_off", [_truncate, _bad_length, _bad_message, _no_trace])
async def test_garbage_is_a_line_in_the_log(
    small_host: SmallHost, break_off: Callable[[Peer], None]
) -> None:
    async with linked(small_host):
        with capture_logs() as lines:
            break_off(small_host.peer)
            await until(lambda: small_host.peers[0].gone)

    assert [line["event"] for line in lines].count("link_garbage") == 1


async def test_a_reply_before_garbage_still_counts(small_host: SmallHost) -> None:
    async with linked(small_host) as link:
        first, second = asking(link, 1, 2)
        await until(lambda: len(small_host.peer.asked) == 2)
        small_host.peer.transport.write(written(reply_to(request(1))) + b"\x00\x00")

        assert await first == reply_to(request(1))
        assert await second is NoReply.UNKNOWN


async def test_a_request_of_the_hosts_own_answers_nothing(small_host: SmallHost) -> None:
    small_host.on_request = lambda peer, message: peer.send(message, reply_to(message))
    async with linked(small_host) as link:
        with capture_logs() as lines:
            assert await link.request(request(), DEADLINE_S) == reply_to(request())

    assert "reply_unreadable" in [line["event"] for line in lines]


async def test_a_link_that_is_not_there_does_not_send() -> None:
    async with SmallHost().listening() as gone:
        address = gone.address
    link = made(partial(tcp(), address))
    assert await link.request(request(), DEADLINE_S) is NoReply.NOT_SENT
    with capture_logs() as lines:
        link.start()
        await until(lambda: len(lines) > 2)  # it tries again and again
        assert await link.request(request(), DEADLINE_S) is NoReply.NOT_SENT
        await link.aclose()

    assert {line["event"] for line in lines} == {"link_not_connected"}


async def test_it_connects_as_soon_as_the_host_is_there(small_host: SmallHost) -> None:
    failures: list[Exception] = [ConnectionRefusedError(), TimeoutError(), UnicodeError()]

    async def connect(make: Callable[[], asyncio.Protocol]) -> None:
        if failures:
            raise failures.pop()
        await tcp()(small_host.address, make)

    link = made(connect)
    link.start()
    await until(lambda: link.ready)
    await link.aclose()

    assert small_host.peer.managed == [fields.SIGN_ON, fields.SIGN_OFF]


async def test_pauses_grow_until_it_is_signed_on(
    small_host: SmallHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    really_sleep = asyncio.sleep
    failures: list[Exception] = [ConnectionRefusedError()] * 4

    async def sleep(delay_s: float) -> None:
        if delay_s >= 100:
            pauses.append(delay_s)
        await really_sleep(0)

    async def connect(make: Callable[[], asyncio.Protocol]) -> None:
        if failures:
            raise failures.pop()
        await tcp()(small_host.address, make)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    limits = replace(LIMITS, pause_s=100, pause_max_s=300)
    async with linked(small_host, limits=limits, connect=connect) as link:
        small_host.peer.reset()
        await until(lambda: len(small_host.peers) == 2 and link.ready)

    assert pauses == [100, 200, 300, 300, 100]


async def test_a_sign_on_that_is_refused_is_tried_again(small_host: SmallHost) -> None:
    small_host.network_code = "100"
    link = made(partial(tcp(), small_host.address))
    link.start()
    await until(lambda: len(small_host.peers) > 1)
    assert not link.ready
    small_host.network_code = "001"
    await until(lambda: link.ready)
    await link.aclose()


async def test_silence_is_filled_with_echoes(small_host: SmallHost) -> None:
    async with linked(small_host, limits=replace(LIMITS, heartbeat_s=0.01)) as link:
        await until(lambda: len(small_host.peer.managed) > 3)

        assert link.ready
        assert len(small_host.peers) == 1
        assert set(small_host.peer.managed[1:]) == {fields.ECHO}


async def test_an_echo_without_an_answer_ends_the_connection(small_host: SmallHost) -> None:
    small_host.ignored.add(fields.ECHO)
    limits = replace(LIMITS, heartbeat_s=0.01, answer_s=SOON_S)
    async with linked(small_host, limits=limits) as link:
        (task,) = asking(link, 1)

        assert await task is NoReply.UNKNOWN
        await until(lambda: small_host.peers[0].gone)
        await until(lambda: len(small_host.peers) > 1)


async def test_closing_waits_for_what_is_in_flight_and_signs_off(small_host: SmallHost) -> None:
    async with linked(small_host) as link:
        (task,) = asking(link, 1)
        await until(lambda: small_host.peer.asked)

        closing = asyncio.create_task(link.aclose())
        await until(lambda: not link.ready)
        assert await link.request(request(2), DEADLINE_S) is NoReply.NOT_SENT
        assert small_host.peer.managed == [fields.SIGN_ON]
        small_host.peer.send(reply_to(request(1)))
        await closing

        assert await task == reply_to(request(1))
        assert small_host.peer.managed == [fields.SIGN_ON, fields.SIGN_OFF]
        assert small_host.peer.asked == [request(1)]


async def test_closing_does_not_wait_for_ever(small_host: SmallHost) -> None:
    small_host.ignored.add(fields.SIGN_OFF)
    limits = replace(LIMITS, drain_s=SOON_S, answer_s=SOON_S)
    async with linked(small_host, limits=limits) as link:
        (task,) = asking(link, 1)
        await until(lambda: small_host.peer.asked)
        async with asyncio.timeout(DEADLINE_S):
            await link.aclose()

        assert await task is NoReply.UNKNOWN
        await link.aclose()  # twice changes nothing


async def test_closing_while_it_connects_leaves_nothing(small_host: SmallHost) -> None:
    small_host.ignored.add(fields.SIGN_ON)
    link = made(partial(tcp(), small_host.address))
    await link.aclose()  # never started
    link.start()
    await until(lambda: small_host.peers and small_host.peer.managed)
    async with asyncio.timeout(DEADLINE_S):
        await link.aclose()
    await until(lambda: small_host.peer.gone)
