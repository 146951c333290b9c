"""The flows of the grid: what is done to the gateway that has a crash point armed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urljoin

from tests.faults.grid.ledgers import UNSETTLED_MERCHANTS, waiting
from tests.faults.grid.lives import UNSETTLED, Life
from tests.faults.grid.told import Told
from tests.sandbox_command import TKKPG

from tkkpg.client import (
    AZN,
    Amount,
    CreatedOrder,
    OperationRefused,
    OrderOptions,
    OrderRef,
    OrdersFilter,
    OrderStatus,
    OrderType,
)
from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.config import CLOCK, CONTROL, DATABASE
from tkkpg.gateway.control import ask_owner
from tkkpg.gateway.model.transaction import NO_LINK_CODE
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.protocol.redirect import payment_url
from tkkpg.sandbox.cardholder import Conduct, form_with, pay
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.faults.verbs import OUTCOME

Drive: TypeAlias = Callable[[Life, Told], Awaitable[None]]

AMOUNT: Final = Amount.of("30.00", AZN)
PART: Final = Amount.of("20.00", AZN)
PLAIN: Final = OrderOptions()
BACK: Final = Amount.of("10.00", AZN)
PATIENCE_S: Final = 10.0
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
    """

    name: str
    drive: Drive
    before: Drive | None = None
    left_at: str = ""
    prepare: Callable[[Path], None] | None = None
    options: tuple[str, ...] = ()


async def order(
    one: Life, told: Told, kind: OrderType = OrderType.PURCHASE, options: OrderOptions = PLAIN
) -> CreatedOrder:
    """Create an order."""
    created = await one.client.create_order(amount=AMOUNT, order_type=kind, options=options)
    told.created[created.order_id] = created.ref
    return created


async def ordering(one: Life, told: Told) -> None:
    """Create an order that nobody pays."""
    await order(one, told)


async def buy(
    one: Life,
    told: Told,
    card: str,
    kind: OrderType = OrderType.PURCHASE,
    conduct: Conduct = Conduct.PASS,
) -> CreatedOrder:
    """Create an order, and pay it on the page."""
    created = await order(one, told, kind)
    await type_card(one, told, created.ref, card, conduct)
    return created


async def ask(one: Life, _told: Told, created: CreatedOrder) -> None:
    """Ask everything that can be asked about an order."""
    await one.client.get_order_status(created.ref)
    await one.client.get_order_information(created.ref)
    await one.client.get_orders(OrdersFilter(order_id=created.order_id))


async def at_rest(one: Life, within_s: float, *, settled: bool = True) -> dict[str, int]:
    """Wait until a life has done what it does by itself, or is dead; give what still waits.

    Args:
        one: The life.
        within_s: The most time for it.
        settled: Whether the merchants have to be settled too.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        left = waiting(one.home)
        if not settled:
            left.pop(UNSETTLED_MERCHANTS, None)
        if not left or one.dead or loop.time() > deadline:
            return left
        await asyncio.sleep(0.02)


async def type_card(
    one: Life, told: Told, ref: OrderRef, card: str, conduct: Conduct = Conduct.PASS
) -> None:
    """Pay an order on the page, by way of the bank where it asks; note how it ends."""
    address = payment_url(one.info["page_url"], ref)
    journey = await pay(one.http, address, find_card(card), conduct=conduct)
    if journey.xmlout is not None:
        told.outcomes[ref.order_id] = journey.xmlout.order_status


def paying(card: str, conduct: Conduct = Conduct.PASS) -> Drive:
    """Make a drive that buys with a card."""

    async def drive(one: Life, told: Told) -> None:
        await buy(one, told, card, conduct=conduct)

    return drive


async def typing_again(one: Life, told: Told) -> None:
    """Pay what an earlier life left at the bank, with the card typed again."""
    with closing(connect(one.home / DATABASE, writing=False)) as db:
        left = select(db, "SELECT order_id, session_id FROM orders WHERE status = 'ON-PAYMENT'")
    for order_id, session_id in left:
        await type_card(one, told, OrderRef(order_id, session_id), "challenge")


async def give_back(one: Life, told: Told, created: CreatedOrder) -> None:
    """Refund a part of an order."""
    await one.client.refund(created.ref, amount=BACK)
    told.refunded[created.order_id] = told.refunded.get(created.order_id, 0) + BACK.minor


async def complete(one: Life, told: Told, created: CreatedOrder) -> None:
    """Charge a part of what an order holds."""
    done = await one.client.complete(created.ref, amount=PART)
    if done.approved:
        told.outcomes[created.order_id] = OrderStatus.APPROVED


async def reverse(one: Life, told: Told, created: CreatedOrder) -> None:
    """Undo an order's hold or charge."""
    done = await one.client.reverse(created.ref)
    if done.approved:
        told.outcomes[created.order_id] = OrderStatus.REVERSED


async def too_much(one: Life, _told: Told, created: CreatedOrder) -> None:
    """Ask for more back than was paid; it is refused, and noted."""
    with suppress(OperationRefused):
        await one.client.refund(created.ref, amount=Amount(AMOUNT.minor + 1, AZN))


Step: TypeAlias = Callable[[Life, Told, CreatedOrder], Awaitable[None]]


def following(*steps: Step, kind: OrderType = OrderType.PURCHASE, settled: bool = True) -> Drive:
    """Make a drive that pays an order and goes on with it.

    Between two steps the life comes to rest, so that each time the same happens before the next.

    Args:
        steps: What is done with it, one after the other.
        kind: Charged at once, or held first.
        settled: Whether each step finds settled what the one before it has charged.
    """

    async def drive(one: Life, told: Told) -> None:
        created = await buy(one, told, "approve", kind)
        if told.outcomes.get(created.order_id) not in {
            OrderStatus.APPROVED,
            OrderStatus.PREAUTH_APPROVED,
        }:
            return
        for step in steps:
            await at_rest(one, PATIENCE_S, settled=settled)
            await step(one, told, created)

    return drive


