"""A database is brought to the tables of this version, forwards and whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.order import PAID, Registration
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.schema import METADATA
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import OrderStatus

SCRIPTS = ScriptDirectory(str(files("tkkpg.gateway.store") / "migrations"))


@contextmanager
def engine_of(path: Path) -> Iterator[sa.Engine]:
    """The file as SQLAlchemy sees it."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    try:
        yield engine
    finally:
        engine.dispose()


def parts(path: Path) -> dict[str, list[str]]:
    """Each table and index of a file, and the lines that it was made of."""
    with closing(apsw.Connection(str(path))) as db:
        made = db.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND name <> 'alembic_version'"
        ).fetchall()
    return {
        str(name): sorted(
            # A table that was made anew has its name in quotes.
            re.sub(r"[\s\"]+", " ", line).strip(" ,")
            for line in _lines(str(sql))
            if line.strip(" )")
        )
        for name, sql in made
    }


def _lines(statement: str) -> list[str]:
    """Split a statement as it was written; SQLite appends an added column to the last line."""
    return re.sub(r", (?=[a-z_]+ (?:BIGINT|TEXT))|\)$", "\n", statement).splitlines()


def tables(path: Path) -> set[str]:
    """Names of the tables in a file."""
    with closing(apsw.Connection(str(path))) as db:
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master")}


def test_the_migrations_lead_to_the_described_tables(database: Path) -> None:
    with engine_of(database) as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, METADATA) == []


def test_the_migrations_lead_to_the_described_checks(database: Path, tmp_path: Path) -> None:
    # Alembic compares no CHECK and no WHERE of an index.
    described = tmp_path / "described.db"
    with engine_of(described) as engine:
        METADATA.create_all(engine)

    assert parts(database) == parts(described)


def test_a_second_run_changes_nothing(database: Path) -> None:
    before = database.read_bytes()

    migrate(database)

    assert database.read_bytes() == before


def test_there_is_one_line_of_migrations_and_no_way_back() -> None:
    revisions = list(SCRIPTS.walk_revisions())

    assert len(SCRIPTS.get_heads()) == 1
    assert [one.revision for one in reversed(revisions)] == [
        f"{number:04}" for number in range(1, len(revisions) + 1)
    ]
    assert not any(hasattr(one.module, "downgrade") for one in revisions)


def test_a_database_of_a_newer_version_is_left_alone(database: Path) -> None:
    with closing(apsw.Connection(str(database))) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    before = database.read_bytes()

    with pytest.raises(
        ConfigurationError, match=r"newer version of tkkpg \(revision 9999\).*Install"
    ):
        migrate(database)

    assert database.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tkkpg.db"
    path.write_text("My shopping list, which is quite long.\n" * 200, encoding="utf-8")
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match=r"\.db is damaged, or no database.*newest backup"):
        migrate(path)

    assert path.read_bytes() == before


def test_a_broken_off_upgrade_leaves_nothing_and_is_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "tkkpg.db"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE sequence (mine)")  # stands in the way of the last step

    with pytest.raises(ConfigurationError, match="sequence already exists"):
        migrate(path)

    assert tables(path) == {"sequence"}
    with closing(apsw.Connection(str(path))) as db:
        db.execute("DROP TABLE sequence")
    migrate(path)
    assert {"merchant", "orders", "sequence"} <= tables(path)


