"""Values of a merchant's settings on the command line."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import click

from tkkpg.cli.values import DurationType
from tkkpg.gateway.flows.change_merchant import FEE_BP_MAX

OFF: Final = "0s"


class PercentType(click.ParamType[int]):
    """Reads per cent with at most two decimals, as hundredths of a per cent."""

    name = "percent"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read digits, and a point with one or two more.

        Raises:
            BadParameter: It is something else.
        """
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?", str(value))
        hundredths = int(found[1] + (found[2] or "").ljust(2, "0")) if found else FEE_BP_MAX + 1
        if hundredths > FEE_BP_MAX:
            self.fail(
                f"{value!r} is no fee. Write per cent, at most 100, with at most two decimals and "
                "no sign: 2.5 for two and a half of every hundred.",
                param,
                ctx,
            )
        return hundredths


class WindowType(DurationType):
    """Reads a duration, or `0s` for none."""

    name = "window"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a duration or the nothing.

        Raises:
            BadParameter: It is neither.
        """
        return timedelta() if value == OFF else super().convert(value, param, ctx)


PERCENT: Final = PercentType()
WINDOW: Final = WindowType()