def meeting(code: str, step: Step) -> Step:
    """Make a step that meets a response code, and is refused by it."""

    async def met(one: Life, told: Told, created: CreatedOrder) -> None:
        control = one.home / CONTROL
        await asyncio.to_thread(ask_owner, control, OUTCOME, code=code, order_id=created.order_id)
        with suppress(OperationRefused):
            await step(one, told, created)

    return met


def silent(step: Step) -> Step:
    """Make a step that the issuer answers when nobody waits any more."""

    async def unanswered(one: Life, told: Told, created: CreatedOrder) -> None:
        one.signal_issuer(signal.SIGSTOP)
        try:
            with suppress(OperationRefused):
                await step(one, told, created)
        finally:
            one.signal_issuer(signal.SIGCONT)

    return unanswered


async def paying_again(one: Life, told: Told) -> None:
    """Save a card with a payment, and pay another order with it."""
    saving = await order(one, told, options=OrderOptions(save_card=True))
    card = find_card("approve")
    journey = await pay(one.http, saving.payment_url, card, save_card=True)
    message = journey.xmlout
    if message is None or not message.registrations:
        return
    told.outcomes[saving.order_id] = message.order_status
    created = await order(one, told)
    paid = await one.client.pay_with_saved_card(
        created.ref, amount=AMOUNT, card_uid=message.registrations[0].card_uid
    )
    told.outcomes[created.order_id] = paid.order_status


async def changing(one: Life, told: Told) -> None:
    """Change a setting as the operator does, and sell on."""
    setter = await asyncio.create_subprocess_exec(
        *(TKKPG, "merchant", "set", "E1000010", "--duplicate-window=5m", f"--home={one.home}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await setter.wait()
    await buy(one, told, "approve")


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
    while not one.dead and asyncio.get_running_loop().time() < deadline:
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
    """Move a home's business time forward while nobody lives in it: nobody waits a day."""

    def age(home: Path) -> None:
        BusinessClock(home / CLOCK).advance(timedelta(hours=hours))

    return age


DECLINES: Final = "568"
HOLD: Final = OrderType.PRE_AUTH
APPROVED: Final = paying("approve")
CHALLENGED: Final = paying("challenge")
KEPT: Final = "commit.after:authentication_kept"
REFUNDING: Final = following(give_back)
COMPLETING: Final = following(complete, kind=HOLD)
SILENT_REFUND: Final = following(silent(give_back))
SILENT_COMPLETION: Final = following(silent(complete), kind=HOLD)
SILENT_REVERSAL: Final = following(complete, silent(reverse), kind=HOLD)
FLOWS: Final = (
    Flow("purchase approved", following(ask)),
    Flow("purchase declined", paying("076")),
    Flow("purchase, silent host", paying("810")),
    Flow("refund", REFUNDING),
    Flow("refund at once", following(give_back, settled=False), options=(UNSETTLED,)),
    Flow("hold completed", COMPLETING),
    Flow("hold reversed", following(reverse, kind=HOLD)),
    Flow("completed, then refunded", following(complete, give_back, kind=HOLD)),
    Flow("completed, then reversed", following(complete, reverse, kind=HOLD)),
    Flow("charge reversed", following(reverse)),
    Flow("charge reversed at once", following(reverse, settled=False), options=(UNSETTLED,)),
    Flow("challenge passed", CHALLENGED),
    Flow("challenge failed", paying("challenge", Conduct.WRONG)),
    Flow("saved card", paying_again),
    Flow("refund refused", following(too_much)),
    Flow("purchase, no link", paying("-1")),
    Flow("purchase, late reply", answered_late),
    Flow("payer leaves", leaving),
    Flow("merchant changed", changing),
    Flow("order expires", nothing, ordering, prepare=later(1)),
    Flow("refund, declined", following(meeting(DECLINES, give_back))),
    Flow("refund, no link", following(meeting(NO_LINK_CODE, give_back))),
    Flow("refund, silent host", SILENT_REFUND),
    Flow("completion, declined", following(meeting(DECLINES, complete), kind=HOLD)),
    Flow("completion, no link", following(meeting(NO_LINK_CODE, complete), kind=HOLD)),
    Flow("completion, silent host", SILENT_COMPLETION),
    Flow("reversal, declined", following(meeting(DECLINES, reverse))),
    Flow("reversal, no link", following(meeting(NO_LINK_CODE, reverse))),
    Flow("reversal, silent host", SILENT_REVERSAL),
    Flow("card typed again", typing_again, CHALLENGED, KEPT),
    Flow("payment recovered", nothing, APPROVED, "host.answered:authorisation"),
    Flow("reversal recovered", nothing, paying("810"), "host.before:advice"),
    Flow("refund recovered", nothing, REFUNDING, "host.answered:refund"),
    Flow("completion recovered", nothing, COMPLETING, "host.answered:completion"),
    Flow("undoing recovered", nothing, following(reverse), "host.answered:reversal"),
    Flow("silence recovered", nothing, SILENT_REFUND, "commit.after:refund_unknown"),
    Flow(
        "silent completion recovered", nothing, SILENT_COMPLETION, "commit.after:completion_unknown"
    ),
    Flow("silent reversal recovered", nothing, SILENT_REVERSAL, "commit.after:reversal_unknown"),
    Flow(
        "operator resolves",
        resolving,
        APPROVED,
        "host.before:authorisation",
        later(25),
        ("--fault", "silence=1"),
    ),
)
