"""A database is looked at before it is believed, and refused in words of its own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import apsw
import pytest

from tkkpg.gateway.store.file import SENTENCES, must_be_whole, unusable
from tkkpg.gateway.store.migrate import migrate
from tkkpg.protocol.errors import ConfigurationError

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tkkpg.db"
    migrate(path)
    return path


def test_a_whole_one_an_empty_one_and_none_pass(path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert must_be_whole(path)
    assert must_be_whole(tmp_path / "empty.db")
    assert must_be_whole(tmp_path / "absent.db")
    assert not (tmp_path / "absent.db").exists()


def test_damage_is_refused_with_a_way_on_and_left_as_it_is(path: Path) -> None:
    sound = path.read_bytes()
    for name, data in {
        "no database": b"x" * len(sound),
        "cut off": sound[: 3 * PAGE],
        "a page of zeros": sound[:PAGE] + bytes(PAGE) + sound[2 * PAGE :],
        "a page of noise": sound[: 2 * PAGE] + b"\xa5" * PAGE + sound[3 * PAGE :],
    }.items():
        path.write_bytes(data)
        with pytest.raises(ConfigurationError, match=r"is damaged.*newest backup.*--fresh"):
            must_be_whole(path)
        assert path.read_bytes() == data, name


def test_a_check_ends_in_time_and_says_that_it_did_not_see_all(path: Path) -> None:
    with apsw.Connection(str(path)) as db:
        db.execute("CREATE TABLE many (n INTEGER PRIMARY KEY, text TEXT CHECK (length(text) < 9))")
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO many SELECT i, 'text' FROM n"
        )
    assert not must_be_whole(path, limit_s=0)
    assert must_be_whole(path)


def sqlite_error(code: int) -> apsw.Error:
    error = apsw.exception_for(code)
    assert isinstance(error, apsw.Error)
    return error


def test_each_result_code_is_a_sentence_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tkkpg.db"
    path.touch()
    for code, told in SENTENCES.items():
        for extended in (code, code | 1 << 8):
            refused = unusable(path, sqlite_error(extended))
            assert isinstance(refused, ConfigurationError)
            assert refused.message.startswith(f"{path} {told} SQLite says: ")


def test_an_error_of_the_standard_library_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tkkpg.db"
    path.write_text("no database " * 100)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        sqlite3.connect(path).execute("SELECT * FROM sqlite_master")
    assert "is damaged, or no database" in str(unusable(path, caught.value))


def test_the_systems_own_reason_goes_before_that_of_sqlite(tmp_path: Path) -> None:
    assert isinstance(unusable(tmp_path, sqlite_error(apsw.SQLITE_CANTOPEN)), IsADirectoryError)
    assert isinstance(
        unusable(tmp_path / "no", sqlite_error(apsw.SQLITE_CANTOPEN)), FileNotFoundError
    )


def test_a_query_that_the_tables_do_not_know_names_the_version(tmp_path: Path) -> None:
    told = str(unusable(tmp_path, apsw.SQLError("no such column: x")))
    assert "as a database of this version of tkkpg: no such column: x" in told
