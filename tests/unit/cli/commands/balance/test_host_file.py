"""The host's file: read as it is documented, refused with the line where it is not."""

from __future__ import annotations

import io
import tracemalloc
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tkkpg.cli.commands.balance import host_file
from tkkpg.cli.commands.balance.compare import Kind, Record
from tkkpg.cli.commands.balance.host_file import COLUMNS, HostFileError, read_sorted, write
from tkkpg.protocol.values import AZN

HEADER = ",".join(COLUMNS)
GOOD = "2026-11-24T08:00:00Z,632808000042,000042,E1000010,PURCHASE,3000,944,001"
RECORD = Record(
    rrn="632808000042",
    kind=Kind.PURCHASE,
    amount_minor=3000,
    currency=AZN,
    stan=42,
    terminal_id="E1000010",
    at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
    number=2,
)


def read(path: Path, content: str | bytes, terminals: frozenset[str] | None = None) -> list[Record]:
    file = path / "host.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_sorted(file, terminals))


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{GOOD}\n",
        f"{HEADER}\r\n{GOOD}\r\n",
        f"\ufeff{HEADER}\n{GOOD}",
        f"{HEADER}\n{GOOD.replace('3000', '0000003000')}\n",
        f"{HEADER}\n{GOOD.replace('E1000010', chr(34) + 'E1000010' + chr(34))}\n",
        f"{HEADER}\n{GOOD.replace('T08:00:00Z', ' 12:00:00')}\n",
        f"{HEADER}\n{GOOD.replace('T08:00:00Z', 'T10:00:00+02:00')}\n",
    ],
    ids=["unix", "dos", "bom", "zeros", "quoted", "baku", "zone"],
)
def test_a_line_is_read(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == [RECORD]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    out = io.StringIO()

    write([(RECORD, "001")], out)

    assert read(tmp_path, out.getvalue()) == [RECORD]


def test_lines_are_given_in_the_order_of_their_rrn(tmp_path: Path) -> None:
    lines = [GOOD.replace("632808000042", rrn) for rrn in ("9", "1", "5", "1")]

    told = read(tmp_path, "\n".join([HEADER, *lines]))

    assert [(one.rrn, one.number) for one in told] == [("1", 3), ("1", 5), ("5", 4), ("9", 2)]


def test_only_what_the_host_approved_counts(tmp_path: Path) -> None:
    declined = GOOD.replace(",001", ",076")

    assert read(tmp_path, f"{HEADER}\n{declined}\n") == []


def test_only_the_wanted_terminals_are_given(tmp_path: Path) -> None:
    content = f"{HEADER}\n{GOOD}\n{GOOD.replace('E1000010', 'E1000011')}\n"

    assert read(tmp_path, content, frozenset({"E1000010"})) == [RECORD]


LONG = GOOD.replace("E1000010", "E" * 2_000)
BAD = {
    "empty": ("", "Line 1: the header"),
    "no header": (f"{GOOD}\n", "Line 1: the header"),
    "another header": (f"{HEADER},pan\n{GOOD}\n", "Line 1: the header"),
    "columns": (f"{HEADER}\n{GOOD}\n{GOOD},1\n", "Line 3: there are 9 columns"),
    "blank line": (f"{HEADER}\n\n{GOOD}\n", "Line 2: there are 0 columns"),
    "huge line": (f"{HEADER}\n{LONG}\n", "Line 2: more than 1,000 bytes"),
    "no end of line": (b"\0" * 100_000, "Line 1: more than 1,000 bytes"),
    "latin-1": (f"{HEADER}\n{GOOD}\n".encode() + b"\xe7,\n", "Line 3: it is no line of CSV"),
    "utf-16": (f"{HEADER}\n{GOOD}\n".encode("utf-16"), "Line 1: it is no line of CSV"),
    "open quote": (f'{HEADER}\n"{GOOD}\n', "Line 2: it is no line of CSV"),
    "time": (f"{HEADER}\n{GOOD.replace('T08', 'T28')}\n", "Line 2: at must be"),
    "year 1": (f"{HEADER}\n{GOOD.replace('2026', '0001')}\n", "Line 2: at must be"),
    "rrn": (f"{HEADER}\n{GOOD.replace('632808000042', '')}\n", "Line 2: rrn must be"),
    "stan": (f"{HEADER}\n{GOOD.replace('000042,E', '42,E')}\n", "Line 2: stan must be"),
    "terminal": (f"{HEADER}\n{GOOD.replace('E1000010', 'ç')}\n", "Line 2: terminal must be"),
    "kind": (f"{HEADER}\n{GOOD.replace('PURCHASE', 'purchase')}\n", "Line 2: kind must be"),
    "words": (f"{HEADER}\n{GOOD.replace('3000', 'thirty')}\n", "Line 2: amount_minor must"),
    "negative": (f"{HEADER}\n{GOOD.replace('3000', '-3000')}\n", "Line 2: amount_minor must"),
    "fraction": (f"{HEADER}\n{GOOD.replace('3000', '30.00')}\n", "Line 2: amount_minor must"),
    "wide digits": (f"{HEADER}\n{GOOD.replace('3000', '３０')}\n", "Line 2: amount_minor must"),
    "large": (f"{HEADER}\n{GOOD.replace('3000', '9' * 13)}\n", "Line 2: amount_minor must"),
    "letters": (f"{HEADER}\n{GOOD.replace('944', 'AZN')}\n", "Line 2: currency must be"),
    "currency": (f"{HEADER}\n{GOOD.replace('944', '999')}\n", "Line 2: currency must be"),
    "code": (f"{HEADER}\n{GOOD.replace(',001', ',')}\n", "Line 2: response_code must be"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_a_file_that_is_not_as_it_should_be_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(HostFileError, match="^" + reason.replace("(", r"\(")):
        read(tmp_path, content)


def test_a_card_number_in_a_wrong_file_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(HostFileError) as caught:
        read(tmp_path, f"{HEADER}\n{GOOD.replace('000042,', '4169733213495869,')}\n")

    assert "4169733213495869" not in str(caught.value)


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_file, "LINES_MAX", 2)

    with pytest.raises(HostFileError, match=r"Line 3: .* or 2 lines"):
        read(tmp_path, f"{HEADER}\n{GOOD}\n{GOOD}\n")


def test_too_many_lines_of_one_rrn_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_file, "SAME_RRN_MAX", 2)

    with pytest.raises(HostFileError, match="Line 4: its RRN stands in 3 lines"):
        read(tmp_path, f"{HEADER}\n{GOOD}\n{GOOD}\n{GOOD}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostFileError, match="cannot be read: Is a directory"):
        list(read_sorted(tmp_path, None))


def test_a_line_without_an_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "host.csv"
    path.write_bytes(b"x" * 5_000_000)

    assert peak_of(path) < 500_000


def test_a_long_file_is_sorted_outside_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "host.csv"
    path.write_text(
        HEADER + "\n" + "".join(f"{GOOD.replace('0042,0', f'{n:04d},0')}\n" for n in range(9_999)),
        "utf-8",
    )

    assert sum(1 for _ in read_sorted(path, None)) == 9_999
    assert peak_of(path) < 500_000


def peak_of(path: Path) -> int:
    """Give the most memory, in bytes, that reading a good or a bad file takes."""
    tracemalloc.start()
    try:
        with suppress(HostFileError):
            deque(read_sorted(path, None), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
