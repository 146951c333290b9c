"""What the pages say, in Azerbaijani, English and Russian: texts, money and times.

The texts are in `locale/*.toml`, one file a language with the same keys; Babel knows how each
language writes amounts and dates.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_currency

from tkkpg.protocol.values import Amount, Language
from tkkpg.protocol.zone import BAKU

LOCALES: Final = {Language.AZ: "az", Language.EN: "en_GB", Language.RU: "ru"}
"""Babel's name of each language."""

MONEY: Final = "#,##0{decimals}\N{NO-BREAK SPACE}¤¤"
"""Amount, then the three letters of the currency: `30,00 AZN`, in English `30.00 AZN`."""
WISHES_MAX: Final = 32
"""Languages of a browser that are looked at."""
_WEIGHT: Final = re.compile(r"q=([01](?:\.[0-9]{1,3})?)")
MOMENT: Final = "d MMMM y, HH:mm"
CLOCK: Final = "HH:mm"


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: everything that a page says goes through it."""

    language: Language

    @property
    def tag(self) -> str:
        """The language as in HTML's `lang`."""
        return self.language.lower()

    def say(self, key: str, **values: str) -> str:
        """Give a text, its words in braces filled in.

        Args:
            key: Table and name, as in `form.pay`.
            values: What the braces hold; plain text, escaped by the template.

        Raises:
            KeyError: No text has this key, or a value is missing.
        """
        return texts(self.language)[key].format_map(values)

    def money(self, amount: Amount) -> str:
        """Write an amount as this language does, with all decimals of its currency."""
        exponent = amount.currency.exponent
        return format_currency(
            amount.major,
            amount.currency.alpha,
            format=MONEY.format(decimals="." + "0" * exponent if exponent else ""),
            locale=LOCALES[self.language],
            # Babel's own digits are those of daily life: it would write 1.600 IQD as 2 IQD.
            currency_digits=False,
        )

    def months(self, count: int) -> str:
        """Write a number of months, as in `6 months`; number and word never part."""
        return self._counted("months", count)

    def minutes(self, count: int) -> str:
        """Write a number of minutes, as in `5 minutes`; number and word never part."""
        return self._counted("minutes", count)

    def seconds(self, count: int) -> str:
        """Write a number of seconds, as in `5 seconds`; number and word never part."""
        return self._counted("seconds", count)

    def moment(self, at: datetime) -> str:
        """Write date and time in Baku."""
        return self._time(at, MOMENT)

    def clock(self, at: datetime) -> str:
        """Write the time of day in Baku."""
        return self._time(at, CLOCK)

    def _counted(self, table: str, count: int) -> str:
        form = Locale.parse(LOCALES[self.language]).plural_form(count)
        return self.say(f"{table}.{form}", count=str(count)).replace(" ", "\N{NO-BREAK SPACE}")

    def _time(self, at: datetime, pattern: str) -> str:
        return format_datetime(at, pattern, tzinfo=BAKU, locale=LOCALES[self.language])


def read_language(text: str) -> Language | None:
    """Read a language as clients write it, in any case; None when it is none of the three."""
    try:
        return Language(text.strip().upper())
    except ValueError:
        return None


def preferred_language(accepted: str) -> Language | None:
    """Return the one of our languages that an `Accept-Language` likes best, if it names any."""
    best: tuple[float, Language] | None = None
    for wish in accepted.split(",")[:WISHES_MAX]:
        tag, _, weight = wish.partition(";")
        language = read_language(tag.strip().partition("-")[0])
        found = _WEIGHT.fullmatch(weight.strip())
        liked = float(found[1]) if found else 1.0
        if language is not None and liked > (best[0] if best else 0.0):
            best = (liked, language)
    return best[1] if best else None


@cache
def texts(language: Language) -> Mapping[str, str]:
    """Give all texts of a language, by table and name."""
    file = files("tkkpg.gateway.web").joinpath("locale", f"{language.lower()}.toml")
    return MappingProxyType(dict(_flat(tomllib.loads(file.read_text("utf-8")))))


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, str):
            yield key, value
        else:
            yield from _flat(value, f"{key}.")
