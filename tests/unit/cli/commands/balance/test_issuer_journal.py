"""The issuer's journal as a host's record, from a journal that the issuer's own code wrote."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tkkpg.cli.commands.balance.compare import Kind, Record
from tkkpg.cli.commands.balance.issuer_journal import answered
from tkkpg.gateway.host.fields import Trace
from tkkpg.issuer.journal import Journal
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import AZN

DAY = date(2026, 11, 24)
ORIGINAL = "2:000001:1124080000:E1000010"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.db"
    with closing(Journal(path, ())):
        return path


def recorded(  # what of a request matters here
    path: Path,
    stan: int,
    *,
    message_type: str = "0200",
    transmitted: str = "1124080000",
    original: str | None = None,
    code: str = "001",
) -> None:
    trace = Trace(message_type[1], f"{stan:06d}", transmitted, "E1000010")
    with closing(Journal(path, ())) as journal, journal.tx():
        journal.record(
            trace, (message_type, f"63280800{stan:04d}", None, 3000, "944", original, code, "")
        )


def stans(path: Path, day: date = DAY) -> list[int]:
    return [record.stan for record, _ in answered(path, day)]


def test_an_answer_is_a_line_of_the_hosts_record(journal: Path) -> None:
    recorded(journal, 7, code="076")

    ((record, code),) = answered(journal, DAY)

    assert code == "076"
    assert record == Record(
        rrn="632808000007",
        kind=Kind.PURCHASE,
        amount_minor=3000,
        currency=AZN,
        stan=7,
        terminal_id="E1000010",
        at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        number=1,
    )


@pytest.mark.parametrize(
    ("message_type", "original", "kind"),
    [
        ("0100", None, Kind.HOLD),
        ("0200", None, Kind.PURCHASE),
        ("0200", ORIGINAL, Kind.REFUND),
        ("0201", ORIGINAL, Kind.REFUND),
        ("0220", ORIGINAL, Kind.COMPLETION),
        ("0221", ORIGINAL, Kind.COMPLETION),
        ("0400", ORIGINAL, Kind.REVERSAL),
        ("0421", ORIGINAL, Kind.REVERSAL),
    ],
)
def test_the_type_of_a_message_says_what_it_did_with_the_money(
    journal: Path, message_type: str, original: str | None, kind: Kind
) -> None:
    recorded(journal, 1, message_type=message_type, original=original)

    assert [record.kind for record, _ in answered(journal, DAY)] == [kind]


def test_the_day_and_the_24_hours_before_are_given(journal: Path) -> None:
    limits = ("1122195959", "1122200000", "1124195959", "1124200000")
    for stan, transmitted in enumerate(limits):
        recorded(journal, stan, transmitted=transmitted)

    assert stans(journal) == [1, 2]


def test_a_day_may_reach_over_the_end_of_a_year(journal: Path) -> None:
    recorded(journal, 1, transmitted="1231120000")
    recorded(journal, 2, transmitted="0101120000")

    told = [record.at.year for record, _ in answered(journal, date(2027, 1, 1))]

    assert told == [2026, 2027]


def test_a_29_february_is_of_no_other_year(journal: Path) -> None:
    recorded(journal, 1, transmitted="0229080000")

    assert stans(journal, date(2026, 3, 1)) == []
    assert stans(journal, date(2028, 2, 29)) == [1]


def test_without_a_journal_there_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no journal"):
        stans(tmp_path / "issuer.db")
    (tmp_path / "issuer.db").write_bytes(b"nothing" * 100)
    with pytest.raises(ConfigurationError, match="cannot be read as an issuer's journal"):
        stans(tmp_path / "issuer.db")
