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
from tkkpg.gateway.store.rules import PARTS, QUERIES
from tkkpg.gateway.store.sqlite import damaged_seals, select
from tkkpg.gateway.store.views import reading
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
SEALS: Final = "the audit is as it was sealed"

RULES: Final = (FILE, REFERENCES, SEALS, *(rule.name for rule in QUERIES))
"""Everything that is checked."""


def check(path: Path, keys_verify: Callable[[str, str], bool], now: datetime) -> list[Finding]:
    """Check a database, whether a gateway runs on it or not; changes nothing.

    Args:
        path: The database.
        keys_verify: Checks an HMAC of the audit key: (text, mac).
        now: Business time.

    Returns:
        What was found, rule by rule, at most `FINDINGS_MAX` of each; empty when all is well.

    Raises:
        ConfigurationError: The file cannot be read, or its tables are not this version's.
    """
    with reading(path) as db:
        _check_revision(db, path)
        found: list[Finding] = []
        try:
            found += islice(_broken_pages(db), FINDINGS_MAX)
            found += islice(_broken_references(db), FINDINGS_MAX)
            found += islice(_broken_seals(db, keys_verify), FINDINGS_MAX)
            for rule in QUERIES:
                found += islice(_breaches(db, rule, now), FINDINGS_MAX)
        except apsw.CorruptError as error:
            sentence = f"SQLite cannot read on: {error}. Restore the database from a backup."
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


def _broken_seals(db: apsw.Connection, verify: Callable[[str, str], bool]) -> Iterator[Finding]:
    for sentence in damaged_seals(db, verify):
        yield Finding(rule=SEALS, rows="audit", sentence=sentence)


def _breaches(db: apsw.Connection, rule: Rule, now: datetime) -> Iterator[Finding]:
    cursor = db.execute(rule.query.format_map(PARTS), {"overdue": rows.micros(now - PARKED_AFTER)})
    for row in cursor:
        named = dict(zip((name for name, *_ in cursor.description), row, strict=True))
        yield Finding(
            rule=rule.name,
            rows=rule.rows.format_map(named),
            sentence=rule.sentence.format_map(named),
        )
