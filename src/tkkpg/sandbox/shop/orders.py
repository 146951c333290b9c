"""The shop's own order book: what was ordered, and what the bank said about paying it.

A shop order may need several orders at the bank, one after the other, since one that was declined
stays declined. Each is an `Attempt` here; the last one counts, and none is made while another may
still be paid.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

from tkkpg.client import CreatedOrder
from tkkpg.protocol.values import Amount, Language, OrderRef, OrderStatus
from tkkpg.sandbox.shop.baskets import Line, read_lines, total_of
from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.verdicts import VERDICTS, Verdict, contradicts


class TroubleKind(StrEnum):
    """What may go wrong between shop and bank, told apart by what it means for the payer."""

    NOT_STARTED = "not_started"
    """The bank was not reached: nothing happened, try again."""
    UNCLEAR = "unclear"
    """An order may exist at the bank whose number is lost: nobody can pay it, try again."""
    REFUSED = "refused"
    """The bank said no to the order: the shop has to mend something."""
    NOT_CONFIRMED = "not_confirmed"
    """The bank cannot be asked how it stands: do not pay again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that went wrong, and what the client said about it, for the developer."""

    kind: TroubleKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One order at the bank.

    Attributes:
        ref: Number and session, with which the bank is asked.
        payment_url: Where the payer pays; it holds the session.
        status: What the bank said last, never what a message said.
        claimed: What the last message about it said, `None` without one.
        described: Its ResponseDescription, which the bank tells shops to read; empty without one.
        refunded_minor: What was returned, in minor units; `None` when that is not known.
    """

    ref: OrderRef
    payment_url: str = field(repr=False)
    status: OrderStatus
    claimed: OrderStatus | None
    described: str
    refunded_minor: int | None

    @property
    def verdict(self) -> Verdict:
        """What its status means to the shop."""
        return VERDICTS[self.status]

    @property
    def contradicted(self) -> bool:
        """Whether a message claimed something that the bank does not confirm."""
        return self.claimed is not None and contradicts(self.claimed, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopOrder:
    """An order in the shop.

    Attributes:
        number: For people.
        reference: Unguessable; who knows it may look at the order and pay it.
        language: The payer's, also on the bank's page.
        lines: What was ordered, at the prices of that moment.
        attempts: Orders at the bank, oldest first.
        trouble: Why the last payment could not be begun, `None` when it could.
    """

    number: int
    reference: str = field(repr=False)
    language: Language
    lines: tuple[Line, ...]
    attempts: tuple[Attempt, ...]
    trouble: Trouble | None

    @property
    def total(self) -> Amount:
        """What it costs."""
        return total_of(self.lines)

    @property
    def attempt(self) -> Attempt | None:
        """The order at the bank that counts, `None` when there has been none."""
        return self.attempts[-1] if self.attempts else None

    @property
    def verdict(self) -> Verdict:
        """Where it stands, as far as the bank has said."""
        return self.attempt.verdict if self.attempt else Verdict.NOT_PAID


class OrderBook:
    """All orders of the shop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self, basket_id: str, language: Language) -> ShopOrder | None:
        """Turn a basket into an order and empty it.

        Returns:
            The new order. For an empty basket the last one of the same visitor, so that a button
            pressed twice orders once; `None` when there is none.
        """
        with self._database.transaction() as tx:
            lines = read_lines(tx, basket_id)
            if lines:
                tx.execute(
                    "INSERT INTO orders (reference, basket_id, language, lines)"
                    " VALUES (?, ?, ?, ?)",
                    (secrets.token_urlsafe(24), basket_id, language, _write_lines(lines)),
                )
                tx.execute("DELETE FROM baskets WHERE basket_id = ?", (basket_id,))
            return _read_last(tx, basket_id)

    def last_of(self, basket_id: str) -> ShopOrder | None:
        """Find the newest order of a visitor."""
        with self._database.transaction() as tx:
            return _read_last(tx, basket_id)

    def get(self, reference: str) -> ShopOrder:
        """Find an order by its reference.

        Raises:
            LookupError: There is none.
        """
        with self._database.transaction() as tx:
            row = tx.execute("SELECT * FROM orders WHERE reference = ?", (reference,)).fetchone()
            if row is None:
                raise LookupError("There is no order with this reference in the shop's book.")
            return _read(tx, row)

    def find_by_order_id(self, order_id: int) -> tuple[ShopOrder, ...]:
        """Find the orders that had this number at the bank; a bank that began anew may repeat."""
        with self._database.transaction() as tx:
            rows = tx.execute(
                "SELECT DISTINCT orders.* FROM orders JOIN attempts USING (reference)"
                " WHERE order_id = ?",
                (order_id,),
            ).fetchall()
            return tuple(_read(tx, row) for row in rows)

    def begin_attempt(self, reference: str, created: CreatedOrder) -> None:
        """Keep a new order at the bank before the payer hears of it."""
        with self._database.transaction() as tx:
            tx.execute(
                "INSERT INTO attempts (reference, order_id, session_id, payment_url, status)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    reference,
                    created.order_id,
                    created.session_id,
                    created.payment_url,
                    OrderStatus.CREATED,
                ),
            )
            tx.execute(
                "UPDATE orders SET trouble = NULL, trouble_detail = NULL WHERE reference = ?",
                (reference,),
            )

    def note_trouble(self, reference: str, trouble: Trouble) -> None:
        """Keep why a payment could not be begun, until one can."""
        with self._database.transaction() as tx:
            tx.execute(
                "UPDATE orders SET trouble = ?, trouble_detail = ? WHERE reference = ?",
                (trouble.kind, trouble.detail, reference),
            )

    def note_status(self, ref: OrderRef, status: OrderStatus) -> None:
        """Keep what the bank says."""
        self._note(ref, "status", status)

    def note_claim(self, ref: OrderRef, claimed: OrderStatus, described: str) -> None:
        """Keep what a message says, which changes nothing else."""
        self._note(ref, "claimed", claimed)
        self._note(ref, "described", described)

    def note_refunded(self, ref: OrderRef, refunded_minor: int | None) -> None:
        """Keep how much the bank says was returned, in minor units."""
        self._note(ref, "refunded_minor", refunded_minor)

    def _note(self, ref: OrderRef, column: str, value: str | int | None) -> None:
        with self._database.transaction() as tx:
            tx.execute(
                f"UPDATE attempts SET {column} = ? WHERE order_id = ? AND session_id = ?",  # noqa: S608 - the callers above name the column
                (value, ref.order_id, ref.session_id),
            )


def _read_last(tx: sqlite3.Connection, basket_id: str) -> ShopOrder | None:
    row = tx.execute(
        "SELECT * FROM orders WHERE basket_id = ? ORDER BY number DESC LIMIT 1", (basket_id,)
    ).fetchone()
    return None if row is None else _read(tx, row)


def _read(tx: sqlite3.Connection, row: sqlite3.Row) -> ShopOrder:
    attempts = tx.execute(
        "SELECT * FROM attempts WHERE reference = ? ORDER BY attempt", (row["reference"],)
    )
    kind = row["trouble"]
    return ShopOrder(
        number=row["number"],
        reference=row["reference"],
        language=Language(row["language"]),
        lines=tuple(Line(*line) for line in json.loads(row["lines"])),
        attempts=tuple(map(_read_attempt, attempts)),
        trouble=Trouble(TroubleKind(kind), row["trouble_detail"]) if kind else None,
    )


def _read_attempt(row: sqlite3.Row) -> Attempt:
    claimed = row["claimed"]
    return Attempt(
        ref=OrderRef(row["order_id"], row["session_id"]),
        payment_url=row["payment_url"],
        status=OrderStatus(row["status"]),
        claimed=OrderStatus(claimed) if claimed else None,
        described=row["described"],
        refunded_minor=row["refunded_minor"],
    )


def _write_lines(lines: tuple[Line, ...]) -> str:
    return json.dumps([[line.product, line.quantity, line.price_minor] for line in lines])
