"""The command: what is compared, and how the result is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tkkpg.cli.commands.balance.compare import AGREEING, Kind, Outcome, Pair, Record, compare
from tkkpg.cli.commands.balance.host_file import HostFileError, read_sorted
from tkkpg.cli.home import home_option
from tkkpg.cli.output import FAILED, Command, print_json, print_table
from tkkpg.cli.records import local
from tkkpg.cli.report import major
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.store.views import ApprovedTransaction, approved_transactions
from tkkpg.protocol.values import Currency
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Iterable

UNUSABLE: Final = 2
"""Exit status for a host's file that cannot be used, as for a wrong option."""

DIFFERENCES_MAX: Final = 1_000
"""Rows that are told one by one; all are counted. Beyond that it is the wrong file or day."""

_KINDS: Final = {
    TranKind.AUTHORISATION: Kind.PURCHASE,
    TranKind.COMPLETION: Kind.COMPLETION,
    TranKind.REVERSAL: Kind.REVERSAL,
    TranKind.REFUND: Kind.REFUND,
}


@dataclass(slots=True)
class Sum:
    """Transactions of one outcome and currency, in minor units whatever their direction."""

    count: int = 0
    ours_minor: int = 0
    theirs_minor: int = 0


@dataclass(slots=True)
class Balance:
    """What a comparison found: everything counted, the first differences row by row."""

    sums: dict[tuple[Currency, Outcome], Sum] = field(default_factory=dict)
    differing: int = 0
    differences: list[Pair] = field(default_factory=list)

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> Balance:
        """Count and add up pairs."""
        found = cls()
        for pair in pairs:
            found._add(pair)
        return found

    def _add(self, pair: Pair) -> None:
        for counted, record in enumerate(one for one in (pair.ours, pair.theirs) if one):
            total = self.sums.setdefault((record.currency, pair.outcome), Sum())
            total.count += not counted
            if record is pair.ours:
                total.ours_minor += record.amount_minor
            else:
                total.theirs_minor += record.amount_minor
        if pair.outcome not in AGREEING:
            self.differing += 1
            if self.differing <= DIFFERENCES_MAX:
                self.differences.append(pair)

    def rows(self) -> list[tuple[Currency, Outcome, Sum]]:
        """Give the sums, currency by currency."""
        order = list(Outcome)
        return [
            (currency, outcome, total)
            for (currency, outcome), total in sorted(
                self.sums.items(), key=lambda one: (one[0][0].code, order.index(one[0][1]))
            )
        ]


@click.command("balance", cls=Command)
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    metavar="YYYY-MM-DD",
    help="From midnight to midnight in Baku.",
)
@click.option(
    "--host-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The host's record: CSV as docs/statements.md says.",
)
@click.option("--merchant", "merchant_id", metavar="ID", help="Only this merchant's.")
@home_option
def balance(
    *, day: datetime, host_file: Path, merchant_id: str | None, home: Path, as_json: bool
) -> None:
    """Compare our approved transactions of a day with the host's record.

    Reads the database in --home, whether the gateway runs or not. Exit status 1 when anything
    differs, 2 when the host's file cannot be used.
    """
    try:
        with approved_transactions(home / DATABASE, day.date(), merchant_id) as ours:
            theirs = read_sorted(host_file, ours.terminals)
            pairs = compare(
                map(_record_of, ours.transactions),
                theirs,
                lambda moment: moment.astimezone(BAKU).date() == day.date(),
            )
            found = Balance.of(pairs)
    except HostFileError as error:
        _refuse(host_file, str(error), as_json=as_json)
        return
    if as_json:
        print_json(_told(day.date(), found))
    else:
        _print(found)
    if found.differing:
        click.get_current_context().exit(FAILED)


def _refuse(path: Path, reason: str, *, as_json: bool) -> None:
    message = f"{path}: {reason}"
    if as_json:
        print_json({"error": message, "status": None})
    click.echo(f"Error: {message}", err=True)
    click.get_current_context().exit(UNUSABLE)


def _record_of(tran: ApprovedTransaction) -> Record:
    return Record(
        rrn=tran.rrn,
        kind=Kind.HOLD if tran.hold else _KINDS[tran.kind],
        amount_minor=tran.amount_minor,
        currency=tran.currency,
        stan=tran.stan,
        terminal_id=tran.terminal_id,
        at=tran.finished_at,
        number=tran.tran_id,
    )


def _told(day: date, found: Balance) -> dict[str, object]:
    return {
        "day": day,
        "agrees": not found.differing,
        "summary": [
            {
                "currency": currency.alpha,
                "outcome": outcome,
                "count": total.count,
                "ours_minor": total.ours_minor,
                "theirs_minor": total.theirs_minor,
            }
            for currency, outcome, total in found.rows()
        ],
        "differing": found.differing,
        "differences": [
            {
                "outcome": pair.outcome,
                "ours": _side(pair.ours, "tran_id"),
                "theirs": _side(pair.theirs, "line"),
            }
            for pair in found.differences
        ],
    }


def _side(record: Record | None, number: str) -> dict[str, object] | None:
    if record is None:
        return None
    told = record._asdict() | {"currency": record.currency.alpha, number: record.number}
    del told["number"]
    return told


def _print(found: Balance) -> None:
    print_table(
        ("Currency", "Outcome", "Transactions", "Ours", "Theirs", "Ours less theirs"),
        [
            (
                currency.alpha,
                outcome,
                total.count,
                major(total.ours_minor, currency),
                major(total.theirs_minor, currency),
                None
                if outcome in AGREEING
                else major(total.ours_minor - total.theirs_minor, currency),
            )
            for currency, outcome, total in found.rows()
        ],
    )
    if not found.differing:
        click.echo("Both records agree.")
        return
    print_table(
        (
            "Outcome",
            "RRN",
            "STAN",
            "Terminal",
            "Time in Baku",
            "Transaction",
            "Ours",
            "Line",
            "Theirs",
        ),
        [_row(pair) for pair in found.differences],
    )
    if found.differing > DIFFERENCES_MAX:
        click.echo(f"Only {DIFFERENCES_MAX:,} of {found.differing:,} differences are shown.")


def _row(pair: Pair) -> tuple[object, ...]:
    one = pair.ours or pair.theirs
    if one is None:
        raise AssertionError("A pair has at least one side.")
    return (
        pair.outcome,
        one.rrn,
        f"{one.stan:06d}",
        one.terminal_id,
        local(one.at),
        pair.ours.number if pair.ours else None,
        _money(pair.ours),
        pair.theirs.number if pair.theirs else None,
        _money(pair.theirs),
    )


def _money(record: Record | None) -> str | None:
    if record is None:
        return None
    amount = major(record.amount_minor, record.currency)
    return f"{record.kind} {amount} {record.currency.alpha}"
