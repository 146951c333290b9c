"""`tkkpg issuer`: the bank's side of the host link, as a process of its own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_facts, print_json
from tkkpg.issuer import app
from tkkpg.sandbox.accounts import accounts


@click.command("issuer", cls=Command)
@home_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Where it listens for the gateway; 0: any free one.",
)
@click.option(
    "--stop-with-stdin",
    is_flag=True,
    help="Stop when standard input ends, and so together with the program that started it.",
)
def issuer(*, home: Path, port: int, stop_with_stdin: bool, as_json: bool) -> None:
    """Start the bank that issued the test cards; Ctrl-C stops it.

    Its journal of every movement is kept in --home. `tkkpg sandbox` starts one by itself.
    """
    settings = app.IssuerSettings(
        home=home.resolve(), port=port, accounts=accounts(), stop_with_stdin=stop_with_stdin
    )

    def started(info: app.IssuerInfo) -> None:
        if as_json:
            print_json(
                {
                    name: str(value) if isinstance(value, Path) else value
                    for name, value in asdict(info).items()
                }
            )
        else:
            click.echo("The issuer accepts connections.")
            print_facts({"Host": info.host, "Port": info.port, "Journal": info.journal})

    click.get_current_context().exit(app.main(settings, started, human=not as_json))
