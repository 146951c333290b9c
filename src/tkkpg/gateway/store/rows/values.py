"""What columns hold: whole numbers and texts; times are microseconds, money is minor units."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Value: TypeAlias = int | str | None
"""What a column holds."""
Row: TypeAlias = "Sequence[Any]"
"""A row as the database gives it, columns in the order of the names below."""


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros_utc: int) -> datetime:
    """The UTC time of whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros_utc)


def micros_or_none(value: datetime | None) -> int | None:
    """Whole microseconds of a time that may not have come."""
    return None if value is None else micros(value)


def moment_or_none(value: int | None) -> datetime | None:
    """The UTC time of a column that may be empty."""
    return None if value is None else moment(value)


_Part = TypeVar("_Part")


def parts_text(parts: Sequence[Any]) -> str:
    """Write frozen values as one JSON text, without defaults; nothing is an empty text."""
    if not parts:
        return ""
    return json.dumps(
        [
            {
                one.name: value
                for one in fields(part)
                if (value := getattr(part, one.name)) != one.default
            }
            for part in parts
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def parts_of(kind: type[_Part], text: str) -> tuple[_Part, ...]:
    """Read what `parts_text` wrote."""
    return tuple(kind(**part) for part in json.loads(text)) if text else ()
