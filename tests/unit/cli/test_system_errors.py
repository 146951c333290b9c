"""What the system refuses is a sentence: what, where, and what to do."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import apsw
import click
from click.testing import CliRunner

from tkkpg.cli.output import Command
from tkkpg.cli.system_errors import ADVICE, DESCRIPTORS, sentence_of

HOME = Path("/srv/home")


def system_error(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


def test_every_error_has_its_reason_its_place_and_a_way_on() -> None:
    for number in {*ADVICE, *DESCRIPTORS, errno.EDOM}:
        for path, place in (("/srv/x.db", " at /srv/x.db"), (None, " in /srv/home")):
            told = sentence_of(system_error(number, path), HOME)
            assert told is not None
            assert told.startswith(f"{os.strerror(number)}{place}. ")
            assert told.endswith(".")
            assert len(told) > len(os.strerror(number)) + len(place) + 20


def test_a_system_without_descriptors_is_told_how_many_there_may_be() -> None:
    assert "ulimit -n" in (sentence_of(system_error(errno.EMFILE)) or "")


def test_an_error_of_a_database_is_told_without_a_traceback() -> None:
    for error in (apsw.FullError("disk is full"), sqlite3.OperationalError("disk is full")):
        told = sentence_of(error, HOME)
        assert told == (
            "A database in /srv/home cannot be used: disk is full. Look at it with `tkkpg check`."
        )


def test_a_reader_that_has_gone_and_our_own_mistakes_are_not_explained_away() -> None:
    assert sentence_of(BrokenPipeError(errno.EPIPE, "Broken pipe")) is None
    assert sentence_of(ZeroDivisionError()) is None


def test_a_command_ends_with_the_sentence_in_both_forms() -> None:
    @click.command(cls=Command)
    @click.option("--home", type=click.Path(path_type=Path))
    def fail(*, home: Path, as_json: bool) -> None:
        del home, as_json
        raise system_error(errno.ENOSPC)

    ended = CliRunner().invoke(fail, ["--home", "/srv/home", "--json"])
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["error"].startswith("No space left on device in /srv/home. ")
    assert ended.stderr.startswith("Error: No space left on device in /srv/home. Make room")
