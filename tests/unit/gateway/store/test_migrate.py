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
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.schema import METADATA
from tkkpg.protocol.errors import ConfigurationError

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
            re.sub(r"\s+", " ", line).strip(" ,") for line in _lines(str(sql)) if line.strip(" )")
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

    with pytest.raises(ConfigurationError, match=r"tkkpg\.db is not a database.*Move it away"):
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
