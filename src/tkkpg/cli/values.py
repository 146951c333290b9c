"""Values on the command line: amounts, order numbers, durations, times, pairs, secrets."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from typing import Final

import click

from tkkpg.client import NEVER
from tkkpg.protocol.converters import SHORT_TEXT_MAX
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN, CURRENCIES, Amount, Currency
from tkkpg.protocol.zone import BAKU

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


BY_ALPHA: Final = {currency.alpha: currency for currency in CURRENCIES.values()}


class CurrencyType(click.ParamType[Currency]):
    """Reads a currency of ISO 4217 by its number or its letters."""

    name = "currency"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Currency:
        """Read three digits or three letters.

        Raises:
            BadParameter: ISO 4217 has no such currency.
        """
        if isinstance(value, Currency):
            return value
        text = str(value)
        found = CURRENCIES.get(text) or BY_ALPHA.get(text.upper())
        if found is None:
            self.fail(
                f"{text!r} is no currency of ISO 4217. Write its number or its letters, such as "
                "944 or AZN, 840 or USD, 978 or EUR.",
                param,
                ctx,
            )
        return found


class AmountType(click.ParamType[Amount]):
    """Reads an amount: major units of AZN with a point, such as `30.00`."""

    name = "amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Amount:
        """Read major units.

        Raises:
            BadParameter: They are no amount; the error says how to write one.
        """
        if isinstance(value, Amount):
            return value
        try:
            return Amount.of(str(value), AZN)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class FaultRateType(click.ParamType[tuple[str, float]]):
    """Reads how often a fault strikes: its name, `=`, and a share of messages."""

    name = "fault"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Read a name and a rate.

        Raises:
            BadParameter: There is no rate, or it is no number.
        """
        name, _, rate = str(value).partition("=")
        try:
            return name, float(rate)
        except ValueError:
            self.fail(
                f"{value!r} is no fault with a rate. Write it like latency=0.1: "
                "one message in ten.",
                param,
                ctx,
            )


class DurationType(click.ParamType[timedelta]):
    """Reads a duration: a whole number with its unit, such as `120s`, `15m`, `2h` or `3d`."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a number and a unit.

        Raises:
            BadParameter: It is something else, or no time at all.
        """
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if found is None or not int(found[1]):
            self.fail(
                f"{value!r} is no duration. Write a whole number above 0 with s, m, h or d: "
                "120s, 15m, 2h, 3d.",
                param,
                ctx,
            )
        return timedelta(**{UNITS[found[2]]: int(found[1])})


class ExpiryType(DurationType):
    """Reads how long an order waits for its payer: a duration, or `never` for `NEVER`."""

    name = "expiry"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a duration or the word.

        Raises:
            BadParameter: It is neither.
        """
        return NEVER if str(value).lower() == "never" else super().convert(value, param, ctx)


class MomentType(click.ParamType[datetime]):
    """Reads a time as ISO 8601 writes it; without a zone it is Baku's."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read date and time; a date alone is the midnight that it begins with.

        Raises:
            BadParameter: It is something else.
        """
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is no time. Write it like 2026-12-31T23:59:00, which is meant in Baku, "
                "or with its zone: 2026-12-31T19:59:00Z.",
                param,
                ctx,
            )
        return moment if moment.tzinfo else moment.replace(tzinfo=BAKU)


class PairType(click.ParamType[tuple[str, str]]):
    """Reads a named value: the name, `=`, and everything after that."""

    name = "pair"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read a name and a value.

        Raises:
            BadParameter: There is no `=`, or no name before it. What was typed is not repeated,
                since it may be a secret.
        """
        name, sign, text = str(value).partition("=")
        if not sign or not name:
            self.fail("This is no named value. Write NAME=VALUE, such as basket=17.", param, ctx)
        return name, text


class CardUIDType(click.ParamType[Secret]):
    """Reads the CardUID of a saved card, itself or by `-` from standard input.

    It is money: whoever has it can charge the card. So it is hidden from the moment it is read.
    """

    name = "uid"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Secret:
        """Read it; from standard input, one line.

        Raises:
            BadParameter: There is nothing.
        """
        if isinstance(value, Secret):
            return value
        text = str(value)
        if text == "-":
            # one more than any has: what is too long is refused, not cut
            text = sys.stdin.readline(SHORT_TEXT_MAX + 1)
        if not text.strip():
            self.fail(
                "No CardUID is there. It is the card_uid in the registrations of the XMLOut of the "
                "payment that saved the card.",
                param,
                ctx,
            )
        return Secret(text.strip())


AMOUNT: Final = AmountType()
CURRENCY: Final = CurrencyType()
CARD_UID: Final = CardUIDType()
DURATION: Final = DurationType()
EXPIRY: Final = ExpiryType()
FAULT_RATE: Final = FaultRateType()
MOMENT: Final = MomentType()
ORDER_ID: Final = click.IntRange(1, 10**18 - 1)
"""An order's number; the wire has no more than 18 digits for it."""
PAIR: Final = PairType()
