"""What the issuer simulator answered, as a host's record of a day."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import apsw

from tkkpg.cli.commands.balance.compare import Kind, Record
from tkkpg.gateway.host import fields
from tkkpg.gateway.model.transaction import PARKED_AFTER
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import CURRENCIES
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KINDS: Final = {
    fields.HOLD[:3]: Kind.HOLD,
    fields.COMPLETION[:3]: Kind.COMPLETION,
    fields.REVERSAL[:3]: Kind.REVERSAL,
    fields.REVERSAL_ADVICE[:3]: Kind.REVERSAL,
}
_BUSY_MS: Final = 5_000


def answered(path: Path, day: date) -> Iterator[tuple[Record, str]]:
    """Read what was sent to the issuer on a day in Baku, and up to `PARKED_AFTER` before.

    What was sent the day before may have got its outcome on the day. The time is field 7, which
    has no year: in a journal of more than one year, the same day of other years is given too.

    Args:
        path: The journal.
        day: By the business time of the gateway, which field 7 is.

    Returns:
        Each request with its response code, in the order in which they came.

    Raises:
        ConfigurationError: The file cannot be read, or is no journal.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"There is no journal {path}. Name the issuer's home with --home: the issuer makes "
            "its journal at its first start."
        )
    return _answered(path, datetime.combine(day, time(), BAKU))


def _answered(path: Path, midnight: datetime) -> Iterator[tuple[Record, str]]:
    begin, last = midnight - PARKED_AFTER, midnight + timedelta(hours=23, minutes=59, seconds=59)
    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as db:
            db.set_busy_timeout(_BUSY_MS)
            db.execute("PRAGMA query_only=ON")
            found = db.execute(
                "SELECT trace, type, rrn, amount_minor, currency, original IS NULL, code"
                " FROM message ORDER BY rowid"
            )
            for number, (trace, kind, rrn, minor, currency, first, code) in enumerate(found, 1):
                _, stan, transmitted, terminal_id = str(trace).split(":", 3)
                at = _moment(transmitted, begin, last)
                if at is not None:
                    record = Record(
                        rrn=str(rrn),
                        kind=_kind(str(kind), first=bool(first)),
                        amount_minor=int(str(minor)),
                        currency=CURRENCIES[str(currency)],
                        stan=int(stan),
                        terminal_id=terminal_id,
                        at=at,
                        number=number,
                    )
                    yield record, str(code)
    except apsw.Error as error:
        raise ConfigurationError(
            f"{path} cannot be read as an issuer's journal: {error}."
        ) from error


def _kind(message_type: str, *, first: bool) -> Kind:
    """Say what a message asked for; a charge about an earlier one is a refund."""
    known = _KINDS.get(message_type[:3])
    return known or (Kind.PURCHASE if first else Kind.REFUND)


def _moment(transmitted: str, begin: datetime, last: datetime) -> datetime | None:
    """Give MMDDhhmmss its year, so that it lies between two moments; `None` when none does."""
    for year in {begin.astimezone(UTC).year, last.astimezone(UTC).year}:
        try:
            moment = datetime.strptime(f"{year}{transmitted}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:  # 29 February of another year
            continue
        if begin <= moment <= last:
            return moment
    return None
