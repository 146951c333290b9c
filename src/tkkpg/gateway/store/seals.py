"""Seals over the audit rows: any edited, added, removed or reordered row below them is found.

Rows are appended unlinked, since a chain over rows would make every commit wait for the one
before. Once per batch a seal row stores the range, the Merkle root of its rows, and an HMAC under
a key that is not in the database over the root and the seal before.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tkkpg.gateway.store.rows import Value

FIRST_MAC = ""
"""What stands in for the seal before the first one."""


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
        if not verify(text, one.mac):
            yield f"{span}: the seal was not made by this gateway's key, or moved."
        elif len(found) != one.rows or merkle_root(found).hex() != one.root:
            yield f"{span} were changed after they were sealed."
        if one.first_audit_id != expected:
            yield f"{span}: rows or seals before them are missing."
        mac_before, expected = one.mac, one.last_audit_id + 1
