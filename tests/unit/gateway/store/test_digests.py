"""A row's digest holds each of its values, and stays as it is when a version adds a column."""

from __future__ import annotations

from typing import Final

from tkkpg.gateway.store import digests, rows
from tkkpg.gateway.store.digests import SEALED, Sealed, Written, lines_of
from tkkpg.gateway.store.schema import METADATA

OTHER: Final[dict[type, int | str]] = {int: 7_777_777, str: "other"}


def sample(table: Sealed) -> list[int | str | None]:
    """Make a row of the table with something in every column."""
    kinds = [METADATA.tables[table.name].columns[one].type.python_type for one in columns(table)]
    return [5 if kind is int else "text" for kind in kinds]


def columns(table: Sealed) -> list[str]:
    """Return the digested columns of a table."""
    return table.columns.split(", ")


def test_another_value_in_any_column_is_another_digest() -> None:
    for table in SEALED.values():
        row = sample(table)
        for number, value in enumerate(row):
            for other in (OTHER[type(value)], None, "", 0):
                changed = [*row[:number], other, *row[number + 1 :]]
                assert table.digest(changed) != table.digest(row), (table.name, number, other)


def test_every_column_is_digested_but_what_moves_outside_plans() -> None:
    left_out = {
        "notification": {
            "state", "attempts", "due_at", "leased_until", "finished_at", "last_result",
        },
        "entry": {"entry_id"},  # it is the key, which the line names
    }  # fmt: skip
    for table in SEALED.values():
        every = {column.name for column in METADATA.tables[table.name].columns}
        assert every - set(columns(table)) == left_out.get(table.name, set())


def test_a_column_that_is_added_leaves_the_digests_of_older_rows() -> None:
    table = digests.MERCHANT
    row = sample(table)
    older = [*row[:-3]]
    shorter = Sealed(table.name, table.key, ", ".join(columns(table)[:-3]), "")
    defaults = digests._defaults(table.name, table.columns)[-3:]

    assert table.digest([*older, *defaults]) == shorter.digest(older)
    assert table.digest([*older, *row[-3:]]) != shorter.digest(older)


def test_the_columns_are_those_that_the_rows_are_written_with() -> None:
    assert columns(digests.ORDERS) == rows.ORDER.split(", ")
    assert len(rows.NOBODYS_ORDER_ROW) == len(columns(digests.ORDERS))


def test_lines_are_read_and_what_is_none_is_passed_over() -> None:
    text = "orders - abc 7\n\nnonsense\nunknown a b c\nmerchant abc def E1 0"

    assert [*lines_of(text)] == [
        Written("orders", "-", "abc", "7"),
        Written("merchant", "abc", "def", "E1 0"),
    ]
