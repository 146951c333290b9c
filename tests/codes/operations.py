"""A declined Completion, Reverse and Refund, produced on demand and followed to both ledgers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.codes.walk import ANSWERS, REVERSED_S, Place, journal, read
from tests.faults.grid.ledgers import CHARGED

from tkkpg.client import AZN, Amount, CreatedOrder, OperationRefused, OrderStatus, OrderType
from tkkpg.gateway.config import CONTROL, DATABASE
from tkkpg.gateway.control import ask_owner
from tkkpg.gateway.model.transaction import NO_LINK_CODE, SILENCE_CODE
from tkkpg.sandbox.cardholder import pay
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.faults.verbs import OUTCOME

if TYPE_CHECKING:
    from tkkpg.client import AsyncClient

PRICE: Final = Amount(30_00, AZN)
PART: Final = Amount(20_00, AZN)
CODES: Final = ("568", NO_LINK_CODE, "051", SILENCE_CODE)
"""A code of the host, one of the issuer, nothing sent, and nothing heard."""
DONE: Final = "00"
TRAN: Final = (
    "SELECT rrn, state, coalesce(response_code, '') FROM tran"
    " WHERE order_id = ? ORDER BY tran_id DESC LIMIT 1"
)
BALANCE: Final = "SELECT sum(charged_minor), sum(held_minor) FROM movement WHERE original_rrn = ?"


class Told(NamedTuple):
    """What the client says of an operation: its status, and its code where it has one."""

    status: str
    code: str


class Money(NamedTuple):
    """Where an order's money is: charged and held, in minor units."""

    charged: int
    held: int


class Operation(NamedTuple):
    """An operation on a paid order, and what it changes.

    Attributes:
        type: What is asked of the issuer.
        kind: How the order is paid.
        do: Asks for it; gives approval and code.
        before: The paid order's status and money.
        after: Those that it leaves.
    """

    name: str
    type: str
    kind: OrderType
    do: Callable[[AsyncClient, CreatedOrder], Awaitable[tuple[bool, str]]]
    before: tuple[OrderStatus, Money]
    after: tuple[OrderStatus, Money]


async def _complete(client: AsyncClient, created: CreatedOrder) -> tuple[bool, str]:
    done = await client.complete(created.ref, amount=PART)
    return done.approved, done.response_code


async def _reverse(client: AsyncClient, created: CreatedOrder) -> tuple[bool, str]:
    done = await client.reverse(created.ref)
    return done.approved, done.response_code


async def _refund(client: AsyncClient, created: CreatedOrder) -> tuple[bool, str]:
    await client.refund(created.ref, amount=PART)
    return True, ""


_HELD: Final = (OrderStatus.PREAUTH_APPROVED, Money(0, PRICE.minor))
_CHARGED: Final = (OrderStatus.APPROVED, Money(PRICE.minor, 0))
_GONE: Final = (OrderStatus.REVERSED, Money(0, 0))
_PURCHASE, _HOLD = OrderType.PURCHASE, OrderType.PRE_AUTH
OPERATIONS: Final = (
    Operation(
        *("Completion", "0220", _HOLD, _complete, _HELD),
        (OrderStatus.APPROVED, Money(PART.minor, 0)),
    ),
    Operation("Reverse of a hold", "0400", _HOLD, _reverse, _HELD, _GONE),
    Operation("Reverse of a charge", "0400", _PURCHASE, _reverse, _CHARGED, _GONE),
    Operation(
        *("Refund", "0200", _PURCHASE, _refund, _CHARGED),
        (OrderStatus.REFUNDED, Money(PRICE.minor - PART.minor, 0)),
    ),
)


class OperationStep(NamedTuple):
    """An operation, and the code that it meets."""

    operation: Operation
    code: str

    def __str__(self) -> str:
        """Name it."""
        return f"{self.code} by a {self.operation.name}"


def every_operation() -> list[OperationStep]:
    """Return each operation with each code."""
    return [OperationStep(*one) for one in product(OPERATIONS, CODES)]


def short_operations() -> list[OperationStep]:
    """Return each operation and each code once."""
    return [OperationStep(*one) for one in zip(OPERATIONS, CODES, strict=True)]


async def rehearse(place: Place, step: OperationStep) -> list[str]:
    """Pay an order and have an operation on it meet a code, then do it again; say what is wrong.

    What declines leaves everything as it was, so that it can be asked for again; what was not
    answered is carried out.
    """
    operation, code = step
    created = await place.client.create_order(amount=PRICE, order_type=operation.kind)
    await pay(place.http, created.payment_url, find_card("approve"))
    control = place.home / CONTROL
    await asyncio.to_thread(ask_owner, control, OUTCOME, code=code, order_id=created.order_id)
    told = await _told(operation, place, created)
    silent = code == SILENCE_CODE
    rrn, *tran = await _ended(place, created.order_id)
    approved = ("APPROVED", "001")
    expected_tran = {SILENCE_CODE: approved, NO_LINK_CODE: ("NOT_SENT", NO_LINK_CODE)}
    answered = "001" if silent else code
    found: dict[str, tuple[object, object]] = {
        "what the client says": (told, _expected(operation, code)),
        "transaction": (tuple(tran), expected_tran.get(code, ("DECLINED", code))),
        "issuer's answers": (
            journal(place, ANSWERS, rrn),
            [] if code == NO_LINK_CODE else [(operation.type, answered)],
        ),
    }
    found |= await _standing(place, created, operation.after if silent else operation.before)
    if not silent:
        again = await _told(operation, place, created)
        found["the same again"] = (again.status, DONE)
        found |= await _standing(place, created, operation.after)
    return [
        f"{step}, order {created.order_id}: {what} is {is_!r}, not {should!r}"
        for what, (is_, should) in found.items()
        if is_ != should
    ]


async def _told(operation: Operation, place: Place, created: CreatedOrder) -> Told:
    try:
        approved, code = await operation.do(place.client, created)
    except OperationRefused as refused:
        return Told(str(refused.status), "")
    return Told(DONE if approved else "96", code)


def _expected(operation: Operation, code: str) -> Told:
    """Say what a client is told (decision 11): a Refund has no room for a code."""
    if code == NO_LINK_CODE:
        return Told("97", "")
    tells = code != SILENCE_CODE and operation.do is not _refund
    return Told("96", code if tells else "")


async def _standing(
    place: Place, created: CreatedOrder, should: tuple[OrderStatus, Money]
) -> dict[str, tuple[object, object]]:
    """Compare the order's status, our books and the issuer's with what they should be."""
    status, money = should
    state = await place.client.get_order_status(created.ref)
    ((ours,),) = read(place.home / DATABASE, f"{CHARGED} ?", created.order_id)
    ((rrn,),) = read(
        place.home / DATABASE,
        "SELECT rrn FROM tran WHERE order_id = ? AND kind = 'AUTHORISATION'",
        created.order_id,
    )
    ((charged, held),) = journal(place, BALANCE, rrn)
    return {
        f"status {status}": (state.order_status, status),
        f"books with {money.charged}": (ours, money.charged),
        f"issuer's journal with {money}": (Money(charged, held), money),
    }


async def _ended(place: Place, order_id: int) -> list[Any]:
    """Read the order's newest transaction, as soon as it has its outcome."""
    deadline = asyncio.get_running_loop().time() + REVERSED_S
    while True:
        row = list(read(place.home / DATABASE, TRAN, order_id)[0])
        if row[1] not in {"SENT", "UNKNOWN"} or asyncio.get_running_loop().time() > deadline:
            return row
        await asyncio.sleep(0.02)
