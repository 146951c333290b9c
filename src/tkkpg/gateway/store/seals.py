"""Seals over the audit rows: any edited, added, removed or reordered row below them is found.

Rows are appended unlinked, since a chain over rows would make every commit wait for the one
before. Once per batch a seal row stores the range, the Merkle root of its rows, and an HMAC under
a key that is not in the database over the root and the seal before.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from tkkpg.gateway.model.errors import StoreUnavailable
from tkkpg.gateway.store import rows as columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import apsw

    from tkkpg.gateway.store.rows import Value

FIRST_MAC = ""
"""What stands in for the seal before the first one."""


SEAL: Final = "first_audit_id, last_audit_id, rows, root, mac"
_ADD: Final = f"INSERT INTO seal ({SEAL}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - constant columns
FIRST_POSSIBLE = -(2**63)
LAST_POSSIBLE = 2**63 - 1
"""Smallest and largest row number that a database holds."""


class Seal(NamedTuple):
    """One seal, in the order of its columns.

    Attributes:
        first_audit_id: First row of the range.
        last_audit_id: Last row of the range.
        rows: Number of rows in the range.
        root: Merkle root of the rows, hexadecimal.
        mac: HMAC over all of this and the seal before, hexadecimal.
    """

    first_audit_id: int
    last_audit_id: int
    rows: int
    root: str
    mac: str


def canonical(values: Sequence[object]) -> bytes:
    """Write values so that no two rows read alike: where each ends, and a number from a text.

    A blob, which nothing here writes, is kept apart from every text.
    """
    return json.dumps(values, default=lambda blob: {"blob": bytes(blob).hex()}).encode()


def leaf(audit_id: int, row: Sequence[Value]) -> bytes:
    """Hash one audit row with its number; the zero byte keeps leaves apart from inner nodes."""
    return sha256(b"\x00" + canonical((audit_id, *row))).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Hash leaves pairwise up to one root; an odd one out moves up as it is."""
    level = list(leaves)
    while len(level) > 1:
        paired = [
            sha256(b"\x01" + level[index] + level[index + 1]).digest()
            for index in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def seal(rows: Sequence[tuple[int, bytes]], mac_before: str, sign: Callable[[str], str]) -> Seal:
    """Seal a range of audit rows.

    Args:
        rows: Number and leaf of each row, in order; at least one.
        mac_before: `mac` of the seal before, or `FIRST_MAC`.
        sign: HMAC of a text under the audit key, with the key's id.
    """
    first, last = rows[0][0], rows[-1][0]
    root = merkle_root([hashed for _, hashed in rows]).hex()
    mac = sign(sealed_text(first, last, len(rows), root, mac_before))
    return Seal(first, last, len(rows), root, mac)


def sealed_text(first: int, last: int, count: int, root: str, mac_before: str) -> str:
    """What the HMAC of a seal is made over."""
    return f"{first}|{last}|{count}|{root}|{mac_before}"


def broken_seals(
    seals: Iterable[Seal],
    leaves: Callable[[int, int], Sequence[bytes]],
    verify: Callable[[str, str], bool],
    *,
    mac_before: str = FIRST_MAC,
    expected: int = 1,
) -> Iterator[str]:
    """Check seals against each other and against the rows below them.

    Args:
        seals: Seals, oldest first.
        leaves: Returns the leaves of the rows in a range of numbers.
        verify: Checks an HMAC: (text, mac).
        mac_before: `mac` of the seal before the first of them.
        expected: Row with which the first of them begins.

    Yields:
        One sentence for each range that is not as it was sealed; none when all is intact.
    """
    for one in seals:
        found = leaves(one.first_audit_id, one.last_audit_id)
        text = sealed_text(one.first_audit_id, one.last_audit_id, one.rows, one.root, mac_before)
        span = f"Audit rows {one.first_audit_id} to {one.last_audit_id}"
        if not isinstance(one.mac, str) or not verify(text, one.mac):
            yield f"{span}: the seal was not made by this gateway's key, or moved."
        elif len(found) != one.rows or merkle_root(found).hex() != one.root:
            yield f"{span} were changed after they were sealed."
        if one.first_audit_id != expected:
            yield f"{span}: rows or seals before them are missing."
        mac_before, expected = one.mac, one.last_audit_id + 1


# ---------------------------------------------------------------- in the database


class End(NamedTuple):
    """Where a chain ends: number of its newest seal, last audit row below it, MAC."""

    seal_id: int
    audit_id: int
    mac: str


def end_of(db: apsw.Connection) -> End:
    """Return where the chain ends in the database; before the first seal with number 0."""
    newest = "SELECT seal_id, last_audit_id, mac FROM seal ORDER BY seal_id DESC LIMIT 1"
    found = db.execute(newest).fetchone()
    return End(*found) if found else End(0, 0, FIRST_MAC)


def leaves_of(
    db: apsw.Connection, first: int, last: int = LAST_POSSIBLE
) -> Iterator[tuple[int, bytes]]:
    """Read audit rows in a range of numbers, and give the number and the leaf of each."""
    found = db.execute(
        f"SELECT audit_id, {columns.AUDIT} FROM audit"  # noqa: S608 - constant columns
        " WHERE audit_id BETWEEN ? AND ? ORDER BY audit_id",
        (first, last),
    )
    for row in found:
        # What older versions wrote has no `written`, and was sealed without.
        yield row[0], leaf(row[0], row[1:] if row[-1] else row[1:-1])


class Chain:
    """Seals what each batch of a running gateway writes, and nothing that somebody else wrote."""

    def __init__(self, end: End, sign: Callable[[str], str]) -> None:
        """Begin where the chain ends.

        Args:
            end: In the database, once its history was found whole.
            sign: HMAC of a text under the audit key.
        """
        self._sign = sign
        self._ends = {end}
        self._sealed: End | None = None

    def must_be_ours(self, db: apsw.Connection) -> None:
        """Check, before a batch writes, that nobody else has written the audit or its seals.

        Raises:
            StoreUnavailable: Somebody has, and the next seal would cover it.
        """
        end = end_of(db)
        beyond = "SELECT 1 FROM audit WHERE audit_id > ? LIMIT 1"
        if end not in self._ends or db.execute(beyond, (end.audit_id,)).fetchone():
            message = (
                "Somebody else has written the audit or its seals while the gateway runs, so it "
                "commits nothing more: it would seal that as its own. Nothing of this is stored. "
                "Stop it, and look with `tkkpg check`."
            )
            raise StoreUnavailable(message)
        self._ends = {end}

    def seal(self, db: apsw.Connection) -> None:
        """Seal what a batch has written, before its COMMIT."""
        (end,) = self._ends
        leaves = [*leaves_of(db, end.audit_id + 1)]
        if leaves:
            sealed = seal(leaves, end.mac, self._sign)
            db.execute(_ADD, sealed)
            self._sealed = End(db.last_insert_rowid(), sealed.last_audit_id, sealed.mac)

    def committing(self) -> End | None:
        """Take note that a COMMIT begins; until it has succeeded, either end may be stored.

        Returns:
            The seal that is in it.
        """
        sealed, self._sealed = self._sealed, None
        if sealed is not None:
            self._ends.add(sealed)
        return sealed

    def committed(self, end: End) -> None:
        """Take note that a COMMIT has stored a seal."""
        self._ends = {end}
