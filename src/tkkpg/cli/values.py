"""Values on the command line: amounts, order numbers, rates of faults."""

from __future__ import annotations

from typing import Final

import click

from tkkpg.protocol.values import AZN, Amount


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


AMOUNT: Final = AmountType()
FAULT_RATE: Final = FaultRateType()
ORDER_ID: Final = click.IntRange(1, 10**18 - 1)
"""An order's number; the wire has no more than 18 digits for it."""
