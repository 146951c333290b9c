"""The books checked against each other, by the rules of `rules`.

Everything is read in one snapshot of one connection that cannot write, so that a gateway may go on
paying meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Final

import apsw
from alembic.script import ScriptDirectory

from tkkpg.gateway.model.transaction import PARKED_AFTER
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.digests import ABSENT
from tkkpg.gateway.store.head import Head, HeadRefused, Signer, read_head
from tkkpg.gateway.store.history import broken_history, differences
from tkkpg.gateway.store.migrate import expected_schema, schema_of
from tkkpg.gateway.store.rules import PARTS, QUERIES
from tkkpg.gateway.store.sqlite import select
from tkkpg.gateway.store.views import reading
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from tkkpg.gateway.store.rules import Rule

FINDINGS_MAX: Final = 1_000
"""Findings of one rule that are given: beyond that a backup is what helps, not a longer list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it must be.

    Attributes:
        rule: What must hold, one of `RULES`.
        rows: Where it does not: table and key, such as `entry 12`.
        sentence: What was found, and what to do about it where that is not plain.
    """

    rule: str
    rows: str
    sentence: str


FILE: Final = "the file is whole"
REFERENCES: Final = "rows refer to rows that exist"
SCHEMA: Final = "tables, indexes and checks are those of this version"
HEAD: Final = "the head beside the keys names the end of the history"
SEALS: Final = "the audit is as it was sealed"
DECIDED: Final = "every row is as the plan that wrote it left it"

RULES: Final = (
    FILE,
    SCHEMA,
    REFERENCES,
    HEAD,
    SEALS,
    DECIDED,
    *(rule.name for rule in QUERIES),
)
"""Everything that is checked."""


def check(path: Path, head_path: Path, signer: Signer, now: datetime) -> list[Finding]:
    """Check a database, whether a gateway runs on it or not; changes nothing.

    Args:
        path: The database.
        head_path: The head of its history.
        signer: The gateway's keys.
        now: Business time.

    Returns:
        What was found, rule by rule, at most `FINDINGS_MAX` of each; empty when all is well.

    Raises:
        ConfigurationError: The file cannot be read, or its tables are not this version's.
    """
    found: list[Finding] = []
    head = Head()
    try:
        head = read_head(head_path, signer)  # before the snapshot: it never leads
    except HeadRefused as refused:
        found.append(Finding(rule=HEAD, rows=head_path.name, sentence=refused.message))
    with reading(path) as db:
        _check_revision(db, path)
        try:
            for search in (
                _broken_pages(db),
                _other_schema(db),
                _broken_references(db),
                _broken_seals(db, head, signer),
                _undecided(db, head),
                *(_breaches(db, rule, now) for rule in QUERIES),
            ):
                found += islice(search, FINDINGS_MAX)
        except apsw.CorruptError as error:
            sentence = f"SQLite cannot read on: {error}. Restore the database from a backup."
            found.append(Finding(rule=FILE, rows="database", sentence=sentence))
        except UnicodeDecodeError:
            sentence = "It holds text that is no UTF-8. Restore the database from a backup."
            found.append(Finding(rule=FILE, rows="database", sentence=sentence))
    return found


def _check_revision(db: apsw.Connection, path: Path) -> None:
    scripts = ScriptDirectory(str(files("tkkpg.gateway.store") / "migrations"))
    known = scripts.get_current_head()
    ((present,),) = select(db, "SELECT max(version_num) FROM alembic_version")
    if present != known:
        raise ConfigurationError(
            f"{path} has the tables of revision {present}, and this version of tkkpg checks "
            f"revision {known}. Check it with the version that its gateway runs; the gateway of a "
            "newer version upgrades it at its start."
        )


def _broken_pages(db: apsw.Connection) -> Iterator[Finding]:
    for (message,) in db.execute("PRAGMA integrity_check"):
        if message != "ok":
            yield Finding(
                rule=FILE,
                rows="database",
                sentence=f"SQLite says: {message}. Restore the database from a backup.",
            )


def _broken_references(db: apsw.Connection) -> Iterator[Finding]:
    for table, row_id, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield Finding(
            rule=REFERENCES,
            rows=f"{table} {row_id}",
            sentence=f"It names a row of {parent} that is not there: somebody removed it.",
        )


def _other_schema(db: apsw.Connection) -> Iterator[Finding]:
    expected, present = expected_schema(), schema_of(db)
    for name in sorted(expected.keys() | present.keys()):
        if expected.get(name) == present.get(name):
            continue
        what = "was added" if name not in expected else "was changed"
        yield Finding(
            rule=SCHEMA,
            rows=name,
            sentence=f"It {what if name in present else 'is missing'}: whoever did it decided what "
            "the database lets through. Stop the gateway, and put it back as the migrations make "
            "it, or restore a backup.",
        )


def _broken_seals(db: apsw.Connection, head: Head, signer: Signer) -> Iterator[Finding]:
    def verify(text: str, mac: str) -> bool:
        return signer.verify("audit", text, mac)

    for sentence in broken_history(db, head, verify):
        yield Finding(rule=SEALS, rows="audit", sentence=sentence)


def _undecided(db: apsw.Connection, head: Head) -> Iterator[Finding]:
    for one in differences(db, head.accepted_id):
        if one.between:
            what = f"It was changed before audit row {one.audit_id}, whose plan went on from that"
        elif one.sealed == ABSENT:
            what = "No plan wrote it"
        elif one.standing == ABSENT:
            what = f"It was removed; audit row {one.audit_id} wrote it"
        else:
            what = f"It was changed after audit row {one.audit_id} wrote it"
        yield Finding(
            rule=DECIDED,
            rows=f"{one.table} {one.key}",
            sentence=f"{what}: somebody else than the gateway writes to the database. Compare it "
            "with a backup and with the host's journal.",
        )


def _breaches(db: apsw.Connection, rule: Rule, now: datetime) -> Iterator[Finding]:
    cursor = db.execute(rule.query.format_map(PARTS), {"overdue": rows.micros(now - PARKED_AFTER)})
    for row in cursor:
        named = dict(zip((name for name, *_ in cursor.description), row, strict=True))
        yield Finding(
            rule=rule.name,
            rows=rule.rows.format_map(named),
            sentence=rule.sentence.format_map(named),
        )
