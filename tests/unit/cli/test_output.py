"""What people and programs are told, and how errors end a command."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner, Result

from tkkpg.cli.output import Command, print_facts, print_json, print_table, printable, spaced
from tkkpg.protocol.errors import NotSent, OperationRefused, TKKPGError


def failing(error: Exception, *words: str) -> Result:
    @click.command(cls=Command)
    def fail(*, as_json: bool) -> None:
        raise error

    return CliRunner().invoke(fail, words)


def test_json_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "iki\nsətir", "at": datetime(2026, 11, 24, tzinfo=UTC), "none": None}

    print_json(value)

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == value | {"at": "2026-11-24T00:00:00+00:00"}


def test_what_has_no_place_in_json_is_refused_and_not_guessed() -> None:
    with pytest.raises(TypeError, match="set has no place in JSON"):
        print_json(set())


def test_a_long_value_is_not_wrapped_so_that_it_can_be_copied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_facts({"Short": "", "A longer name": "x" * 300})

    assert capsys.readouterr().out == f"Short          –\nA longer name  {'x' * 300}\n"


def test_a_piped_table_has_one_line_for_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("Name", "Text"), [("first", "[bold]word[/bold] " * 10)], title="Title")

    out = capsys.readouterr().out
    assert out.startswith("Title\n")
    assert [line.split()[0] for line in out.splitlines() if "word" in line] == ["first"]
    assert "[bold]" in out


def test_what_moves_a_cursor_is_shown_and_not_obeyed() -> None:
    assert printable("Nar\x1b[2J\n\x9b çay") == "Nar\\x1b[2J\\n\\x9b çay"


def test_an_error_is_one_paragraph_on_standard_error() -> None:
    result = failing(NotSent("Nobody answers. Start one."))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: Nobody answers. Start one.\n"


def test_a_program_gets_the_refusal_with_its_status() -> None:
    result = failing(OperationRefused("Too much.", status="205"), "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "Too much.", "status": "205"}
    assert result.stderr == "Error: Too much.\n"


def test_an_error_that_is_no_refusal_has_no_status() -> None:
    assert json.loads(failing(TKKPGError("No."), "--json").stdout)["status"] is None


def test_a_fault_of_ours_is_not_hidden() -> None:
    assert isinstance(failing(ZeroDivisionError()).exception, ZeroDivisionError)


def test_a_card_number_is_written_in_groups_of_four() -> None:
    assert spaced("4169733213495869") == "4169 7332 1349 5869"
    assert spaced("371449635398431") == "3714 4963 5398 431"
