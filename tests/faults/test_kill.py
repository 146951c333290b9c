"""Killed under load, ten times: what was answered is there, and nothing is left half done."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Final

import apsw
import httpx2
import pytest
from tests.gateway_fixtures import MERCHANT_ID
from tests.sandbox_command import Running, running_sandbox

from tkkpg.client import AZN, Amount, AsyncClient, OrderRef, OrderStatus, TransportError
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.home import check_home
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.sandbox.cardholder import CardholderStopped, browser, pay
from tkkpg.sandbox.cards import find_card

pytestmark = pytest.mark.anyio

ROUNDS: Final = 10
BUSY_ROUNDS: Final = 6
"""Rounds in which something must have been answered; the rest may be killed too early."""
KILLED_AFTER_S: Final = (0.2, 0.5)
SHOPS: Final = 4
CARDS: Final = ("approve", "approve", "076")
SLOW: Final = ("slow",)
"""Its answer takes longer than a round: at each kill an authorisation is under way."""
AMOUNT: Final = Amount.of("30.00", AZN)
BACK: Final = Amount.of("10.00", AZN)
RECOVERED_S: Final = 5.0

WAITING: Final = (
    "SELECT (SELECT count(*) FROM orders WHERE status IN ('ON-LOCK', 'ON-REFUND')),"
    " (SELECT count(*) FROM tran WHERE state IN ('SENT', 'UNKNOWN', 'REVERSING')),"
    " (SELECT sum(CASE posting WHEN 'CHARGE' THEN amount_minor WHEN 'SETTLE' THEN -amount_minor"
    " ELSE 0 END) FROM entry)"
)
"""Orders and transactions without an outcome, and money not yet on the merchant's account."""
UNTOLD: Final = (
    "SELECT order_id, status FROM orders"
    " WHERE status NOT IN ('CREATED', 'ON-PAYMENT', 'ON-LOCK') AND order_id NOT IN"
    " (SELECT order_id FROM notification WHERE state IN ('QUEUED', 'DELIVERED'))"
)
MISBOOKED: Final = (
    "SELECT order_id, status FROM orders o WHERE"
    " (SELECT count(*) FROM entry e WHERE e.order_id = o.order_id AND posting = 'CHARGE')"
    " <> (status IN ('APPROVED', 'REFUNDED'))"
    " OR (SELECT coalesce(sum(amount_minor), 0) FROM entry e"
    " WHERE e.order_id = o.order_id AND posting = 'REFUND') <> refunded_minor"
)
GIVEN_UP: Final = "SELECT count(*) FROM tran WHERE state = 'REVERSED'"
STORED: Final = "SELECT posted_minor, reserved_minor FROM balance WHERE merchant_id = ?"
DERIVED: Final = (
    "SELECT sum(CASE WHEN phase IN ('POSTED', 'POSTS') THEN amount_minor ELSE 0 END"
    " * ((credit = 'MERCHANT_CURRENT') - (debit = 'MERCHANT_CURRENT'))),"
    " sum(CASE WHEN debit <> 'MERCHANT_CURRENT' THEN 0 WHEN phase = 'PENDING' THEN amount_minor"
    " WHEN phase IN ('POSTS', 'VOIDS') THEN -amount_minor ELSE 0 END)"
    " FROM entry WHERE merchant_id = ?"
)


@dataclass(slots=True)
class Answered:
    """What the gateway has said, and so may never lose.

    Attributes:
        created: Orders whose CreateOrder was answered.
        outcomes: How an order ended, as its payer's browser was told.
        refunded: Orders of which a part was given back.
    """

    created: list[OrderRef] = field(default_factory=list)
    outcomes: dict[int, OrderStatus] = field(default_factory=dict)
    refunded: set[int] = field(default_factory=set)

    def count(self) -> int:
        """Count the answers."""
        return len(self.created) + len(self.outcomes) + len(self.refunded)


def line(sandbox: Running) -> AsyncClient:
    """Make the merchant's line to it."""
    return AsyncClient(sandbox.endpoint, sandbox.credentials, merchant_id=MERCHANT_ID)


