"""One response code, produced on demand and followed from the hosted page to both ledgers."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import apsw

from tkkpg.client import AZN, Amount, OrderStatus
from tkkpg.gateway.config import CONTROL, DATABASE
from tkkpg.gateway.control import ask_owner
from tkkpg.gateway.model.transaction import NO_LINK_CODE, SILENCE_CODE
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.protocol.codes import Origin, Outcome, ResponseCode
from tkkpg.protocol.values import Language
from tkkpg.sandbox.cardholder import pay
from tkkpg.sandbox.cards import amount_minor_of, find_card
from tkkpg.sandbox.faults.verbs import OUTCOME

if TYPE_CHECKING:
    import httpx2

    from tkkpg.client import AsyncClient

PRICE_MINOR: Final = 30_00
THREEDS: Final = {"00": ("U", "Declined"), "05": ("N", "Declined"), "18": ("N", "Declined")}
"""What XMLOut says of 3-D Secure where that has ended the order."""
BUSY_MS: Final = 10_000
REVERSED_S: Final = 20.0
"""How long the reversal of what nobody knows may take."""
TRAN: Final = (
    "SELECT rrn, state, response_code, coalesce(approval_code, ''), pan_masked FROM tran"
    " WHERE order_id = ?"
)
ENTRIES: Final = "SELECT posting, amount_minor FROM entry WHERE order_id = ? ORDER BY rowid"
ANSWERS: Final = "SELECT type, code FROM message WHERE rrn = ? ORDER BY rowid"
MOVED: Final = (
    "SELECT charged_minor, held_minor FROM movement WHERE original_rrn = ? ORDER BY rowid"
)


class Way(StrEnum):
    """How a code is asked for."""

    CARD = "card"
    AMOUNT = "amount"
    TRIGGER = "trigger"


class Step(NamedTuple):
    """A code, how it is asked for, and in which language the payer sees it."""

    entry: ResponseCode
    way: Way
    language: Language

    def __str__(self) -> str:
        """Name it."""
        return f"{self.entry.code} by {self.way}"


@dataclass(frozen=True, slots=True)
class Place:
    """A running sandbox to pay at."""

    home: Path
    journal: Path
    client: AsyncClient
    http: httpx2.AsyncClient


async def walk(place: Place, step: Step) -> list[str]:
    """Pay an order that is to end with a code; say what is not as it should be."""
    code = step.entry.code
    amount = Amount(amount_minor_of(code) if step.way is Way.AMOUNT else PRICE_MINOR, AZN)
    created = await place.client.create_order(amount=amount, language=step.language)
    if step.way is Way.TRIGGER:
        control = place.home / CONTROL
        await asyncio.to_thread(ask_owner, control, OUTCOME, code=code, order_id=created.order_id)
    names = {Way.CARD: code, Way.AMOUNT: "amount", Way.TRIGGER: "approve"}
    typed = find_card(names[step.way])
    journey = await pay(place.http, created.payment_url, typed)
    message = journey.xmlout
    state = await place.client.get_order_status(created.ref)
    rrn, tran_state, *told = await _ended(place, created.order_id)
    expected = _status(step.entry)
    found: dict[str, tuple[object, object]] = {
        "XMLOut's status": (message and message.order_status, expected),
        "XMLOut's code": (message and message.response_code, code),
        "XMLOut's text": (
            message and message.response_description,
            step.entry.text(step.language).strip(),  # as every text on the wire
        ),
        "XMLOut's 3-D Secure": (
            message and (message.three_ds_verification, message.three_ds_status),
            THREEDS.get(code, ("Y", "Approved")),
        ),
        "GetOrderStatus": (state.order_status, expected),
        "transaction": (tran_state, _state(step.entry)),
        "code and approval code of the transaction": (
            (told[0], bool(told[1])),
            (code, step.entry.approved),
        ),
        "payer's card": (told[2][-4:], typed.pan[-4:]),
        "ledger": (
            read(place.home / DATABASE, ENTRIES, created.order_id),
            [("CHARGE", amount.minor)] if step.entry.approved else [],
        ),
        "issuer's answers": (journal(place, ANSWERS, rrn), _answers(step.entry)),
        "issuer's movements": (journal(place, MOVED, rrn), _moved(step.entry, amount.minor)),
    }
    return [
        f"{code} by {step.way}, order {created.order_id}: {what} is {is_!r}, not {should!r}"
        for what, (is_, should) in found.items()
        if is_ != should
    ]


def _status(entry: ResponseCode) -> OrderStatus:
    if entry.code == NO_LINK_CODE:
        return OrderStatus.ERROR
    return OrderStatus.APPROVED if entry.approved else OrderStatus.DECLINED


def _undone(entry: ResponseCode) -> bool:
    """Whether the issuer moved money that the gateway has to have back."""
    return entry.outcome is Outcome.REVERSE or entry.code == SILENCE_CODE


def _state(entry: ResponseCode) -> str:
    if entry.origin is Origin.THREE_DS:
        return "ABANDONED"
    if entry.code == NO_LINK_CODE:
        return "NOT_SENT"
    if _undone(entry):
        return "REVERSED"
    return "APPROVED" if entry.approved else "DECLINED"


def _answers(entry: ResponseCode) -> list[tuple[str, str]]:
    """Give what the issuer should have answered: what it sent, and to a reversal."""
    if entry.code == NO_LINK_CODE or entry.origin is Origin.THREE_DS:
        return []
    first = ("0200", "001" if entry.code == SILENCE_CODE else entry.code)
    return [first, ("0420", "001")] if _undone(entry) else [first]


def _moved(entry: ResponseCode, amount_minor: int) -> list[tuple[int, int]]:
    if entry.approved:
        return [(amount_minor, 0)]
    if not _undone(entry):
        return []
    moved = amount_minor if entry.code == SILENCE_CODE else (amount_minor + 1) // 2
    return [(moved, 0), (-moved, 0)]


async def _ended(place: Place, order_id: int) -> list[Any]:
    """Read the order's one transaction, as soon as what has to be reversed is."""
    deadline = asyncio.get_running_loop().time() + REVERSED_S
    while True:
        row = list(read(place.home / DATABASE, TRAN, order_id)[0])
        if row[1] != "REVERSING" or asyncio.get_running_loop().time() > deadline:
            return row
        await asyncio.sleep(0.02)


def read(path: Path, query: str, value: int) -> list[Any]:
    """Ask our own database."""
    with closing(connect(path, writing=False)) as db:
        return select(db, query, (value,))


def journal(place: Place, query: str, rrn: str) -> list[Any]:
    """Ask the issuer's."""
    flags = apsw.SQLITE_OPEN_READWRITE
    with closing(apsw.Connection(str(place.journal), flags=flags)) as db:
        db.set_busy_timeout(BUSY_MS)
        db.execute("PRAGMA query_only=ON")
        return list(db.execute(query, (rrn,)))
