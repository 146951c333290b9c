"""Bringing a database to the tables of this version, at start-up and by the operator."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tkkpg.gateway.store.file import unusable
from tkkpg.protocol.errors import ConfigurationError


def migrate(path: Path) -> None:
    """Create or upgrade the SQLite file; does nothing when it is up to date.

    Raises:
        ConfigurationError: It was written by a newer version, or is no database.
    """
    config = Config()
    scripts = str(files("tkkpg.gateway.store") / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    # Without the driver's own transactions, which leave CREATE TABLE outside of them.
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)), connect_args={"isolation_level": None}
    )
    try:
        with engine.connect() as connection:
            known = {
                script.revision for script in ScriptDirectory.from_config(config).walk_revisions()
            }
            present = MigrationContext.configure(connection).get_current_revision()
            if present is not None and present not in known:
                message = (
                    f"{path} was written by a newer version of tkkpg (revision {present}). "
                    "Install that version; data are never changed back."
                )
                raise ConfigurationError(message)
            config.attributes["connection"] = connection
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # a broken-off upgrade leaves nothing
            command.upgrade(config, "head")
            connection.commit()
    except sa.exc.DatabaseError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise unusable(path, error.orig) from error
    finally:
        engine.dispose()


def schema_of(db: apsw.Connection) -> dict[str, list[str]]:
    """Return the lines of the statement that made each table, index, trigger and view.

    In which order Alembic writes the constraints of a table, and whether it quotes plain names,
    differs from run to run; what stands in a text does not.
    """
    # SQLite's own indexes have no statement; what it counts of tables decides nothing.
    made = db.execute(
        "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND NOT (type = 'table' AND name IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4'))"
    )
    return {str(name): sorted(map(_plain, str(sql).splitlines()), key=_moves) for name, sql in made}


def _plain(line: str) -> str:
    unquoted = re.sub(r'"(\w+)"', r"\1", line)
    return re.sub(r"\s+", " ", unquoted).strip().removesuffix(",")


def _moves(line: str) -> str:
    """Return what lines are put in order by: columns stay where they are."""
    return line if line.startswith("CONSTRAINT") else ""


@cache
def expected_schema() -> dict[str, list[str]]:
    """Return what `schema_of` says of a database that the migrations have just made."""
    with TemporaryDirectory(prefix="tkkpg-") as folder:
        path = Path(folder) / "new.db"
        migrate(path)
        with closing(apsw.Connection(str(path))) as db:
            return schema_of(db)
