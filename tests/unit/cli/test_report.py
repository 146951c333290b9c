"""Money in reports, and commands whose output has a form of its own."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from tkkpg.cli.report import Report, major, standard_output
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import CURRENCIES


@pytest.mark.parametrize(
    ("minor", "code", "written"),
    [
        (0, "944", "0.00"),
        (-5, "944", "-0.05"),
        (123456, "944", "1234.56"),
        (10**15, "944", "10000000000000.00"),
        (-700, "392", "-700"),
        (1, "048", "0.001"),
    ],
)
def test_money_has_all_decimals_of_its_currency(minor: int, code: str, written: str) -> None:
    assert major(minor, CURRENCIES[code]) == written


def test_a_report_has_no_json_and_tells_its_errors_in_words() -> None:
    @click.command(cls=Report)
    def failing(*, as_json: bool) -> None:
        del as_json
        raise ConfigurationError("Nothing to report.")

    assert "--json" not in CliRunner().invoke(failing, ["--help"]).stdout
    told = CliRunner().invoke(failing)
    assert (told.exit_code, told.stdout, told.stderr) == (1, "", "Error: Nothing to report.\n")


def test_a_report_is_utf_8_whatever_the_terminal_speaks() -> None:
    @click.command()
    def speaking() -> None:
        standard_output().write("çay")

    assert CliRunner(charset="ascii").invoke(speaking).stdout_bytes == "çay".encode()
