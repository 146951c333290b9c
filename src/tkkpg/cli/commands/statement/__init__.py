"""`tkkpg statement`: a merchant's day, to the last minor unit, beside the running gateway."""

from tkkpg.cli.commands.statement.command import statement

__all__ = ["statement"]
