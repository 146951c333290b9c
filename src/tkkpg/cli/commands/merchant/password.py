"""`tkkpg merchant password`: the way in for a merchant without a certificate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json
from tkkpg.cli.owner import change
from tkkpg.gateway.flows.enrol import PASSWORD_MAX
from tkkpg.gateway.verbs import SET_PASSWORD
from tkkpg.protocol.errors import ConfigurationError

LINE_END: Final = len("\r\n")


@click.group("password")
def password() -> None:
    """Let a merchant send its requests with a password instead of a client certificate.

    That is ExecPasswordAuth, at the address of the hosted page. It is off for every merchant that
    has no password, and it is the weaker way: a message that was recorded is accepted again.
    """


@password.command("set", cls=Command)
@click.argument("merchant_id", metavar="MERCHANT")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
@home_option
def set_(*, merchant_id: str, password_stdin: bool, home: Path, as_json: bool) -> None:
    """Give MERCHANT a password, in place of an older one.

    It is asked for twice, and never an argument, which other users of the machine could read. The
    running gateway takes it at once; without one, the database in --home is changed directly.
    """
    chosen = _read() if password_stdin else _ask()
    if not chosen:
        raise ConfigurationError(
            "No password was given. To take one away: tkkpg merchant password remove MERCHANT"
        )
    done = change(home, SET_PASSWORD, {"merchant_id": merchant_id, "password": chosen})
    if as_json:
        print_json(done)
    else:
        click.echo(f"Merchant {merchant_id} has a new password.")


@password.command("remove", cls=Command)
@click.argument("merchant_id", metavar="MERCHANT")
@home_option
def remove(*, merchant_id: str, home: Path, as_json: bool) -> None:
    """Take MERCHANT's password away: only its client certificate speaks for it then."""
    done = change(home, SET_PASSWORD, {"merchant_id": merchant_id, "password": ""})
    if as_json:
        print_json(done)
    else:
        click.echo(f"Merchant {merchant_id} has no password.")


def _ask() -> str:
    """Ask on the terminal, without showing it; standard output stays free for the answer."""
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _read() -> str:
    """Read one line; what is too long is cut where it is certainly refused."""
    return sys.stdin.read(PASSWORD_MAX + LINE_END).rstrip("\r\n")
