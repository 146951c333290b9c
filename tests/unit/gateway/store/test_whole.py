"""A damaged database is found before it is believed."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.whole import must_be_whole
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
        with pytest.raises(ConfigurationError, match=r"is damaged: .*newest backup.*--fresh"):
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
