"""The host over its links: verbs, turns between links, and what an answer without a waiter is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog
from structlog.testing import capture_logs
from tests.authorities import authority, served
from tests.conformance.plans import NOW, tran
from tests.unit.gateway.host.peers import (
    DEADLINE_S,
    Peer,
    SmallHost,
    approve,
    now,
    reply_to,
    until,
)

from tkkpg.gateway.host import fields, messages
from tkkpg.gateway.host.base import Unclaimed
from tkkpg.gateway.host.fields import Message, Trace
from tkkpg.gateway.host.iso_host import Dial, IsoHost, tcp
from tkkpg.gateway.host.link import LinkLimits
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio

LIMITS = LinkLimits(pause_s=0.005, pause_max_s=0.02)
SOON_S = 0.03
CARD = Card(Secret("4169730000005869"), Expiry(2030, 12), Secret("123"))
CAVV = "AAECAwQFBgcICQoLDA0ODxAREhM="
PROVED = Proceed("05", Secret(CAVV))
KEPT = StoredCard(Secret("K7TOKEN"), Expiry(2030, 12), "416973••••••5869", "VISA")
APPROVED = HostReply(Outcome.APPROVED, "001", "123456")
FOLLOWING = tran(2, kind=TranKind.COMPLETION, original_id=1, stan=124)
ADVISED = tran(reversal_stan=125, reversal_at=NOW)


@asynccontextmanager
async def host_at(
    *small: SmallHost,
    links: int = 1,
    timeout_s: float = DEADLINE_S,
    limits: LinkLimits = LIMITS,
    dial: Dial | None = None,
    unclaimed: Callable[[Unclaimed], None] = lambda _unclaimed: None,
) -> AsyncIterator[IsoHost]:
    """A host whose links to the small ones are all ready."""
    host = IsoHost(
        [each.address for each in small],
        timeout_s=timeout_s,
        now=now,
        log=structlog.get_logger(),
        links=links,
        limits=limits,
        dial=dial,
    )
    assert not host.ready
    await host.start(unclaimed)
    try:
        await until(lambda: all(link.ready for link in host._links))
        yield host
    finally:
        await host.aclose()


async def test_each_verb_has_its_message(small_host: SmallHost) -> None:
    small_host.on_request = approve
    async with host_at(small_host) as host:
        assert host.ready
        for repeat in (False, True):
            assert await host.complete(FOLLOWING, tran(), repeat=repeat) == APPROVED
            assert await host.reverse(FOLLOWING, tran(), repeat=repeat) == APPROVED
            assert await host.refund(FOLLOWING, tran(), repeat=repeat) == APPROVED
            assert await host.advise_reversal(ADVISED, repeat=repeat) == APPROVED
        assert await host.authorise(tran(), CARD) == APPROVED
        assert await host.authorise(tran(hold=True), CARD) == APPROVED

    types = [message[fields.TYPE] for message in small_host.peer.asked]
    assert types == ["0220", "0400", "0200", "0420", "0221", "0401", "0201", "0421", "0200", "0100"]


@pytest.mark.parametrize(
    ("changed", "reply", "event"),
    [
        ({fields.AMOUNT: "000000000001"}, HostReply.silent(), "reply_amount_differs"),
        ({fields.APPROVAL: " " * 6}, HostReply.silent(), "approval_without_code"),
        ({fields.RESPONSE: "\0\0\0"}, HostReply.silent(), "reply_unreadable"),
    ],
)
async def test_an_oddity_is_unknown_and_a_line_in_the_log(
    small_host: SmallHost, changed: Message, reply: HostReply, event: str
) -> None:
    small_host.on_request = lambda peer, message: peer.send(reply_to(message) | changed)
    async with host_at(small_host) as host:
        with capture_logs() as lines:
            assert await host.authorise(tran(), CARD) == reply
            assert host.ready

    (line,) = [line for line in lines if line["event"] == event]
    assert (line["stan"], line["terminal"]) == ("000123", "E1000010")
    assert CARD.pan.reveal() not in str(lines)


async def test_a_card_is_registered_and_then_named_by_its_token(small_host: SmallHost) -> None:
    token = {fields.ADDITIONAL: "7207K7TOKEN"}
    small_host.on_request = lambda peer, message: peer.send(reply_to(message) | token)
    async with host_at(small_host) as host:
        with capture_logs() as lines:
            registered = await host.authorise(tran(register=True), CARD)
            assert await host.authorise(tran(stan=124), KEPT) == APPROVED

    assert registered == replace(APPROVED, token=KEPT.token)
    first, second = small_host.peer.asked
    assert fields.PAN in first
    assert fields.PAN not in second
    assert "K7TOKEN" not in str(lines)


async def test_a_token_that_cannot_be_kept_is_a_line_in_the_log_and_the_money_stands(
    small_host: SmallHost,
) -> None:
    wrong = {fields.ADDITIONAL: "7208k7-token"}
    small_host.on_request = lambda peer, message: peer.send(reply_to(message) | wrong)
    async with host_at(small_host) as host:
        with capture_logs() as lines:
            assert await host.authorise(tran(register=True), CARD) == APPROVED
        assert host.ready

    assert [line["event"] for line in lines] == ["approval_without_token"]
    assert "k7-token" not in str(lines)


async def test_a_proof_goes_to_the_host_and_into_no_log(small_host: SmallHost) -> None:
    def garble(peer: Peer, request: Message) -> None:
        said = {fields.ADDITIONAL: request[fields.ADDITIONAL]}
        peer.send(reply_to(request) | said | {fields.AMOUNT: "000000000001"})
        peer.send(reply_to(request) | said)  # nobody waits any more

    small_host.on_request = garble
    told: list[Unclaimed] = []
    async with host_at(small_host, unclaimed=told.append) as host:
        with capture_logs() as lines:
            reply = await host.authorise(tran(), CARD, PROVED)
            await until(lambda: told)

    (asked,) = small_host.peer.asked
    elements = fields.elements_of(asked)
    assert (elements[fields.ECI_TAG], elements[fields.CAVV_TAG]) == ("05", CAVV)
    assert {line["event"] for line in lines} == {"reply_amount_differs", "reply_unclaimed"}
    assert CAVV not in f"{lines} {reply} {told} {PROVED}"


async def test_silence_is_unknown(small_host: SmallHost) -> None:
    async with host_at(small_host, timeout_s=SOON_S) as host:
        assert await host.authorise(tran(), CARD) == HostReply.silent()


async def test_without_a_link_nothing_is_sent() -> None:
    host = IsoHost([("127.0.0.1", 9)], timeout_s=1, now=now, log=structlog.get_logger())

    assert not host.ready
    assert await host.authorise(tran(), CARD) == HostReply.not_sent()
    assert await host.complete(FOLLOWING, tran(), repeat=True) == HostReply.not_sent()
    assert await host.advise_reversal(ADVISED) == HostReply.not_sent()
    await host.aclose()


async def test_links_take_turns_and_a_lost_one_is_passed_over(small_host: SmallHost) -> None:
    small_host.on_request = approve
    async with (
        SmallHost().listening() as other,
        host_at(small_host, other, links=2) as host,
    ):
        other.on_request = approve
        for stan in range(1, 9):
            await host.authorise(tran(stan=stan), CARD)
        asked = [len(peer.asked) for peer in (*small_host.peers, *other.peers)]
        assert asked == [2, 2, 2, 2]

        other.network_code = "100"  # signs nobody on any more
        for peer in other.peers:
            peer.reset()
        await until(lambda: sum(link.ready for link in host._links) == 2)
        for stan in range(11, 15):
            assert await host.authorise(tran(stan=stan), CARD) == APPROVED
        assert host.ready


async def test_a_full_link_gives_its_turn_to_the_next(small_host: SmallHost) -> None:
    async with host_at(small_host, links=2, limits=replace(LIMITS, in_flight=1)) as host:
        tasks = [asyncio.create_task(host.authorise(tran(stan=stan), CARD)) for stan in range(1, 4)]
        await until(lambda: all(peer.asked for peer in small_host.peers))
        for peer in small_host.peers:
            peer.send(*map(reply_to, peer.asked))

        assert await asyncio.gather(*tasks) == [APPROVED, APPROVED, HostReply.not_sent()]


async def test_a_late_reply_is_told_with_what_it_says(small_host: SmallHost) -> None:
    told: list[Unclaimed] = []
    async with host_at(small_host, timeout_s=SOON_S, unclaimed=told.append) as host:
        await host.authorise(tran(), CARD)
        with capture_logs() as lines:
            small_host.peer.send(reply_to(small_host.peer.asked[0]) | {fields.CURRENCY: "840"})
            await until(lambda: told)

    trace = Trace("2", "000123", "1124080000", "E1000010")
    assert told == [Unclaimed(trace=trace, reply=APPROVED, amount_minor=30_00, currency="840")]
    assert [line["event"] for line in lines] == ["reply_unclaimed"]


async def test_nothing_that_an_unclaimed_reply_does_ends_the_link(small_host: SmallHost) -> None:
    def fail(_unclaimed: Unclaimed) -> None:
        raise ZeroDivisionError

    def burst(peer: Peer, request: Message) -> None:
        unasked = reply_to(request) | {fields.STAN: "000999"}
        echo = reply_to(messages.network(fields.ECHO, 77, NOW))
        codeless = unasked | {fields.RESPONSE: "\n\n\n"}
        peer.send(unasked, echo, codeless, reply_to(request))

    small_host.on_request = burst
    async with host_at(small_host, unclaimed=fail) as host:
        with capture_logs() as lines:
            assert await host.authorise(tran(), CARD) == APPROVED
        assert host.ready

    assert [line["event"] for line in lines] == [
        "reply_unclaimed",
        "unclaimed_failed",
        "reply_unclaimed",
        "reply_unreadable",
        "reply_unclaimed",
        "reply_unreadable",
    ]


async def test_a_link_may_be_under_tls() -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(*served()[0].pair)
    trusting = ssl.create_default_context(cafile=authority().servers_ca)

    async with SmallHost().listening(server) as small, host_at(small, dial=tcp(trusting)) as host:
        small.on_request = approve
        assert await host.authorise(tran(), CARD) == APPROVED
        small.on_request = lambda peer, _request: peer.transport.abort()
        assert await host.authorise(tran(), CARD) == HostReply.silent()


async def test_a_host_with_a_strange_certificate_is_not_spoken_to() -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(*served()[0].pair)

    async with SmallHost().listening(server) as small:
        host = IsoHost(
            [small.address],
            timeout_s=DEADLINE_S,
            now=now,
            log=structlog.get_logger(),
            limits=LIMITS,
            dial=tcp(ssl.create_default_context()),
        )
        with capture_logs() as lines:
            await host.start(lambda _unclaimed: None)
            await until(lambda: len(lines) > 1)
            assert await host.authorise(tran(), CARD) == HostReply.not_sent()
            await host.aclose()

        (reason,) = {line["reason"] for line in lines}
        assert reason.startswith("There is no link, as the host's certificate is refused: ")
        assert all(peer.received == [] for peer in small.peers)
