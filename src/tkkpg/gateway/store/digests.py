"""Digests of the rows that a plan writes, kept in its audit row and sealed with it.

An audit row names every row that its plan wrote, with a digest of how the row stood before and of
how it stands after. So the newest digest of a row says what it must hold now, and two digests that
do not meet say that somebody else wrote the row in between.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from tkkpg.gateway.store import rows
from tkkpg.gateway.store.seals import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from tkkpg.gateway.store.rows import Value

DIGEST_BYTES: Final = 24
"""Of SHA-256: 192 bits, 32 characters in base64."""
ABSENT: Final = "-"
"""Stands for a row that is not there."""


class Sealed(NamedTuple):
    """A table whose rows are digested.

    Attributes:
        name: The table.
        key: Its primary key.
        columns: What the digest is made of, by commas; what changes outside plans is left out.
        select: Reads the columns of one row.
    """

    name: str
    key: str
    columns: str
    select: str

    def digest(self, row: Sequence[Value]) -> str:
        """Return the digest of a row.

        Values at the end that are their columns' defaults do not count: a column that a later
        version adds leaves the digests of older rows as they are.
        """
        end, defaults = len(row), _defaults(self.name, self.columns)
        while row[end - 1] == defaults[end - 1]:
            end -= 1
        return b64encode(sha256(canonical(row[:end])).digest()[:DIGEST_BYTES]).decode()

    def standing(self, db: apsw.Connection, key: Value) -> str:
        """Return the digest of the row that is in the database, or `ABSENT`."""
        row = db.execute(self.select, (key,)).fetchone()
        return ABSENT if row is None else self.digest(row)

    def added(self, row: Sequence[Value], key: Value) -> str:
        """Return the line of an audit row for a row that a plan adds."""
        return f"{self.name} {ABSENT} {self.digest(row)} {key}"

    def changed(self, db: apsw.Connection, row: Sequence[Value]) -> str:
        """Return the line of an audit row for a row, its key first, before a plan writes it."""
        return f"{self.name} {self.standing(db, row[0])} {self.digest(row)} {row[0]}"


class Written(NamedTuple):
    """A row that a plan wrote, as its audit row tells it: table, digests before and after, key."""

    table: str
    before: str
    after: str
    key: str


@cache
def _defaults(name: str, columns: str) -> tuple[Value, ...]:
    """Return what each column holds where nothing was written."""
    # Whoever writes has imported SQLAlchemy to migrate; half a second that readers need not wait.
    from tkkpg.gateway.store.schema import METADATA  # noqa: PLC0415

    described = METADATA.tables[name].columns
    defaults: list[Value] = []
    for column in columns.split(", "):
        default = described[column].server_default
        text = None if default is None else str(default.arg)  # type: ignore[attr-defined]
        whole = text is not None and described[column].type.python_type is int
        defaults.append(int(text) if whole and text is not None else text)
    return tuple(defaults)


def _sealed(name: str, key: str, columns: str) -> Sealed:
    select = f"SELECT {columns} FROM {name} WHERE {key} = ?"  # noqa: S608 - constant names
    return Sealed(name, key, columns, select)


ORDERS: Final = _sealed("orders", "order_id", rows.ORDER)
TRAN: Final = _sealed("tran", "tran_id", rows.TRAN)
ENTRY: Final = _sealed("entry", "entry_id", rows.ENTRY)
MERCHANT: Final = _sealed("merchant", "merchant_id", rows.MERCHANT)
CERTIFICATE: Final = _sealed("certificate", "fingerprint", rows.CERTIFICATE)
SAVED_CARD: Final = _sealed("saved_card", "card_uid", rows.SAVED_CARD)
NOTIFICATION: Final = _sealed("notification", "notification_id", rows.NOTIFICATION_KEPT)

SEALED: Final = {
    one.name: one for one in (ORDERS, TRAN, ENTRY, MERCHANT, CERTIFICATE, SAVED_CARD, NOTIFICATION)
}
"""Every table whose rows are digested, by its name."""


def lines_of(text: str) -> Iterator[Written]:
    """Read the column `written` of an audit row; what nobody but a forger writes is passed over."""
    for line in text.split("\n"):
        parts = line.split(" ", 3)
        if len(parts) == len(Written._fields) and parts[0] in SEALED:
            yield Written(*parts)
