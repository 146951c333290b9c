"""`tkkpg balance`: our books against a host's file, on a home whose gateway has stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest
from click.testing import Result
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run

from tkkpg.cli.commands.balance import command
from tkkpg.cli.commands.balance.host_file import COLUMNS
from tkkpg.gateway.config import DATABASE

DAY = "2026-11-24"
MORE = """
    CREATE TEMP TABLE more AS SELECT * FROM tran WHERE order_id IN (:first, :second);
    UPDATE more SET rrn = printf('%012d', tran_id), tran_id = tran_id + 1000, kind = 'REFUND',
        threeds_server_trans_id = NULL;
    INSERT INTO tran SELECT * FROM more
"""
"""Two refunds beside the two purchases."""


@dataclass(frozen=True, slots=True)
class Books:
    """A stopped home, its approved transactions as the host has them, and the command."""

    run: Run
    stopped: Stopped

    def lines(self) -> list[list[str]]:
        """Give what the host's file holds when all is well, by RRN: two refunds, two purchases."""
        with apsw.Connection(str(self.stopped.folder / DATABASE)) as db:
            found = db.execute(
                "SELECT '2026-11-24T08:00:00Z', rrn, printf('%06d', stan), terminal_id,"
                " CASE kind WHEN 'REFUND' THEN kind ELSE 'PURCHASE' END, amount_minor, currency,"
                " '001' FROM tran ORDER BY rrn"
            ).fetchall()
        db.close()
        return [[str(cell) for cell in row] for row in found]

    def balance(self, lines: list[list[str]], *more: str) -> Result:
        """Write the host's file, compare, and give the result of the command."""
        path = Path("host.csv")
        path.write_text("".join(f"{','.join(row)}\n" for row in ([*COLUMNS], *lines)), "utf-8")
        home = f"--home={self.stopped.folder}"
        return self.run("balance", f"--day={DAY}", "--host-file", path, home, *more)

    def told(self, lines: list[list[str]], *more: str) -> dict[str, Any]:
        """Give what a program is told."""
        told: dict[str, Any] = json.loads(self.balance(lines, "--json", *more).stdout)
        return told


@pytest.fixture
def books(run: Run, stopped: Stopped) -> Books:
    stopped.plant(MORE)
    return Books(run, stopped)


def counts(told: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {
        one["outcome"]: (one["count"], one["ours_minor"], one["theirs_minor"])
        for one in told["summary"]
    }


def test_records_that_agree_end_with_status_0(books: Books) -> None:
    result = books.balance(books.lines())

    assert result.exit_code == 0
    assert "Both records agree." in result.stdout
    told = books.told(books.lines())
    assert told == {
        "day": DAY,
        "agrees": True,
        "summary": [
            {
                "currency": "AZN",
                "outcome": "MATCHED",
                "count": 4,
                "ours_minor": 7400,
                "theirs_minor": 7400,
            }
        ],
        "differing": 0,
        "differences": [],
    }


def all_at_once(books: Books) -> list[list[str]]:
    """Let each of the host's lines disagree in its own way, and one not."""
    cheaper, _, other_kind, matched = books.lines()
    cheaper[5] = "1"
    other_kind[4] = "COMPLETION"
    unknown = ["2026-11-24T08:00:00Z", "999999999999", "000009", "E1000010", "REFUND", "50", "944"]
    return [matched, matched, cheaper, other_kind, [*unknown, "001"]]


def test_every_outcome_is_told_at_once_and_nothing_is_hidden(books: Books) -> None:
    told = books.told(all_at_once(books))

    assert counts(told) == {
        "MATCHED": (1, 700, 700),
        "AMOUNT_DIFFERS": (1, 3000, 1),
        "KIND_DIFFERS": (1, 3000, 3000),
        "ONLY_OURS": (1, 700, 0),
        "ONLY_THEIRS": (1, 0, 50),
        "DUPLICATE": (1, 0, 700),
    }
    assert (told["agrees"], told["differing"]) == (False, 5)
    assert sorted(one["outcome"] for one in told["differences"]) == sorted(
        set(counts(told)) - {"MATCHED"}
    )


def test_a_difference_names_our_transaction_and_their_line(books: Books) -> None:
    told = books.told(all_at_once(books))

    (differing,) = [one for one in told["differences"] if one["outcome"] == "KIND_DIFFERS"]
    assert (differing["ours"]["kind"], differing["theirs"]["kind"]) == ("PURCHASE", "COMPLETION")
    assert (differing["ours"]["tran_id"], differing["theirs"]["line"]) == (1, 5)
    assert differing["theirs"]["currency"] == "AZN"


def test_people_see_the_summary_then_what_differs(books: Books) -> None:
    result = books.balance(all_at_once(books))

    assert result.exit_code == 1
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["AZN", "ONLY_OURS", "1", "7.00", "0.00", "7.00"] in lines
    (row,) = [line for line in lines if line[:1] == ["KIND_DIFFERS"]]
    assert row[4:6] == ["2026-11-24", "12:00:00"]
    assert row[-7:] == ["PURCHASE", "30.00", "AZN", "5", "COMPLETION", "30.00", "AZN"]


def test_only_the_first_of_many_differences_are_told_one_by_one(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "DIFFERENCES_MAX", 2)

    assert "Only 2 of 4 differences are shown." in books.balance([]).stdout
    told = books.told([])
    assert (told["differing"], len(told["differences"])) == (4, 2)


def test_one_merchant_is_compared_by_its_terminal(books: Books) -> None:
    others = books.lines()[0]
    others[1], others[3] = "111111111111", "E1000011"

    assert books.balance([*books.lines(), others]).exit_code == 1
    assert books.balance([*books.lines(), others], "--merchant=E1000010").exit_code == 0


def test_an_unknown_merchant_is_an_error(books: Books) -> None:
    result = books.balance(books.lines(), "--merchant=E404")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no merchant E404" in result.stderr


def test_a_day_without_transactions_agrees_with_an_empty_record(books: Books) -> None:
    assert books.balance([], "--day=2026-12-24").exit_code == 0


def test_a_file_that_cannot_be_used_ends_with_status_2_and_nothing_else(books: Books) -> None:
    result = books.balance([["not", "enough"]])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == ("Error: host.csv: Line 2: there are 2 columns where 8 are needed.\n")


def test_a_bad_line_after_many_good_ones_still_ends_with_nothing_else(books: Books) -> None:
    result = books.balance([*books.lines(), ["x"]], "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "error": "host.csv: Line 6: there are 1 columns where 8 are needed.",
        "status": None,
    }


def test_a_file_that_is_not_there_is_a_usage_error(run: Run) -> None:
    assert run("balance", f"--day={DAY}", "--host-file=nowhere.csv").exit_code == 2
