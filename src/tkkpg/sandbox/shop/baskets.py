"""Baskets, kept on the server; the browser holds nothing but a random name of one."""

from __future__ import annotations

import re
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Final

from tkkpg.protocol.values import AZN, Amount
from tkkpg.sandbox.shop.catalogue import products
from tkkpg.sandbox.shop.database import Database

QUANTITY_MAX: Final = 20
"""Pieces of one product, so that a sum stays one that a person might pay."""

BASKET_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Line:
    """Some pieces of one product.

    Attributes:
        product: Its slug.
        quantity: Pieces.
        price_minor: Minor units (qəpik) for one piece.
    """

    product: str
    quantity: int
    price_minor: int

    @property
    def price(self) -> Amount:
        """What one piece costs."""
        return Amount(self.price_minor, AZN)

    @property
    def total(self) -> Amount:
        """What all pieces cost."""
        return Amount(self.quantity * self.price_minor, AZN)


def total_of(lines: tuple[Line, ...]) -> Amount:
    """Add up lines."""
    return Amount(sum(line.total.minor for line in lines), AZN)


def new_basket_id() -> str:
    """Draw a name that nobody can guess: 256 bits."""
    return secrets.token_urlsafe(32)


class Baskets:
    """The baskets of all visitors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, basket_id: str) -> tuple[Line, ...]:
        """Give what is in a basket at today's prices, in the order of the shelf."""
        with self._database.transaction() as tx:
            return read_lines(tx, basket_id)

    def add(self, basket_id: str, product: str) -> None:
        """Put one piece in; more than `QUANTITY_MAX` do not fit.

        Raises:
            KeyError: There is no such product.
        """
        _ = products()[product]
        with self._database.transaction() as tx:
            tx.execute(
                "INSERT INTO baskets (basket_id, product, quantity) VALUES (?, ?, 1)"
                " ON CONFLICT DO UPDATE SET quantity = min(quantity + 1, ?)",
                (basket_id, product, QUANTITY_MAX),
            )

    def remove(self, basket_id: str, product: str) -> None:
        """Take one piece out, where there is one."""
        this = (basket_id, product)
        with self._database.transaction() as tx:
            tx.execute(
                "DELETE FROM baskets WHERE basket_id = ? AND product = ? AND quantity = 1", this
            )
            tx.execute(
                "UPDATE baskets SET quantity = quantity - 1 WHERE basket_id = ? AND product = ?",
                this,
            )


def read_lines(tx: sqlite3.Connection, basket_id: str) -> tuple[Line, ...]:
    """Read a basket inside a transaction that goes on to do something with it."""
    found = tx.execute("SELECT product, quantity FROM baskets WHERE basket_id = ?", (basket_id,))
    quantities = {row["product"]: row["quantity"] for row in found}
    return tuple(
        Line(product.slug, quantities[product.slug], product.price.minor)
        for product in products().values()
        if product.slug in quantities
    )
