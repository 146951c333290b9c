"""`tkkpg sandbox`: a gateway to try things on, until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tkkpg.cli.banner import banner
from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json
from tkkpg.cli.values import AMOUNT, FAULT_RATE
from tkkpg.gateway.server.tunnel import Tunnel
from tkkpg.protocol.values import Amount
from tkkpg.sandbox import app

PORT: Final = click.IntRange(0, 65535)
METRICS_PORT: Final = 9464
ACS_PORT: Final = 8444


@click.command("sandbox", cls=Command)
@home_option
@click.option("--exec-port", type=PORT, default=5443, show_default=True, help="0: any free one.")
@click.option("--page-port", type=PORT, default=8443, show_default=True, help="Of the page.")
@click.option("--shop-port", type=PORT, default=8080, show_default=True, help="Of the shop.")
@click.option(
    "--metrics-port",
    type=PORT,
    help=f"Of /metrics and /healthz.  [default: {METRICS_PORT}; any free one with --exec-port 0]",
)
@click.option(
    "--acs-port",
    type=PORT,
    help=f"Of the issuer's page.  [default: {ACS_PORT}; any free one with --exec-port 0]",
)
@click.option(
    "--host-name",
    "host_names",
    metavar="NAME",
    multiple=True,
    help="A bank's host name to answer to; may be given several times.",
)
@click.option(
    "--tunnel",
    metavar="ADDRESS",
    help="Serve Exec over plain HTTP too, for a tunnel on this machine: 127.0.0.1:PORT, "
    "[::1]:PORT or unix:PATH. Who reaches it speaks for the merchant.",
)
@click.option(
    "--tunnel-header",
    default="",
    metavar="NAME",
    help="Header in which the tunnel tells the SHA-256 of the client's certificate; without it "
    "every request is the sandbox's merchant's.",
)
@click.option(
    "--opening-balance",
    type=AMOUNT,
    default="10000.00",
    show_default=True,
    help="What the merchant's account holds in a fresh home, in AZN.",
)
@click.option(
    "--host-timeout",
    type=click.FloatRange(0.1, 15),
    default=15.0,
    show_default=True,
    help="Seconds that a silent issuer is waited for.",
)
@click.option("--host-tls", is_flag=True, help="Put the link to the issuer under verified TLS.")
@click.option(
    "--settle-every",
    type=click.FloatRange(0.1, 86_400),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Pause between settlements; a long one leaves time to reverse a charge before its own.",
)
@click.option(
    "--fault",
    "faults",
    type=FAULT_RATE,
    multiple=True,
    metavar="NAME=RATE",
    help="Share of messages, 0 to 1, that a fault strikes; `tkkpg trigger list` names them.",
)
@click.option("--fault-seed", type=int, default=0, help="The same seed gives the same faults.")
@click.option("--fresh", is_flag=True, help="Forget all orders; certificates and keys stay.")
def sandbox(
    *,
    home: Path,
    exec_port: int,
    page_port: int,
    shop_port: int,
    metrics_port: int | None,
    acs_port: int | None,
    host_names: tuple[str, ...],
    tunnel: str | None,
    tunnel_header: str,
    opening_balance: Amount,
    host_timeout: float,
    host_tls: bool,
    settle_every: float,
    faults: tuple[tuple[str, float], ...],
    fault_seed: int,
    fresh: bool,
    as_json: bool,
) -> None:
    """Start a gateway to try things on, with a demo shop; Ctrl-C stops it.

    Everything is in --home: database, keys and certificates. Orders and payments are kept until
    the next start with --fresh.
    """
    # Who lets the ports be picked runs several sandboxes beside each other.
    if metrics_port is None:
        metrics_port = METRICS_PORT if exec_port else 0
    if acs_port is None:
        acs_port = ACS_PORT if exec_port else 0
    settings = app.SandboxSettings(
        home=home.resolve(),  # what the sandbox says about itself is read from other folders
        exec_port=exec_port,
        page_port=page_port,
        shop_port=shop_port,
        metrics_port=metrics_port,
        acs_port=acs_port,
        host_names=host_names,
        tunnel=_tunnel(tunnel, tunnel_header),
        opening_balance=opening_balance,
        fresh=fresh,
        host_timeout_s=host_timeout,
        settle_every_s=settle_every,
        host_tls=host_tls,
        fault_rates=dict(faults),
        fault_seed=fault_seed,
    )

    def started(info: app.SandboxInfo) -> None:
        if as_json:
            print_json(info.as_json())
        else:
            click.echo(banner(info, host_names))

    click.get_current_context().exit(app.main(settings, started, human=not as_json))


def _tunnel(address: str | None, header: str) -> Tunnel | None:
    """Read where a tunnel comes in.

    Raises:
        UsageError: It cannot be there.
    """
    if address is None:
        if header:
            raise click.UsageError("--tunnel-header says nothing without --tunnel.")
        return None
    try:
        return Tunnel.at(address, header)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
