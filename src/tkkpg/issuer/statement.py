"""Reading an issuer's journal beside the issuer: what really moved on the cards."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import apsw


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """A movement as it stands in the journal.

    Attributes:
        at: ISO 8601, UTC.
        original_rrn: Reference number of the authorisation that it belongs to.
        held_minor: Change of what is held on the account.
        charged_minor: Change of what was charged to it.
    """

    at: str
    account: str
    kind: str
    original_rrn: str
    held_minor: int
    charged_minor: int
    currency: str


class ProofLine(NamedTuple):
    """What an authorisation said of 3-D Secure.

    Attributes:
        eci: Two digits.
        with_cavv: Whether a CAVV came.
    """

    eci: str
    with_cavv: bool


def movements(path: Path) -> list[JournalLine]:
    """Read every movement, oldest first."""
    with closing(_reading(path)) as db:
        found = db.execute(
            "SELECT at, account, kind, original_rrn, held_minor, charged_minor, currency"
            " FROM movement ORDER BY movement_id"
        ).fetchall()
    return [
        JournalLine(
            at=str(at),
            account=str(account),
            kind=str(kind),
            original_rrn=str(rrn),
            held_minor=int(str(held)),
            charged_minor=int(str(charged)),
            currency=str(currency),
        )
        for at, account, kind, rrn, held, charged, currency in found
    ]


def net_by_original(path: Path) -> dict[str, int]:
    """Add up what is charged in the end, by the RRN of the authorisation, in minor units."""
    with closing(_reading(path)) as db:
        found = db.execute(
            "SELECT original_rrn, sum(charged_minor) FROM movement GROUP BY original_rrn"
        ).fetchall()
    return {str(rrn): int(str(charged)) for rrn, charged in found}


def holds_by_original(path: Path) -> dict[str, int]:
    """Add up what is still held, by the RRN of the authorisation, in minor units."""
    with closing(_reading(path)) as db:
        found = db.execute(
            "SELECT original_rrn, sum(held_minor) FROM movement GROUP BY original_rrn"
        ).fetchall()
    return {str(rrn): int(str(held)) for rrn, held in found}


def proof_by_original(path: Path) -> dict[str, ProofLine]:
    """Give what was said of 3-D Secure, by the RRN of the authorisation, approved or not.

    An authorisation that said nothing of it is left out.
    """
    with closing(_reading(path)) as db:
        found = db.execute("SELECT rrn, eci, with_cavv FROM proof JOIN message USING (trace)")
        return {str(rrn): ProofLine(str(eci), bool(cavv)) for rrn, eci, cavv in found}


def unbalanced(path: Path) -> tuple[str, ...]:
    """Name the accounts whose stored sums are not what their movements add up to."""
    with closing(_reading(path)) as db:
        found = db.execute(
            "SELECT name FROM account a WHERE (held_minor, charged_minor) IS NOT"
            " (SELECT coalesce(sum(m.held_minor), 0), coalesce(sum(m.charged_minor), 0)"
            " FROM movement m WHERE m.account = a.name) ORDER BY name"
        ).fetchall()
    return tuple(str(name) for (name,) in found)


def _reading(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    db.set_busy_timeout(10_000)
    db.execute("PRAGMA query_only=ON")
    return db