@pytest.mark.parametrize("name", ["what?.db", "100%20.db", "a#b.db", "günəş.db"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    migrate(tmp_path / name)

    assert [path.name for path in tmp_path.iterdir()] == [name]


# ---------------------------------------------------------------- what was there before

MERCHANT = {
    "merchant_id": "E1000010",
    "name": "Nar",
    "terminal_id": "E1000010",
    "base_url": "",
    "notification_url": "",
    "xmlout_wrapped": 1,
    "xmlout_base64": 0,
    "frame_ancestors": "",
    "operations": "CreateOrder Refund",
    "active": 1,
}
ORDER = {
    "session_id": "AB" * 16,
    "merchant_id": "E1000010",
    "order_type": "Purchase",
    "version": 1,
    "amount_minor": 3000,
    "currency": "944",
    "language": "EN",
    "description": "",
    "approve_url": "",
    "cancel_url": "",
    "decline_url": "",
    "created_at": 1,
    "expires_at": 2,
    "refunded_minor": 0,
    "fee_minor": 0,
}
TRAN = {
    "tran_id": 1,
    "order_id": 1,
    "merchant_id": "E1000010",
    "terminal_id": "E1000010",
    "kind": "AUTHORISATION",
    "state": "APPROVED",
    "amount_minor": 3000,
    "currency": "944",
    "two_id": 2_000_001,
    "stan": 123,
    "rrn": "632808000123",
    "created_at": 1,
    "sent_at": 2,
    "description": "",
}
ENTRY = {
    "plan_id": "p1",
    "posting": "CHARGE",
    "phase": "POSTED",
    "debit": "SCHEME_RECEIVABLE",
    "credit": "MERCHANT_PAYABLE",
    "merchant_id": "E1000010",
    "amount_minor": 3000,
    "currency": "944",
    "at": 1,
    "order_id": 1,
    "tran_id": 1,
}


def at_revision(path: Path, revision: str) -> None:
    """Make a database as an older version left it."""
    config = Config()
    config.set_main_option("script_location", str(files("tkkpg.gateway.store") / "migrations"))
    with engine_of(path) as engine, engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def insert(path: Path, table: str, **values: object) -> None:
    """Add a row of some columns."""
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    with closing(apsw.Connection(str(path))) as db:
        db.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - constant names
            tuple(values.values()),
        )


@pytest.fixture(params=["0001", "0002", "0003"])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database of an older version: an order in every status, payments, ledger lines."""
    path = tmp_path / "older.db"
    at_revision(path, request.param)
    insert(path, "merchant", **MERCHANT)
    for number, status in enumerate(sorted(OrderStatus), 1):
        # Until 0003 an order did not say what was charged.
        charged = {"captured_minor": 3000 * (status in PAID)} if request.param == "0003" else {}
        insert(path, "orders", order_id=number, status=status, **ORDER | charged)
    for number in (1, 2):
        insert(path, "tran", **TRAN | {"tran_id": number, "order_id": number})
    for _ in range(3):
        insert(path, "entry", **ENTRY)
    with closing(apsw.Connection(str(path))) as db:
        db.execute("DELETE FROM entry WHERE entry_id = 2")
    return path


def test_what_was_paid_is_what_was_charged(older: Path) -> None:
    migrate(older)

    with closing(apsw.Connection(str(older))) as db:
        found = db.execute("SELECT status, captured_minor FROM orders").fetchall()
    assert set(found) == {(status, 3000 if status in PAID else 0) for status in OrderStatus}


def test_rows_of_an_older_version_are_read_by_this_one(older: Path) -> None:
    migrate(older)

    with closing(apsw.Connection(str(older))) as db:
        merchant = rows.merchant_of(db.execute(f"SELECT {rows.MERCHANT} FROM merchant").get)  # noqa: S608 - constant columns
        tran = rows.tran_of(db.execute(f"SELECT {rows.TRAN} FROM tran WHERE tran_id = 1").get)  # noqa: S608 - constant columns
        order = rows.order_of(
            db.execute(f"SELECT {rows.ORDER} FROM orders WHERE status = 'APPROVED'").get  # noqa: S608 - constant columns
        )
    assert (merchant.fee_bp, merchant.password) == (0, "")
    assert merchant.currencies == frozenset({"944"})
    assert (merchant.duplicate_window_s, merchant.card_registration) == (0, True)
    assert merchant.unauthenticated is Unauthenticated.DECLINE
    assert (tran.rrn, tran.authentication) == ("632808000123", None)
    assert (order.params, order.positions, order.instalments) == ((), (), 0)
    assert (order.registration, order.change_status_url) == (Registration.NONE, "")


def test_ledger_lines_keep_their_numbers_and_what_they_say(older: Path) -> None:
    query = f"SELECT entry_id, {rows.ENTRY} FROM entry ORDER BY entry_id"  # noqa: S608 - constant columns
    with closing(apsw.Connection(str(older))) as db:
        before = db.execute(query).fetchall()

    migrate(older)

    with closing(apsw.Connection(str(older))) as db:
        assert db.execute(query).fetchall() == before
    assert [entry_id for entry_id, *_ in before] == [1, 3]


def test_every_posting_may_be_booked_after_an_upgrade(older: Path) -> None:
    migrate(older)

    for posting in Posting:
        insert(older, "entry", **ENTRY | {"posting": posting})


@pytest.mark.parametrize("wrong", [{"posting": "GIFT"}, {"amount_minor": 0}, {"plan_id": None}])
def test_the_checks_of_the_ledger_are_in_force_after_an_upgrade(
    older: Path, wrong: dict[str, object]
) -> None:
    migrate(older)

    with pytest.raises(apsw.ConstraintError):
        insert(older, "entry", **ENTRY | wrong)


def test_an_authentication_has_one_transaction_after_an_upgrade(older: Path) -> None:
    migrate(older)
    with closing(apsw.Connection(str(older))) as db:
        db.execute("UPDATE tran SET threeds_server_trans_id = 'one' WHERE tran_id = 1")

        with pytest.raises(apsw.ConstraintError):
            db.execute("UPDATE tran SET threeds_server_trans_id = 'one' WHERE tran_id = 2")


def test_an_upgraded_database_is_made_like_a_new_one(older: Path, database: Path) -> None:
    migrate(older)

    assert parts(older) == parts(database)
