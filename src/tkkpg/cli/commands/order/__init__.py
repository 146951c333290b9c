"""`tkkpg order`: the operations of a merchant, and the operator's view of an order."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.charge import charge
from tkkpg.cli.commands.order.complete import complete
from tkkpg.cli.commands.order.create import create
from tkkpg.cli.commands.order.info import info
from tkkpg.cli.commands.order.listing import list_
from tkkpg.cli.commands.order.refund import refund
from tkkpg.cli.commands.order.reverse import reverse
from tkkpg.cli.commands.order.status import status
from tkkpg.cli.commands.order.wait import wait
from tkkpg.cli.commands.show import show


@click.group("order")
def order() -> None:
    """Create, charge, complete, reverse, refund and look at orders.

    The gateway, the merchant and its certificate are those of the sandbox that runs in --home,
    unless options name others.
    """


for command in (create, status, wait, info, list_, complete, reverse, refund, charge, show):
    order.add_command(command)
