"""Pairs of functions between the wire's texts and Python values, one name each.

A converter reads a trimmed, non-empty text. Both functions raise `ValueError` with a sentence that
completes "<path> …" (for example "must be whole minor units"), so what is too long or negative is
neither read nor written. Tolerances that real clients need are said at the converter that has them.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from tkkpg.protocol.masking import Secret, mask_card_data
from tkkpg.protocol.values import (
    AMOUNT_MINOR_MAX,
    CURRENCIES,
    Currency,
    Language,
    OperationStatus,
    OrderStatus,
    OrderType,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

MERCHANT_ID_MAX: Final = 15
"""Length of a merchant id: the width of ISO 8583 field 42."""
DESCRIPTION_MAX: Final = 512
"""Characters of a description; the longest seen in a client is 125."""
URL_MAX: Final = 255
"""Characters of a return URL."""
SHORT_TEXT_MAX: Final = 128
"""Characters of any other text (protocol description, 2.10, gives 128 for a position's text)."""
NUMBER_MAX: Final = 10**18 - 1
"""Largest number of an order or operation: as many nines as a signed 64-bit column holds."""
YEAR_MIN: Final = 1000
"""Earliest year: `strftime` writes an earlier one with fewer digits than it reads."""

_NOTHING: Final = frozenset({"null", "0000-00-00 00:00:00"})
_WHOLE: Final = re.compile(r"([0-9]{1,18})(?:\.0{1,4})?")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Converter:
    """A named pair of functions.

    Attributes:
        name: What the docs call this kind of value.
        read: Text to value; raises `ValueError` for a text that is not allowed.
        write: Value to text; never sees `None`, raises `ValueError` for what cannot be read back.
    """

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def text(longest: int) -> Converter:
    """Text of at most so many characters."""

    def check(value: str) -> str:
        if len(value) > longest:
            _refuse(f"is longer than {longest} characters")
        return value

    return Converter(f"text, at most {longest} characters", check, check)


def free_text(longest: int) -> Converter:
    """Text that somebody wrote; card data is masked as it is read, and never written otherwise.

    So whoever reads a request has none of it to store, show, log or pass on, and whoever writes
    one sends what the shop said.
    """
    plain = text(longest)
    return Converter(
        f"{plain.name}, card data masked",
        lambda value: mask_card_data(plain.read(value)),
        plain.write,
    )


def _check_url(value: str) -> str:
    if len(value) > URL_MAX:
        _refuse(f"is longer than {URL_MAX} characters")
    if _CONTROL.search(value):
        _refuse("holds a control character")
    return value


_TAG: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")


def _check_tag(value: str) -> str:
    if _TAG.fullmatch(value) is None:
        _refuse("must have a name of at most 128 letters, digits and signs . _ -")
    return value


tag = Converter("name of an element", lambda value: mask_card_data(_check_tag(value)), _check_tag)
"""ASCII alone, since the name is kept and written into other messages; an `X` masks card data."""

url = Converter(
    f"address, absolute or relative, at most {URL_MAX} characters", _check_url, _check_url
)


def _read_minor_units(value: str, least: int = 1) -> int:
    found = _WHOLE.fullmatch(value)
    if found is None:
        _refuse("must be whole minor units: 30.00 AZN is 3000")
    return _in_range(int(found[1]), least, AMOUNT_MINOR_MAX)


def _in_range(value: int, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        _refuse(f"must be a whole number between {least} and {most}")
    return value


minor_units = Converter(
    "whole minor units, more than zero",
    _read_minor_units,
    lambda value: str(_in_range(value, 1, AMOUNT_MINOR_MAX)),
)
"""Whole minor units; `200.0` is read as 200, since clients multiply floats (description, 1.4)."""

minor_units_or_zero = Converter(
    "whole minor units",
    lambda value: _read_minor_units(value, 0),
    lambda value: str(_in_range(value, 0, AMOUNT_MINOR_MAX)),
)


def _read_number(value: str) -> int:
    if _DIGITS.fullmatch(value) is None:
        _refuse(f"must be a whole number of at most {len(str(NUMBER_MAX))} digits")
    return int(value)


def _write_number(value: int) -> str:
    return str(_in_range(value, 0, NUMBER_MAX))


number = Converter("whole number", _read_number, _write_number)


_MINUTES: Final = re.compile(r"-?[0-9]{1,7}")


def _check_minutes(value: str) -> str:
    if _MINUTES.fullmatch(value) is None:
        _refuse("must be whole minutes of at most 7 digits, zero or less for never")
    return value


minutes = Converter(
    "whole minutes, zero or less for never",
    lambda value: int(_check_minutes(value)),
    lambda value: _check_minutes(str(value)),
)


def _read_nullable_number(value: str) -> int | None:
    return None if value in _NOTHING else _read_number(value)


nullable_number = Converter("whole number, empty or null", _read_nullable_number, _write_number)


def _read_currency(value: str) -> Currency:
    return CURRENCIES.get(value) or _refuse("must be a numeric code of ISO 4217, such as 944")


currency = Converter("numeric code of ISO 4217", _read_currency, lambda value: value.code)


def _read_nullable_currency(value: str) -> Currency | None:
    return None if value in _NOTHING else _read_currency(value)


nullable_currency = Converter(
    "numeric code of ISO 4217, or null", _read_nullable_currency, lambda value: value.code
)


def _member(kind: type[StrEnum], name: str, *, fold: bool = False) -> Converter:
    allowed = ", ".join(kind)

    def read(value: str) -> StrEnum:
        try:
            return kind(value.upper() if fold else value)
        except ValueError:
            _refuse(f"must be one of {allowed}")

    return Converter(name, read)


language = _member(Language, "AZ, EN or RU", fold=True)
"""Language of the payer; lower case is accepted and stored in upper case (description, 7.24)."""


def _read_told_language(value: str) -> StrEnum:
    read: StrEnum = language.read("EN" if value.lower() == "eng" else value)
    return read


told_language = Converter("AZ, EN or RU", _read_told_language)
"""Language of an XMLOut: one recorded message says `eng` (protocol description, 3.3)."""
order_type = _member(OrderType, "Purchase or PreAuth, or of other banks Payment or QuasiCash")
order_status = _member(OrderStatus, "order status")
operation_status = _member(OperationStatus, "request status")


def _read_flag(value: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    found = known.get(value.lower())
    return _refuse("must be true or false") if found is None else found


flag = Converter("true or false", _read_flag, lambda value: "true" if value else "false")


_Moment: TypeAlias = datetime | date | time


def _moment(
    name: str, layout: str, part: Callable[[datetime], _Moment] = lambda moment: moment
) -> Converter:
    """A date, a time or both; a zone is refused, lest UTC be written where local time is read."""
    example = datetime(2021, 2, 22, 10, 43, 36).strftime(layout)  # noqa: DTZ001 - an example only

    def read(value: str) -> _Moment | None:
        if value in _NOTHING:
            return None
        try:
            moment = datetime.strptime(value, layout)  # noqa: DTZ007 - the wire has no zone
        except ValueError:
            moment = None
        if moment is None or moment.year < YEAR_MIN:
            _refuse(f"must be a {name}, such as {example}")
        return part(moment)

    def write(value: _Moment) -> str:
        if getattr(value, "tzinfo", None) is not None:
            _refuse("must be local time without a zone")
        return value.strftime(layout)

    return Converter(name, read, write)


legacy_datetime = _moment("local time YYYY-MM-DD hh:mm:ss", "%Y-%m-%d %H:%M:%S")
"""Local time; `null` and `0000-00-00 00:00:00` are read as nothing (protocol description, 2.4)."""
screen_datetime = _moment("local time dd/MM/yyyy HH:mm:ss", "%d/%m/%Y %H:%M:%S")


_without_seconds = _moment("local time dd/MM/yyyy HH:mm", "%d/%m/%Y %H:%M")


def _read_told_datetime(value: str) -> Any:  # noqa: ANN401 - as every converter reads
    to_the_minute = 16
    return (_without_seconds if len(value) == to_the_minute else screen_datetime).read(value)


told_datetime = Converter(screen_datetime.name, _read_told_datetime, screen_datetime.write)
"""Time in an XMLOut; the manual's table has no seconds, its sample has (description, 3.3)."""
short_date = _moment("date yymmdd", "%y%m%d", datetime.date)
short_time = _moment("time hhmmss", "%H%M%S", datetime.time)


_day = _moment("date YYYY-MM-DD", "%Y-%m-%d")


def _read_day_or_datetime(value: str) -> Any:  # noqa: ANN401 - as every converter reads
    date_only = 10
    return (_day if len(value) <= date_only else legacy_datetime).read(value)


day_or_datetime = Converter(
    "local time YYYY-MM-DD hh:mm:ss, or a date for its first moment",
    _read_day_or_datetime,
    legacy_datetime.write,
)


def _read_base64(value: str) -> str:
    try:
        return base64.b64decode(value).decode(errors="replace")
    except ValueError:
        _refuse("must be base64")


secret = Converter("secret, never kept", Secret, lambda value: value.reveal())


base64_text = Converter(
    "base64 of UTF-8 text",
    _read_base64,
    lambda value: base64.b64encode(value.encode()).decode("ascii"),
)
"""A receipt, for people: what is no UTF-8 in it must not hide the status that stands beside it."""
