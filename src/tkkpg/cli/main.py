"""The program `tkkpg`: a list of commands, each imported when it is asked for and not before.

So `tkkpg --help` and `tkkpg codes` are quick, and work where the gateway is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from tkkpg import __version__
from tkkpg.cli import commands
from tkkpg.cli.system_errors import sentence_of

COMMANDS: Final = {
    "sandbox": "Start a gateway to try things on, with a demo shop.",
    "order": "Create, charge, complete, reverse, refund and look at orders.",
    "pay": "Pay an order of the sandbox as a cardholder would.",
    "tran": "Look at the messages exchanged with the host, and resolve them.",
    "merchant": "Look at merchants and change their settings.",
    "trigger": "Make something go wrong in the running sandbox.",
    "clock": "Show and move the business time of the running sandbox.",
    "check": "Check that a gateway's books agree with each other.",
    "audit": "Go on from a history that is broken.",
    "statement": "Write what a day did to a merchant's accounts.",
    "balance": "Compare a day's transactions with the host's own record.",
    "issuer": "Start the bank's side of the host link on its own.",
    "codes": "Explain response codes and request statuses.",
    "cards": "List the sandbox's test cards.",
}
"""Each command with its line of help; it is the object of its name in the module of its name in
`tkkpg.cli.commands`."""


class LazyGroup(click.Group):
    """A group that knows its commands by name, and imports one to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands, most used first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            ClickException: It needs a package that is not installed, or its files cannot be read.
        """
        del ctx
        if cmd_name not in COMMANDS:
            return None
        try:
            module = import_module(f"{commands.__name__}.{cmd_name}")
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"`tkkpg {cmd_name}` needs the package {error.name}, which is not installed. "
                "Install the whole of tkkpg: pip install 'tkkpg[sandbox]'"
            ) from error
        except OSError as error:  # a command's own are reported by it, in JSON too
            raise click.ClickException(sentence_of(error) or str(error)) from error
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Take payments over TKKPG: a sandbox, and the operations of a merchant.

    `tkkpg COMMAND --help` explains a command.
    """
