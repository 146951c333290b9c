"""`tkkpg balance`: our transactions of a day against the host's own record of it."""

from tkkpg.cli.commands.balance.command import balance

__all__ = ["balance"]
