"""Values on the command line: amounts and order numbers."""

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


AMOUNT: Final = AmountType()
ORDER_ID: Final = click.IntRange(1, 10**18 - 1)
"""An order's number; the wire has no more than 18 digits for it."""
