"""The flows of the grid: what is done to the gateway that has a crash point armed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urljoin

import apsw
from tests.faults.grid.lives import Life
from tests.faults.grid.told import Told
from tests.sandbox_command import TKKPG

from tkkpg.client import AZN, Amount, CreatedOrder, OperationRefused, OrderStatus
from tkkpg.gateway.app import DATABASE
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.sandbox.cardholder import form_with, pay
from tkkpg.sandbox.cards import find_card

Drive: TypeAlias = Callable[[Life, Told], Awaitable[None]]

AMOUNT: Final = Amount.of("30.00", AZN)
BACK: Final = Amount.of("10.00", AZN)
PATIENCE_S: Final = 10.0
BUSY_MS: Final = 10_000
CANCEL_FORM: Final = '<form class="cancel"'


@dataclass(frozen=True, slots=True)
class Flow:
    """What one home goes through.

    Attributes:
        name: For people, and in the rows.
        drive: What is done to the life on trial.
        before: What was done to a life before it, which then ended.
        left_at: Crash point at which that life before ended; empty: killed when it was done.
        prepare: What is done to the home between the two.
        options: Of the life on trial.
        resolved: Whether the life on trial, left alone, ends up with nothing unresolved.
        whole: Every point that it reaches is tried, also those that an earlier flow reaches.
    """

    name: str
    drive: Drive
    before: Drive | None = None
    left_at: str = ""
    prepare: Callable[[Path], None] | None = None
    options: tuple[str, ...] = ()
    resolved: bool = True
    whole: bool = False


async def order(one: Life, told: Told) -> CreatedOrder:
    """Create an order."""
    created = await one.client.create_order(amount=AMOUNT)
    told.created[created.order_id] = created.ref
    return created


async def ordering(one: Life, told: Told) -> None:
    """Create an order that nobody pays."""
    await order(one, told)


async def buy(one: Life, told: Told, card: str) -> CreatedOrder:
    """Create an order, pay it on the page, and ask about it."""
    created = await order(one, told)
    journey = await pay(one.http, created.payment_url, find_card(card))
    if journey.xmlout is not None:
        told.outcomes[created.order_id] = journey.xmlout.order_status
    await one.client.get_order_status(created.ref)
    await one.client.get_order_information(created.ref)
    return created


def paying(card: str) -> Drive:
    """Make a drive that buys with a card."""

    async def drive(one: Life, told: Told) -> None:
        await buy(one, told, card)

    return drive


async def give_back(one: Life, told: Told, created: CreatedOrder) -> None:
    """Refund a part of an order."""
    await one.client.refund(created.ref, amount=BACK)
    told.refunded[created.order_id] = BACK.minor


async def refunding(one: Life, told: Told) -> None:
    """Buy, and give a part back."""
    created = await buy(one, told, "approve")
    if told.outcomes.get(created.order_id) is OrderStatus.APPROVED:
        await give_back(one, told, created)


def refunding_when(number: signal.Signals) -> Drive:
    """Make a drive that refunds just after the issuer got a signal; it is refused."""

    async def drive(one: Life, told: Told) -> None:
        created = await buy(one, told, "approve")
        one.signal_issuer(number)
        await asyncio.sleep(0.05)
        try:
            with suppress(OperationRefused):
                await give_back(one, told, created)
        finally:
            one.signal_issuer(signal.SIGCONT)

    return drive


async def refunding_declined(one: Life, told: Told) -> None:
    """Buy, and refund what the issuer does not find any more: it declines with 801."""
    created = await buy(one, told, "approve")
    with closing(apsw.Connection(one.info["journal"])) as journal:
        journal.set_busy_timeout(BUSY_MS)
        journal.execute("UPDATE movement SET original = 'mislaid'")
    with suppress(OperationRefused):
        await give_back(one, told, created)


async def leaving(one: Life, told: Told) -> None:
    """Open the page and press cancel."""
    created = await order(one, told)
    page = await one.http.get(created.payment_url)
    form = form_with(page.text[page.text.index(CANCEL_FORM) :], "TOKEN")
    assert form is not None
    origin = one.info["page_url"].rsplit("/", 1)[0]
    await one.http.post(
        urljoin(str(page.url), form.action),
        data=dict(form.values),
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
    )


async def nothing(one: Life, told: Told) -> None:
    """Leave it to itself."""


async def until(one: Life, question: str) -> None:
    """Wait until a question to the database has an answer, or the process is gone."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while one.process.returncode is None and asyncio.get_running_loop().time() < deadline:
        with closing(connect(one.home / DATABASE, writing=False)) as db:
            if select(db, question):
                return
        await asyncio.sleep(0.05)


async def answered_late(one: Life, told: Told) -> None:
    """Buy with a card whose answer comes after the time-out."""
    await buy(one, told, "slow")
    await until(one, "SELECT 1 FROM tran WHERE late_reply IS NOT NULL")


async def resolving(one: Life, told: Told) -> None:
    """Wait until the silent transaction is parked, and resolve it as the operator does."""
    await until(one, PARKED)
    await resolve_parked(one)


PARKED: Final = (
    "SELECT tran_id FROM tran WHERE parked_at IS NOT NULL"
    " AND state IN ('SENT', 'UNKNOWN', 'REVERSING')"
)


async def resolve_parked(one: Life) -> None:
    """Do the operator's work: nothing of what is parked here ever reached the issuer."""
    with closing(connect(one.home / DATABASE, writing=False)) as db:
        parked = select(db, PARKED)
    for (tran_id,) in parked:
        resolver = await asyncio.create_subprocess_exec(
            *(TKKPG, "tran", "resolve", str(tran_id), "--as", "reversed"),
            *("--reason", "The issuer has no such payment.", f"--home={one.home}"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await resolver.wait()


def later(hours: int) -> Callable[[Path], None]:
    """Make what is in a home older: the clock is the machine's, and nobody waits a day."""

    def age(home: Path) -> None:
        micros = hours * 3_600_000_000
        with closing(connect(home / DATABASE, writing=True)) as db:
            db.execute("UPDATE orders SET expires_at = expires_at - ?", (micros,))
            db.execute(
                "UPDATE tran SET created_at = created_at - ?1, sent_at = sent_at - ?1", (micros,)
            )

    return age


APPROVED: Final = paying("approve")
SILENT_REFUND: Final = refunding_when(signal.SIGSTOP)
FLOWS: Final = (
    Flow("purchase approved", APPROVED, whole=True),
    Flow("purchase declined", paying("076"), whole=True),
    Flow("purchase, silent host", paying("810"), whole=True),
    Flow("refund", refunding, whole=True),
    Flow("purchase, no link", paying("-1")),
    Flow("purchase, late reply", answered_late),
    Flow("payer leaves", leaving),
    Flow("order expires", nothing, ordering, prepare=later(1)),
    Flow("refund, declined", refunding_declined),
    Flow("refund, no link", refunding_when(signal.SIGKILL)),
    Flow("refund, silent host", SILENT_REFUND, resolved=False),
    Flow("payment recovered", nothing, APPROVED, "host.answered:authorisation", whole=True),
    Flow("reversal recovered", nothing, paying("810"), "host.before:reversal", whole=True),
    Flow("refund recovered", nothing, refunding, "host.answered:refund", whole=True),
    Flow(
        "silence recovered",
        nothing,
        SILENT_REFUND,
        "commit.after:refund_unknown",
        whole=True,
    ),
    Flow(
        "operator resolves",
        resolving,
        paying("approve"),
        "host.before:authorisation",
        later(25),
        ("--fault", "silence=1"),
        resolved=False,
    ),
)
