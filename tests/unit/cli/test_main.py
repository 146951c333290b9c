"""The program itself: its list of commands, and what it imports for them."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from tests.unit.cli.conftest import Run

from tkkpg import __version__
from tkkpg.cli.main import COMMANDS, main


def test_help_lists_every_command(run: Run) -> None:
    told = run("--help").stdout

    assert all(f"{name} " in told and text in told for name, text in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_is_there_and_explains_itself(run: Run, name: str) -> None:
    told = run(name, "--help")

    assert told.exit_code == 0
    assert told.stdout.startswith(f"Usage: tkkpg {name}")


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").stdout == f"tkkpg {__version__}\n"


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    assert run("ordr").exit_code == 2


@pytest.mark.parametrize("words", [["--help"], ["codes", "076"], ["cards", "--json"]])
def test_small_commands_need_neither_gateway_nor_client(words: list[str]) -> None:
    program = (
        "import sys; from tkkpg.cli.main import main\n"
        f"main({words!r}, standalone_mode=False)\n"
        # The gateway's model is pure and costs milliseconds; what it stands on does not.
        "heavy = {'tkkpg.gateway.app', 'tkkpg.gateway.store', 'tkkpg.client', 'httpx2', 'apsw',"
        " 'cryptography'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_missing_package_is_named_with_the_way_to_get_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tkkpg.cli.commands.cards", raising=False)
    monkeypatch.setitem(sys.modules, "tkkpg.sandbox.cards", None)

    told = run("cards")

    assert told.exit_code == 1
    assert "tkkpg.sandbox.cards" in told.stderr
    assert "pip install 'tkkpg[sandbox]'" in told.stderr


def test_the_commands_are_given_in_the_order_of_use() -> None:
    assert main.list_commands(click.Context(main)) == list(COMMANDS)
