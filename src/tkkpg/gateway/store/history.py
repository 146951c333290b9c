"""Whether a database holds the history that was sealed, and going on from one that does not.

At start the newest part of the chain is held against the head; `store.check` holds all of it, and
every row that a plan wrote against the digests that were sealed with it.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import apsw

from tkkpg.gateway.store import rows, seals
from tkkpg.gateway.store.apply import insert
from tkkpg.gateway.store.digests import ABSENT, SEALED, Sealed, lines_of
from tkkpg.gateway.store.head import Head
from tkkpg.gateway.store.seals import SEAL, end_of, leaves_of
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

ACCEPTED: Final = "audit_accepted"
"""Action of the audit rows by which an operator goes on from a broken history."""
ADOPTED: Final = "audit_adopted"
"""Action of those by which the history of an older version is taken over, once."""
RECHECKED: Final = 256
"""Newest seals whose rows are read again at start; `tkkpg check` reads all of them."""
NUMBER_MAX: Final = 2**62  # no gateway comes this far
LINES_MAX: Final = 1_000
"""Rows that one audit row of an acceptance names."""
_AUDIT: Final = insert("audit", f"audit_id, {rows.AUDIT}")
_SEAL: Final = insert("seal", f"seal_id, {SEAL}")
WAY_ON: Final = (
    "Nothing was changed. Restore the newest backup, or, once you know what happened and that "
    "nothing is missing that the host or a shop knows, go on from what is there with "
    "`tkkpg audit accept --reason TEXT`."
)


class HistoryBroken(ConfigurationError):
    """The database does not hold the history that the head names."""

    def __init__(self, found: str) -> None:
        """Say what was found, and the way on."""
        super().__init__(f"{found} {WAY_ON}")


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not as the last plan left it.

    Attributes:
        table: Its table.
        key: Its primary key.
        sealed: Digest that was sealed, `ABSENT` where no plan wrote it.
        standing: Digest of what is there, `ABSENT` where nothing is.
        audit_id: The plan's audit row; 0 where there is none.
        between: The row was changed before that plan, which found `standing` there.
    """

    table: str
    key: str
    sealed: str
    standing: str
    audit_id: int
    between: bool = False


def ends_at(db: apsw.Connection, head: Head) -> None:
    """Check that the chain reaches the head; reads what every version's tables have.

    Raises:
        HistoryBroken: It ends below it, or is another one.
    """
    if not head.seal_id:
        return
    found = select(db, "SELECT mac FROM seal WHERE seal_id = ?", (head.seal_id,))
    if not found:
        ((newest,),) = select(db, "SELECT coalesce(max(seal_id), 0) FROM seal")
        if newest < head.seal_id:
            raise HistoryBroken(
                f"The history in the database ends at seal {newest}, and the head beside the keys "
                f"knows seal {head.seal_id}: the database is an older copy, or its newest rows "
                "were removed."
            )
        raise HistoryBroken(f"Seal {head.seal_id}, which the head names, is missing.")
    if found != [(head.mac,)]:
        raise HistoryBroken(
            f"Seal {head.seal_id} is another one than the head names: the database is another "
            "home's, or its history was written anew."
        )


def follow(db: apsw.Connection, head: Head, verify: Callable[[str, str], bool]) -> Head:
    """Check the newest part of the chain, and all of it for gaps.

    Args:
        db: A database of this version whose chain reaches the head.
        head: Where it must pass.
        verify: Checks an HMAC of the audit key: (text, mac).

    Returns:
        The head, brought up to the newest seal.

    Raises:
        HistoryBroken: A gap, a seal that is not ours, rows that are not as they were sealed, or
            rows that no seal covers.
    """
    root = _root(db, head)
    ((first, last, stored),) = select(
        db, "SELECT min(seal_id), max(seal_id), count(*) FROM seal WHERE seal_id >= ?", (root,)
    )
    if stored and stored != last - first + 1:
        raise HistoryBroken(
            f"{last - first + 1 - stored} seals between {first} and {last} are gone."
        )
    start = max(root, head.seal_id - RECHECKED)
    for problem in _broken_from(db, start, root, head, verify):
        raise HistoryBroken(problem)
    ((unsealed,),) = select(
        db,
        "SELECT count(*) FROM audit"
        " WHERE audit_id > (SELECT coalesce(max(last_audit_id), 0) FROM seal)",
    )
    if unsealed:
        raise HistoryBroken(
            f"The newest {unsealed} rows of the audit have no seal, and the gateway seals in the "
            "commit that writes: they are not its own."
        )
    for problem in _outside_seals(db, head, root):
        raise HistoryBroken(problem)
    return replace(head, **end_of(db)._asdict())


