"""Reports: commands that write a file of a form of its own, and money as it stands in them."""

from __future__ import annotations

import sys
from decimal import Decimal
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from tkkpg.cli.output import Command

if TYPE_CHECKING:
    from typing import TextIO

    from tkkpg.protocol.values import Currency


class Report(Command):
    """A command without `--json`, since what it writes has its form already."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Give the command's own parameters."""
        return click.Command.get_params(self, ctx)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error is told in JSON only where the command asks for that."""
        ctx.params.setdefault("as_json", False)
        return super().invoke(ctx)


def standard_output() -> TextIO:
    """Give standard output as UTF-8, whatever the terminal's language is."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


def major(minor: int, currency: Currency) -> str:
    """Write minor units as major ones, with all decimals of the currency and a point.

    Sums and balances may be below zero or beyond what an amount on the wire can be.
    """
    return f"{Decimal(minor).scaleb(-currency.exponent):.{currency.exponent}f}"
