"""A merchant's day: what its accounts held before, every entry that moved them, what they hold now.

Read row by row from one snapshot, so that a day of any length needs the same memory.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.ledger import Account, Phase, Posting
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.sqlite import select
from tkkpg.gateway.store.views.snapshot import day_limits, merchant_must_be_there, reading
from tkkpg.protocol.values import CURRENCIES, Currency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime
    from pathlib import Path

    import apsw

    from tkkpg.gateway.store.rows import Row

ACCOUNTS: Final = (Account.MERCHANT_PAYABLE, Account.MERCHANT_CURRENT)
"""The accounts that every merchant has; what is on them is the merchant's."""

_MOVES: Final = (Phase.POSTED, Phase.POSTS)
"""Phases that move money; the others reserve it and give the reservation back."""


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_OF_MERCHANT: Final = (
    f"e.merchant_id = ?1 AND e.currency = ?2 AND e.phase IN ({_listed(_MOVES)})"
    f" AND (e.debit IN ({_listed(ACCOUNTS)}) OR e.credit IN ({_listed(ACCOUNTS)}))"
)
_BEFORE: Final = (
    "SELECT coalesce(sum(amount_minor * ((credit = ?4) - (debit = ?4))), 0),"  # noqa: S608 - constant names
    " coalesce(sum(amount_minor * ((credit = ?5) - (debit = ?5))), 0)"
    f" FROM entry e WHERE {_OF_MERCHANT} AND e.at < ?3"
)
_DURING: Final = (
    "SELECT e.entry_id, e.at, e.posting, e.debit, e.credit, e.amount_minor, e.order_id,"  # noqa: S608 - constant names
    " e.tran_id, t.rrn, coalesce(nullif(t.description, ''), o.description, '')"
    " FROM entry e LEFT JOIN tran t ON t.tran_id = e.tran_id"
    " LEFT JOIN orders o ON o.order_id = e.order_id"
    f" WHERE {_OF_MERCHANT} AND e.at >= ?3 AND e.at < ?4 ORDER BY e.at, e.entry_id"
)
"""In the order of the index over merchant, currency and time, so that nothing is sorted."""


class RowKind(StrEnum):
    """What a row of a statement is."""

    OPENING = "OPENING"
    ENTRY = "ENTRY"
    CLOSING = "CLOSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """A balance, or what one entry does to one account; an entry between both accounts has two.

    Attributes:
        account: One of `ACCOUNTS`.
        currency: Of all amounts, which are minor units.
        balance_minor: On the account after this row.
        total_minor: On both accounts after this row.
        amount_minor: What the entry adds to the account; below zero when it takes. Zero in a
            balance.
        at: Business time of the entry, UTC; `None` in a balance, as all that follows.
        rrn: Reference number of the transaction.
        description: Of the transaction, else of the order: the merchant's own words.
    """

    kind: RowKind
    account: Account
    currency: Currency
    balance_minor: int
    total_minor: int
    amount_minor: int = 0
    at: datetime | None = None
    posting: Posting | None = None
    entry_id: int | None = None
    order_id: int | None = None
    tran_id: int | None = None
    rrn: str | None = None
    description: str = ""


@contextmanager
def statement(
    path: Path, merchant_id: str, day: date, currency: Currency | None = None
) -> Iterator[Iterator[StatementRow]]:
    """Open the statement of a merchant's day in Baku; the rows can be read until it is left.

    Each currency begins with the opening balances of both accounts and ends with the closing ones.

    Args:
        path: The database.
        merchant_id: Whose accounts.
        day: From midnight to midnight in Baku, by the business time of the entries.
        currency: The one that is wanted; else all that the merchant has an account in.

    Raises:
        ConfigurationError: The file cannot be read, or has no such merchant.
    """
    with reading(path) as db:
        merchant_must_be_there(db, merchant_id, path)
        found = select(
            db,
            "SELECT currency FROM balance WHERE merchant_id = ? ORDER BY currency",
            (merchant_id,),
        )
        chosen = [currency] if currency else [CURRENCIES[code] for (code,) in found]
        yield (row for one in chosen for row in _rows(db, merchant_id, one, *day_limits(day)))


def _rows(
    db: apsw.Connection, merchant_id: str, currency: Currency, first: int, end: int
) -> Iterator[StatementRow]:
    whose = (merchant_id, currency.code)
    (before,) = select(db, _BEFORE, (*whose, first, *ACCOUNTS))
    balances: dict[Account, int] = dict(zip(ACCOUNTS, before, strict=True))
    yield from _balances(RowKind.OPENING, currency, balances)
    for row in db.execute(_DURING, (*whose, first, end)):
        yield from _entry(row, currency, balances)
    yield from _balances(RowKind.CLOSING, currency, balances)


def _balances(
    kind: RowKind, currency: Currency, balances: dict[Account, int]
) -> Iterator[StatementRow]:
    for account, balance in balances.items():
        yield StatementRow(
            kind=kind,
            account=account,
            currency=currency,
            balance_minor=balance,
            total_minor=sum(balances.values()),
        )


def _entry(row: Row, currency: Currency, balances: dict[Account, int]) -> Iterator[StatementRow]:
    """Bring the balances up to date; give a row for each account that the entry moves."""
    entry_id, at, posting, debit, credit, amount, order_id, tran_id, rrn, description = row
    changes = {
        Account(account): change
        for account, change in ((debit, -amount), (credit, amount))
        if account in balances
    }
    for account, change in changes.items():
        balances[account] += change
    for account, change in changes.items():
        yield StatementRow(
            kind=RowKind.ENTRY,
            account=account,
            currency=currency,
            balance_minor=balances[account],
            total_minor=sum(balances.values()),
            amount_minor=change,
            at=rows.moment(at),
            posting=Posting(posting),
            entry_id=entry_id,
            order_id=order_id,
            tran_id=tran_id,
            rrn=rrn,
            description=description,
        )