def broken_history(
    db: apsw.Connection, head: Head, verify: Callable[[str, str], bool]
) -> Iterator[str]:
    """Check the whole history since the last acceptance, and that what was accepted is unchanged.

    Args:
        db: A connection that reads the database.
        head: Read before the snapshot of `db` was taken.
        verify: Checks an HMAC of the audit key: (text, mac).

    Yields:
        One sentence for each damage.
    """
    root = _root(db, head)
    yield from _broken_from(db, root, root, head, verify)
    if head.accepted_id:
        yield from _broken_acceptance(db, head, root)
    yield from _outside_seals(db, head, root)
    try:
        ends_at(db, head)
    except HistoryBroken as broken:
        yield broken.message


def _outside_seals(db: apsw.Connection, head: Head, root: int) -> Iterator[str]:
    """Find rows that no seal covers: every batch seals its own, so no plan wrote them."""
    # The sign lets SQLite count in an index, and not walk the rows themselves.
    ((stored, sealed),) = select(
        db,
        "SELECT (SELECT count(*) FROM audit WHERE +audit_id >= ?),"
        " (SELECT coalesce(sum(rows), 0) FROM seal WHERE seal_id >= ?)",
        (head.accepted_id or seals.FIRST_POSSIBLE, root),
    )
    if stored != sealed:
        yield f"The audit holds {stored} rows, but its seals cover {sealed}."


def _root(db: apsw.Connection, head: Head) -> int:
    """Return the number of the seal from which the chain is followed; 0: from its beginning."""
    if not head.accepted_id:
        return 0
    found = select(db, "SELECT seal_id FROM seal WHERE first_audit_id = ?", (head.accepted_id,))
    return int(found[-1][0]) if found else 0


def _broken_from(
    db: apsw.Connection,
    start: int,
    root: int,
    head: Head,
    verify: Callable[[str, str], bool],
) -> Iterator[str]:
    before = select(
        db,
        "SELECT mac, last_audit_id FROM seal WHERE seal_id < ? ORDER BY seal_id DESC LIMIT 1",
        (start,),
    ) or [(seals.FIRST_MAC, 0)]
    ((mac_before, last),) = before
    expected = head.accepted_id if start <= root and head.accepted_id else last + 1
    made = db.execute(
        f"SELECT {SEAL} FROM seal WHERE seal_id >= ? ORDER BY seal_id",  # noqa: S608 - constant columns
        (start,),
    )
    yield from seals.broken_seals(
        (seals.Seal(*row) for row in made),
        lambda first, last: [leaf for _, leaf in leaves_of(db, first, last)],
        verify,
        mac_before=mac_before,
        expected=expected,
    )


def _broken_acceptance(db: apsw.Connection, head: Head, root: int) -> Iterator[str]:
    found = select(db, "SELECT detail FROM audit WHERE audit_id = ?", (head.accepted_id,))
    if not found or not root:
        yield f"Audit row {head.accepted_id}, by which the history was accepted, is gone."
        return
    try:
        accepted = json.loads(found[0][0])["history"]
    except (ValueError, KeyError, TypeError):
        accepted = None
    if accepted != _history_before(db, head.accepted_id, root):
        yield (
            f"Audit rows before {head.accepted_id} are not those that were accepted then: they "
            "were changed since."
        )


def _history_before(db: apsw.Connection, audit_id: int, seal_id: int) -> str:
    """Return a digest over every audit row and seal below two numbers."""
    whole = sha256()
    for _, leaf in leaves_of(db, seals.FIRST_POSSIBLE, audit_id - 1):
        whole.update(leaf)
    made = db.execute(
        f"SELECT seal_id, {SEAL} FROM seal WHERE seal_id < ? ORDER BY seal_id",  # noqa: S608 - constant columns
        (seal_id,),
    )
    for row in made:
        whole.update(seals.canonical(row))
    return whole.hexdigest()


# ---------------------------------------------------------------- rows against their digests


class _Newest:
    """The newest sealed digest of every row, on disk while it is worked with."""

    def __init__(self) -> None:
        self._db = apsw.Connection("")  # a temporary file that ends with the connection
        self._db.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE newest (name TEXT, key TEXT, digest TEXT, audit_id INTEGER,"
            " PRIMARY KEY (name, key)) WITHOUT ROWID"
        )
        self._db.execute("BEGIN")

    def get(self, name: str, key: str) -> str:
        found = self._db.execute(
            "SELECT digest FROM newest WHERE name = ? AND key = ?", (name, key)
        ).fetchone()
        return str(found[0]) if found else ABSENT

    def put(self, name: str, key: str, digest: str, audit_id: int) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?)", (name, key, digest, audit_id)
        )

    def of(self, name: str) -> Iterator[tuple[str, str, int]]:
        yield from self._db.execute(
            "SELECT key, digest, audit_id FROM newest WHERE name = ?", (name,)
        )

    def close(self) -> None:
        self._db.close()


