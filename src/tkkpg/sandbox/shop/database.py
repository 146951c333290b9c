"""The shop's SQLite file: its tables, and one short transaction at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tkkpg.protocol.errors import ConfigurationError

OWNER_ONLY: Final = 0o600

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS baskets (
    basket_id TEXT NOT NULL,
    product   TEXT NOT NULL,
    quantity  INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (basket_id, product)
);
CREATE TABLE IF NOT EXISTS orders (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    reference      TEXT NOT NULL UNIQUE,
    basket_id      TEXT NOT NULL,
    language       TEXT NOT NULL,
    lines          TEXT NOT NULL,  -- JSON: [product, quantity, price in minor units], …
    trouble        TEXT,
    trouble_detail TEXT
);
CREATE INDEX IF NOT EXISTS orders_of_basket ON orders (basket_id);
CREATE TABLE IF NOT EXISTS attempts (
    attempt        INTEGER PRIMARY KEY AUTOINCREMENT,
    reference      TEXT NOT NULL REFERENCES orders (reference),
    order_id       INTEGER NOT NULL,
    session_id     TEXT NOT NULL,
    payment_url    TEXT NOT NULL,
    status         TEXT NOT NULL,
    claimed        TEXT,
    described      TEXT NOT NULL DEFAULT '',
    refunded_minor INTEGER,
    UNIQUE (order_id, session_id)  -- a bank that starts anew may count from the same number
);
CREATE INDEX IF NOT EXISTS attempts_of_order ON attempts (reference);
CREATE TABLE IF NOT EXISTS notifications (
    delivery_id TEXT PRIMARY KEY,
    order_id    INTEGER NOT NULL,
    claimed     TEXT NOT NULL,
    confirmed   INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS keys (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
"""

ADD_DESCRIBED: Final = "ALTER TABLE attempts ADD COLUMN described TEXT NOT NULL DEFAULT ''"


class Database:
    """Opens the file anew for every transaction.

    That costs a fraction of a millisecond and leaves nothing to close, which is enough for a demo
    shop, and its statements are so short that they may run on the event loop.
    """

    def __init__(self, path: Path) -> None:
        """Make file and tables where they are missing.

        Args:
            path: The file; its folder must exist.

        Raises:
            OSError: The file cannot be made.
            ConfigurationError: It cannot be used, or is no database.
        """
        self._path = path
        path.touch(mode=OWNER_ONLY)
        path.open("rb").close()  # the system's reason, where there is one, says more than SQLite's
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(SCHEMA)
                columns = {row[1] for row in connection.execute("PRAGMA table_info(attempts)")}
                if "described" not in columns:  # an older shop's file
                    connection.execute(ADD_DESCRIBED)
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"The demo shop's database {path} cannot be used: {error}. Look at the space on "
                "its disk; if it is damaged, move it away with the files whose names begin with "
                "its name, and the shop begins a new one. The gateway's orders are elsewhere."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do everything inside, or nothing; on disk when it ends.

        Raises:
            sqlite3.Error: The file cannot be used.
        """
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
