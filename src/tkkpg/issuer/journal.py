"""The issuer's journal: every request with its answer, and every movement, in one SQLite file.

A request's answer and its movements are one transaction, committed before the answer leaves. WAL
with `synchronous=NORMAL`: that outlives the end of the process at any moment, which is what an
issuer in tests has to; a power cut may take the last moments. The file holds no card number: a
kept card is a token, the account's name and the merchant that may use it. Of a proof by 3-D Secure
it keeps the ECI and whether a CAVV came, never the CAVV.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import apsw

from tkkpg.issuer.rules import Movement, Standing
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tkkpg.gateway.host.fields import Trace
    from tkkpg.issuer.accounts import Account

BUSY_MS: Final = 10_000
"""How long to wait for whoever reads the file to let go of it."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS account (
    name TEXT PRIMARY KEY,
    opening_minor INTEGER NOT NULL,
    held_minor INTEGER NOT NULL DEFAULT 0,
    charged_minor INTEGER NOT NULL DEFAULT 0,
    CHECK (held_minor >= 0)
);
CREATE TABLE IF NOT EXISTS message (
    trace TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    rrn TEXT NOT NULL,
    account TEXT,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    original TEXT,
    code TEXT NOT NULL,
    approval TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
    seen INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS ix_message_original ON message (original) WHERE original IS NOT NULL;
CREATE TABLE IF NOT EXISTS movement (
    movement_id INTEGER PRIMARY KEY,
    trace TEXT NOT NULL REFERENCES message (trace),
    original TEXT NOT NULL,
    original_rrn TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (name),
    kind TEXT NOT NULL,
    held_minor INTEGER NOT NULL,
    charged_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ'))
);
CREATE INDEX IF NOT EXISTS ix_movement_original ON movement (original);
CREATE INDEX IF NOT EXISTS ix_movement_trace ON movement (trace);
CREATE TABLE IF NOT EXISTS kept_card (
    token TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name),
    merchant TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
    UNIQUE (account, merchant)
);
CREATE TABLE IF NOT EXISTS registration (
    trace TEXT PRIMARY KEY REFERENCES message (trace),
    token TEXT NOT NULL REFERENCES kept_card (token)
);
CREATE TABLE IF NOT EXISTS proof (
    trace TEXT PRIMARY KEY REFERENCES message (trace),
    eci TEXT NOT NULL,
    with_cavv INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS played (
    trace TEXT PRIMARY KEY,
    code TEXT NOT NULL
);
"""


class Answer(NamedTuple):
    """What a request was answered with.

    Attributes:
        code: Response code.
        approval: Approval code, empty unless approved.
        amount_minor: The amount that it is about.
        currency: Of the amount, numeric.
        token: Of the card that was registered; `None` when none was.
    """

    code: str
    approval: str
    amount_minor: int
    currency: str
    token: Secret | None = None


def key(trace: Trace) -> str:
    """Write a trace as one text."""
    return ":".join(trace)


def play(path: Path, trace: Trace, code: str) -> None:
    """Ask the issuer, from beside it, to play a code to one request that has not come yet.

    Args:
        path: Its journal.
        trace: Of a completion, a reversal or a refund.
        code: One that declines, or `SILENCE`.

    Raises:
        apsw.Error: The journal cannot be written.
    """
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as db:
        db.set_busy_timeout(BUSY_MS)
        db.execute("INSERT OR REPLACE INTO played (trace, code) VALUES (?, ?)", (key(trace), code))


class Journal:
    """The file, open for writing; everything happens inside `tx`.

    Attributes:
        requests_before: How many it held when it was opened.
    """

    def __init__(self, path: Path, accounts: Iterable[Account]) -> None:
        """Open or make the file; an account that is new in it begins with its balance.

        Raises:
            OSError: The file cannot be made.
            apsw.Error: It cannot be used, or is no database.
        """
        path.touch(mode=0o600)
        path.open("rb").close()  # the system's reason, where there is one, says more than SQLite's
        self._db = apsw.Connection(str(path))
        self._db.set_busy_timeout(BUSY_MS)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA foreign_keys=ON")
        with self.tx():
            self._db.execute(_TABLES)
            for account in accounts:
                self._db.execute(
                    "INSERT OR IGNORE INTO account (name, opening_minor) VALUES (?, ?)",
                    (account.name, account.balance_minor),
                )
            ((count,),) = self._rows("SELECT count(*) FROM message")
        self.requests_before = int(count)

    @contextmanager
    def tx(self) -> Iterator[None]:
        """Commit what is done inside as one; nothing of it stays when it fails."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has ended it by itself when the disk is full
                self._db.execute("ROLLBACK")
            raise

    def answer_to(self, trace: Trace) -> Answer | None:
        """Give the recorded answer to a request, and count the repeat."""
        found = self._rows(
            "UPDATE message SET seen = seen + 1 WHERE trace = ? RETURNING code, approval,"
            " amount_minor, currency,"
            " (SELECT token FROM registration r WHERE r.trace = message.trace)",
            key(trace),
        )
        if not found:
            return None
        code, approval, amount_minor, currency, token = found[0]
        return Answer(code, approval, amount_minor, currency, Secret(token) if token else None)

    def available(self, account: str) -> int:
        """Give what an account can still bear, in minor units."""
        ((available,),) = self._rows(
            "SELECT opening_minor - held_minor - charged_minor FROM account WHERE name = ?",
            account,
        )
        return int(available)

    def completed_by(self, trace: Trace) -> str | None:
        """Give the key of the hold that an approved completion charged."""
        found = self._rows(
            "SELECT original FROM movement WHERE trace = ? AND kind = 'COMPLETE'", key(trace)
        )
        return str(found[0][0]) if found else None

    def standing(self, original: str) -> Standing | None:
        """Give what is left of an approved authorisation; `None` when there was none.

        Args:
            original: Its key.
        """
        ((count, rrn, account, currency, held, charged, returned, asked),) = self._rows(
            "SELECT count(*), max(original_rrn), max(account), max(currency), sum(held_minor),"
            " sum(charged_minor), sum(kind IN ('REFUND', 'REVERSE')),"
            " (SELECT amount_minor FROM message WHERE trace = ?1)"
            " FROM movement WHERE original = ?1",
            original,
        )
        if not count:
            return None
        return Standing(
            account, rrn, currency, held, charged, returned=returned > 0, asked_minor=asked or 0
        )

    def was_reversed(self, trace: Trace) -> bool:
        """Whether a reversal has asked for a request, which may not have come yet."""
        return bool(
            self._rows(
                "SELECT 1 FROM message WHERE original = ? AND type LIKE '04%' LIMIT 1", key(trace)
            )
        )

    def played(self, trace: Trace) -> str | None:
        """Return the code that `play` asked to be played to a request about an earlier one."""
        found = self._rows("SELECT code FROM played WHERE trace = ?", key(trace))
        return str(found[0][0]) if found else None

    def record(
        self, trace: Trace, values: tuple[Any, ...], proof: tuple[str, bool] | None = None
    ) -> None:
        """Record a request with its answer.

        Args:
            trace: What it is found by again.
            values: Type, RRN, account, amount, currency, original's key, code, approval code.
            proof: ECI, and whether a CAVV came; `None` when nothing was said of 3-D Secure.
        """
        self._db.execute(
            "INSERT INTO message (trace, type, rrn, account, amount_minor, currency, original,"
            " code, approval) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key(trace), *values),
        )
        if proof is not None:
            self._db.execute(
                "INSERT INTO proof (trace, eci, with_cavv) VALUES (?, ?, ?)", (key(trace), *proof)
            )

    def move(
        self, trace: Trace, original: str, standing: Standing, movements: Iterable[Movement]
    ) -> None:
        """Record movements that a request causes, and bring the account up to date."""
        for one in movements:
            change = (one.held_minor, one.charged_minor)
            self._db.execute(
                "INSERT INTO movement (trace, original, original_rrn, account, kind, held_minor,"
                " charged_minor, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key(trace),
                    original,
                    standing.rrn,
                    standing.account,
                    one.kind.value,
                    *change,
                    standing.currency,
                ),
            )
            self._db.execute(
                "UPDATE account SET held_minor = held_minor + ?,"
                " charged_minor = charged_minor + ? WHERE name = ?",
                (*change, standing.account),
            )

    def account_of(self, token: str, merchant: str) -> str | None:
        """Name the account behind a token that was given to this merchant."""
        found = self._rows(
            "SELECT account FROM kept_card WHERE token = ? AND merchant = ?", token, merchant
        )
        return str(found[0][0]) if found else None

    def register(self, trace: Trace, account: str, merchant: str, new: Secret) -> Secret:
        """Keep a card for a merchant, because of a request that `record` has recorded.

        Args:
            new: The token, unless the card has one for this merchant already.

        Returns:
            The one that holds.
        """
        self._db.execute(
            "INSERT INTO kept_card (token, account, merchant) VALUES (?, ?, ?)"
            " ON CONFLICT (account, merchant) DO NOTHING",
            (new.reveal(), account, merchant),
        )
        ((token,),) = self._rows(
            "INSERT INTO registration (trace, token) SELECT ?, token FROM kept_card"
            " WHERE account = ? AND merchant = ? RETURNING token",
            key(trace),
            account,
            merchant,
        )
        return Secret(token)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _rows(self, statement: str, *values: str) -> list[Any]:
        return self._db.execute(statement, values).fetchall()