def differences(db: apsw.Connection, accepted_id: int) -> Iterator[Difference]:
    """Find every row that is not as the last plan that wrote it left it.

    Args:
        db: A connection that reads the database.
        accepted_id: Audit row of the newest acceptance: what did not meet before it was accepted.

    Yields:
        Rows that were changed between two plans, in the order of the audit; then, table by table,
        those that stand otherwise than they were left, and those that no plan wrote.
    """
    with closing(_Newest()) as newest:
        for audit_id, written in db.execute(
            "SELECT audit_id, CAST(written AS TEXT) FROM audit"
            " WHERE written <> '' ORDER BY audit_id"
        ):
            for line in lines_of(written):
                known = newest.get(line.table, line.key)
                if known != line.before and audit_id >= accepted_id:
                    yield Difference(
                        line.table, line.key, known, line.before, audit_id, between=True
                    )
                newest.put(line.table, line.key, line.after, audit_id)
        for table in SEALED.values():
            yield from _standing_otherwise(db, table, newest)


def _standing_otherwise(
    db: apsw.Connection, table: Sealed, newest: _Newest
) -> Iterator[Difference]:
    present = 0
    for key, digest, audit_id in newest.of(table.name):
        standing = table.standing(db, key)
        present += standing != ABSENT
        if standing != digest:
            yield Difference(table.name, key, digest, standing, audit_id)
    count = f"SELECT count(*) FROM {table.name}"  # noqa: S608 - constant names
    if select(db, count) == [(present,)]:
        return
    for (key,) in db.execute(f"SELECT {table.key} FROM {table.name}"):  # noqa: S608 - constant names
        if newest.get(table.name, str(key)) == ABSENT:
            yield Difference(table.name, str(key), ABSENT, table.standing(db, key), 0)


# ---------------------------------------------------------------- going on


def accept(
    path: Path,
    head: Head | None,
    *,
    action: str,
    reason: str,
    now: datetime,
    new_id: Callable[[], str],
    sign: Callable[[str], str],
) -> Head:
    """Commit that the history goes on from what the database holds, and return its head.

    The audit says for what reason, and for each row that is not as it was sealed how it stands
    now. All numbers go on above those of the head.

    Args:
        path: The database, of this version; nobody else has it open.
        head: What was known of the history outside the database, if it can be believed.
        action: `ACCEPTED` or `ADOPTED`.
        reason: The operator's, without card data.
        now: Business time.
        new_id: Returns a new id for an audit row.
        sign: HMAC of a text under the audit key.

    Raises:
        ConfigurationError: Nothing can be numbered above what somebody has put there.
    """
    known = head or Head()
    with closing(connect(path, writing=True)) as db:
        db.execute("BEGIN IMMEDIATE")
        for name, number in known.numbers.items():
            db.execute(
                "INSERT INTO sequence (name, next) VALUES (?1, ?2)"
                " ON CONFLICT (name) DO UPDATE SET next = max(CAST(next AS INTEGER), ?2)",
                (name, number),
            )
        lines = [
            f"{one.table} {one.sealed} {one.standing} {one.key}"
            for one in differences(db, known.accepted_id)
            if not one.between
        ]
        before, _, mac_before = end_of(db)
        ((newest,),) = select(db, "SELECT coalesce(max(audit_id), 0) FROM audit")
        if max(newest, before) >= NUMBER_MAX:
            raise ConfigurationError(
                f"{path} holds an audit row or seal {max(newest, before)}, which no gateway wrote; "
                "nothing can be numbered above it. Remove it, or restore the newest backup."
            )
        first = max(newest, known.audit_id) + 1
        history = _history_before(db, newest + 1, before + 1)
        detail: dict[str, Any] = {"history": history, "head": known.seal_id}
        detail |= {"reason": reason, "rows": len(lines)}
        named = [lines[one : one + LINES_MAX] for one in range(0, len(lines), LINES_MAX)]
        for audit_id, part in enumerate(named or [[]], first):
            row = (new_id(), rows.micros(now), "operator", action, None, "", json.dumps(detail))
            db.execute(_AUDIT, (audit_id, *row, "\n".join(part)))
            detail = {"continued": True}
        sealed = seals.seal([*leaves_of(db, first)], mac_before, sign)
        seal_id = max(before, known.seal_id) + 1
        db.execute(_SEAL, (seal_id, *sealed))
        numbers = dict(select(db, "SELECT name, CAST(next AS INTEGER) FROM sequence"))
        db.execute("COMMIT")
    return Head(
        seal_id=seal_id,
        audit_id=sealed.last_audit_id,
        mac=sealed.mac,
        numbers=numbers,
        accepted_id=sealed.first_audit_id,
    )
