"""`tkkpg issuer`: the bank's side of the host link, as a process of its own, and its record."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_facts, print_json
from tkkpg.cli.report import Report, standard_output
from tkkpg.issuer import app
from tkkpg.sandbox.accounts import accounts

EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_OF_SANDBOX: Final = "issuer"
"""The issuer's home in that of a sandbox."""


class _Group(Command, click.Group):
    """Starts the issuer unless a command of its own is named."""


@click.group("issuer", cls=_Group, invoke_without_command=True)
@home_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Where it listens for the gateway; 0: any free one.",
)
@click.option(
    "--certificate",
    type=EXISTING,
    help="PEM; with --key, gateways connect under TLS alone, and verify it.",
)
@click.option("--key", type=EXISTING, help="PEM, of --certificate.")
@click.option(
    "--stop-with-stdin",
    is_flag=True,
    help="Stop when standard input ends, and so together with the program that started it.",
)
@click.pass_context
def issuer(
    context: click.Context,
    *,
    home: Path,
    port: int,
    certificate: Path | None,
    key: Path | None,
    stop_with_stdin: bool,
    as_json: bool,
) -> None:
    """Start the bank that issued the test cards; Ctrl-C stops it.

    Its journal of every movement is kept in --home. `tkkpg sandbox` starts one by itself.
    """
    if context.invoked_subcommand is not None:
        return
    if (certificate is None) != (key is None):
        raise click.UsageError("A link under TLS takes both: --certificate and --key.")
    settings = app.IssuerSettings(
        home=home.resolve(),
        port=port,
        accounts=accounts(),
        stop_with_stdin=stop_with_stdin,
        served=(certificate, key) if certificate and key else None,
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

    context.exit(app.main(settings, started, human=not as_json))


@issuer.command("export", cls=Report)
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    metavar="YYYY-MM-DD",
    help="In Baku; the 24 hours before are written too.",
)
@home_option
def export(*, day: datetime, home: Path, as_json: bool) -> None:
    """Write what the issuer answered on a day, as the file that `tkkpg balance` reads.

    Reads the journal in --home, the issuer's own or the sandbox's, whether the issuer runs or not.
    What was sent the day before may have got its outcome on the day.
    """
    del as_json  # a report is never JSON here
    # The issuer itself starts in half the time without what reads the gateway's books.
    from tkkpg.cli.commands.balance.host_file import write  # noqa: PLC0415 - see above
    from tkkpg.cli.commands.balance.issuer_journal import answered  # noqa: PLC0415 - see above

    own = home / app.JOURNAL
    journal = own if own.exists() else home / _OF_SANDBOX / app.JOURNAL
    write(answered(journal, day.date()), standard_output())