async def sell(client: AsyncClient, answered: Answered) -> None:
    """Create orders that nobody pays, until nobody answers."""
    with suppress(TransportError):
        while True:
            answered.created.append((await client.create_order(amount=AMOUNT)).ref)


async def buy(
    client: AsyncClient, http: httpx2.AsyncClient, answered: Answered, cards: Iterator[str]
) -> None:
    """Create orders, pay them on the page and give some money back, until nobody answers."""
    with suppress(TransportError, CardholderStopped):
        while True:
            order = await client.create_order(amount=AMOUNT)
            answered.created.append(order.ref)
            journey = await pay(http, order.payment_url, find_card(next(cards)))
            if journey.xmlout is None:
                continue  # the page was still waiting for the outcome
            answered.outcomes[order.order_id] = journey.xmlout.order_status
            if journey.xmlout.order_status is OrderStatus.APPROVED:
                await client.refund(order.ref, amount=BACK)
                answered.refunded.add(order.order_id)


async def load_and_kill(sandbox: Running, answered: Answered, chance: random.Random) -> None:
    """Kill the sandbox in the middle of everything."""
    async with (
        line(sandbox) as client,
        browser(Path(sandbox.info["ca"])) as http,
        asyncio.TaskGroup() as load,
    ):
        for _ in range(SHOPS):
            load.create_task(sell(client, answered))
        for cards in (CARDS, CARDS, CARDS, SLOW):
            load.create_task(buy(client, http, answered, cycle(cards)))
        await asyncio.sleep(chance.uniform(*KILLED_AFTER_S))
        sandbox.kill()


async def waiting(db: apsw.Connection) -> tuple[int, int, int]:
    """Give the gateway some seconds to recover; say what waits after them."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + RECOVERED_S
    while True:
        ((orders, trans, unsettled_minor),) = select(db, WAITING)
        if not (orders or trans or unsettled_minor) or loop.time() > deadline:
            return orders, trans, unsettled_minor
        await asyncio.sleep(0.05)


async def statuses(client: AsyncClient, refs: list[OrderRef]) -> dict[int, OrderStatus]:
    """Ask for every order, a few at a time."""
    at_once = asyncio.Semaphore(16)

    async def ask(ref: OrderRef) -> tuple[int, OrderStatus]:
        async with at_once:
            state = await client.get_order_status(ref)
            return state.order_id, state.order_status

    return dict(await asyncio.gather(*map(ask, refs)))


def check_answers(answered: Answered, found: dict[int, OrderStatus]) -> None:
    """Compare what the gateway said before it was killed with what it says now."""
    assert set(found) == {ref.order_id for ref in answered.created}
    for order_id, outcome in answered.outcomes.items():
        if order_id in answered.refunded:
            assert found[order_id] is OrderStatus.REFUNDED
        elif outcome is OrderStatus.APPROVED:  # its refund may have been done, not answered
            assert found[order_id] in {OrderStatus.APPROVED, OrderStatus.REFUNDED}
        else:
            assert found[order_id] is outcome


def check_books(db: apsw.Connection, home: Path) -> None:
    """Compare notifications, ledger, balance and seals with the orders."""
    assert select(db, UNTOLD) == []
    assert select(db, MISBOOKED) == []
    assert select(db, STORED, (MERCHANT_ID,)) == select(db, DERIVED, (MERCHANT_ID,))
    assert check_home(home, datetime.now(UTC)) == []
    assert select(db, "PRAGMA integrity_check") == [("ok",)]


async def test_what_was_answered_survives_ten_kills_under_load(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    answered, home, busy_rounds = Answered(), tmp_path / "home", 0
    for _ in range(ROUNDS):
        before = answered.count()
        with running_sandbox(home) as sandbox:
            await load_and_kill(sandbox, answered, chance)
        busy_rounds += answered.count() > before
    assert busy_rounds >= BUSY_ROUNDS
    assert answered.outcomes
    with running_sandbox(home) as sandbox, closing(connect(home / DATABASE, writing=False)) as db:
        assert await waiting(db) == (0, 0, 0)
        async with line(sandbox) as client:
            check_answers(answered, await statuses(client, answered.created))
        assert sandbox.stop() == 0
        check_books(db, home)
        assert select(db, GIVEN_UP)[0][0] > 0, "no kill met a payment under way"
