"""`tkkpg merchant`: what the gateway's operator decides about a merchant."""

from __future__ import annotations

import click

from tkkpg.cli.commands.merchant.password import password
from tkkpg.cli.commands.merchant.set import set_
from tkkpg.cli.commands.merchant.show import show


@click.group("merchant")
def merchant() -> None:
    """Look at what the gateway knows of merchants, and change it."""


for command in (show, set_, password):
    merchant.add_command(command)
