"""The shop's file: private, lasting, all or nothing."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.shop.database import Database


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Database(tmp_path / "shop.db")

    assert stat.S_IMODE((tmp_path / "shop.db").stat().st_mode) == 0o600


def test_an_older_file_gets_the_column_that_it_lacks(tmp_path: Path) -> None:
    for _ in range(2):
        Database(tmp_path / "shop.db")
        with Database(tmp_path / "shop.db").transaction() as tx:
            assert tx.execute("SELECT described FROM attempts").fetchall() == []
            tx.execute("ALTER TABLE attempts DROP COLUMN described")


def test_a_transaction_that_fails_leaves_nothing_behind(database: Database) -> None:
    def put_in_and_fail() -> None:
        with database.transaction() as tx:
            tx.execute("INSERT INTO baskets VALUES ('b', 'tea', 1)")
            tx.execute("INSERT INTO baskets VALUES ('b', 'jam', 0)")

    with pytest.raises(sqlite3.IntegrityError):
        put_in_and_fail()

    with database.transaction() as tx:
        assert tx.execute("SELECT * FROM baskets").fetchall() == []


def test_an_attempt_belongs_to_an_order(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as tx:
        tx.execute(
            "INSERT INTO attempts (reference, order_id, session_id, payment_url, status)"
            " VALUES ('nobody', 1, 'A', 'https://bank.test', 'CREATED')"
        )


def test_what_is_no_database_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(ConfigurationError, match=r"shop\.db cannot be used.*begins a new one"):
        Database(path)
