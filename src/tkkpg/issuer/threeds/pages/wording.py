"""What the pages say, in Azerbaijani, English and Russian: texts, money and times.

The texts are in `locale/*.toml`, one file a language with the same keys.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from babel.numbers import format_currency

from tkkpg.protocol.values import Amount, Language
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCALES: Final = {Language.AZ: "az", Language.EN: "en_GB", Language.RU: "ru"}
"""Babel's name of each language."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: everything that a page says goes through it."""

    language: Language

    @property
    def tag(self) -> str:
        """The language as in HTML's `lang`."""
        return self.language.lower()

    def say(self, key: str, **values: str) -> str:
        """Give a text by table and name, as in `form.confirm`, its words in braces filled in.

        Raises:
            KeyError: No text has this key, or a value is missing.
        """
        return texts(self.language)[key].format_map(values)

    def money(self, amount: Amount) -> str:
        """Write an amount as this language does, with all decimals of its currency."""
        exponent = amount.currency.exponent
        decimals = "." + "0" * exponent if exponent else ""
        return format_currency(
            amount.major,
            amount.currency.alpha,
            format=f"#,##0{decimals}\N{NO-BREAK SPACE}¤¤",
            locale=LOCALES[self.language],
            currency_digits=False,  # Babel's own digits are those of daily life
        )

    def clock(self, at: datetime) -> str:
        """Write the time of day in Baku, alike in all three languages."""
        return at.astimezone(BAKU).strftime("%H:%M")


def read_language(text: str, otherwise: Language) -> Language:
    """Read the language that a form asks for."""
    try:
        return Language(text)
    except ValueError:
        return otherwise


@cache
def texts(language: Language) -> Mapping[str, str]:
    """Give all texts of a language, by table and name."""
    file = files("tkkpg.issuer.threeds.pages").joinpath("locale", f"{language.lower()}.toml")
    tables = tomllib.loads(file.read_text("utf-8"))
    return MappingProxyType(
        {
            f"{table}.{name}": text
            for table, entries in tables.items()
            for name, text in entries.items()
        }
    )
