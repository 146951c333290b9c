"""The directory and the access control server behind the test cards, over real TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
import structlog
from tests.gateway_fixtures import MERCHANT_ID, ManualClock

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.server import Listener, Servers
from tkkpg.gateway.threeds.base import Attempt, Authenticated, Browser, Challenge
from tkkpg.gateway.threeds.results import create_results_app
from tkkpg.gateway.web.peer import peer_fingerprint
from tkkpg.issuer.threeds.challenges import LIFE
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN
from tkkpg.sandbox.cards import every_card, find_card
from tkkpg.sandbox.certificates import Certificates, open_certificates
from tkkpg.sandbox.threeds import RESULTS_PATH, ThreeDSWorld, scenarios, threeds_world

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class World:
    """All of it, running; what arrives as a result is kept."""

    threeds: ThreeDSWorld
    clock: ManualClock
    certificates: Certificates
    results_url: str
    results: asyncio.Queue[tuple[str, AuthenticationResult]]

    async def authenticate(self, name: str) -> Authenticated | Challenge:
        return await self.threeds.authenticator.authenticate(attempt(name))


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[World]:
    results: asyncio.Queue[tuple[str, AuthenticationResult]] = asyncio.Queue()
    certificates = open_certificates(home, MERCHANT_ID, (), datetime.now(UTC))
    clock, log = ManualClock(), structlog.get_logger()

    async def keep(trans_id: str, result: AuthenticationResult) -> bool:
        results.put_nowait((trans_id, result))
        return True

    app = create_results_app(
        keep, directories=certificates.directories, peer=peer_fingerprint, log=log
    )
    listener = Listener("results", app, "127.0.0.1", 0, certificates.mutual_tls())
    async with (
        Servers([listener], log=log) as servers,
        threeds_world(
            certificates, clock, acs_port=0, results_port=servers.port("results")
        ) as threeds,
    ):
        results_url = f"https://127.0.0.1:{servers.port('results')}{RESULTS_PATH}"
        yield World(threeds, clock, certificates, results_url, results)
        await threeds.authenticator.aclose()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as world:
        yield world


def attempt(name: str) -> Attempt:
    card = find_card(name)
    return Attempt(
        order_id=1_000_001,
        three_ds_server_trans_id=str(uuid4()),
        card=Card(Secret(card.pan), Expiry.of(card.expiry), Secret(card.cvv2)),
        merchant_id=MERCHANT_ID,
        merchant_name="Nar",
        amount_minor=30_00,
        currency=AZN,
        at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        browser=Browser(accept_header="text/html", user_agent="test", language="en"),
        notification_url="https://localhost:8443/3ds/return",
        method_notification_url="https://localhost:8443/3ds/method",
    )


async def test_a_port_that_is_taken_is_named_by_its_option(world: World) -> None:
    taken = urlsplit(world.threeds.acs_url).port
    assert taken

    with pytest.raises(ConfigurationError, match=f"Port {taken} \\(--acs-port\\) is in use"):
        async with threeds_world(
            world.certificates, world.clock, acs_port=taken, results_port=taken
        ):
            pass


def test_every_card_but_one_takes_part() -> None:
    known = {pan.reveal() for pan in scenarios()}

    assert [card.name for card in every_card() if card.pan not in known] == ["00"]


@pytest.mark.parametrize(
    ("name", "verdict", "reason", "eci"),
    [
        ("approve", Verdict.PROVED, None, "05"),
        ("slow", Verdict.PROVED, None, "02"),
        ("205", Verdict.PROVED, None, "05"),
        ("attempted", Verdict.ATTEMPTED, None, "06"),
        ("unavailable", Verdict.UNAVAILABLE, "22", None),
        ("rejected", Verdict.REJECTED, "11", None),
        ("00", Verdict.NOT_ENROLLED, None, None),
        ("05", Verdict.REFUSED, "01", None),
        ("18", Verdict.REFUSED, "04", None),
        ("3ds-malformed", Verdict.NO_ANSWER, None, None),
        ("3ds-other-transaction", Verdict.NO_ANSWER, None, None),
        ("3ds-redirect", Verdict.NO_ANSWER, None, None),
    ],
)
async def test_a_card_is_authenticated_as_its_scenario_says(
    world: World, name: str, verdict: Verdict, reason: str | None, eci: str | None
) -> None:
    ended = await world.authenticate(name)

    assert isinstance(ended, Authenticated)
    assert (ended.result.verdict, ended.result.reason, ended.result.eci) == (verdict, reason, eci)


@pytest.mark.parametrize(("name", "has_one"), [("method", True), ("approve", False)])
async def test_some_cards_have_a_method_page_at_the_issuer(
    world: World, name: str, has_one: bool
) -> None:
    call = await world.threeds.authenticator.method(attempt(name))

    assert (call and call.url) == (f"{world.threeds.acs_url}/method" if has_one else None)


async def test_the_issuer_s_page_is_another_site_than_the_hosted_page(world: World) -> None:
    challenge = await world.authenticate("challenge")

    assert isinstance(challenge, Challenge)
    assert challenge.acs_url == f"{world.threeds.acs_url}/challenge"
    assert world.threeds.acs_url.startswith("https://127.0.0.1:")


async def test_a_challenge_lives_by_business_time_and_its_result_comes_from_the_directory(
    world: World,
) -> None:
    challenge = await world.authenticate("challenge-mc")
    assert isinstance(challenge, Challenge)
    world.clock.advance(LIFE)
    browser = ssl.create_default_context(cafile=world.certificates.authority.servers_ca)

    async with httpx2.AsyncClient(verify=browser) as http:
        page = await http.post(challenge.acs_url, data={"creq": challenge.creq})
    async with asyncio.timeout(5):
        trans_id, result = await world.results.get()

    assert page.status_code == 200
    assert trans_id == challenge.three_ds_server_trans_id
    assert result.verdict is Verdict.TIMED_OUT


async def test_results_are_taken_from_nobody_but_the_directory(world: World) -> None:
    mine = world.certificates.client_tls(world.certificates.threeds_server)

    async with httpx2.AsyncClient(verify=mine) as http:
        answer = await http.post(world.results_url, content=b"{}")

    assert answer.status_code == 403
    assert world.results.empty()
