"""The merchant's line to a gateway: defaults from the sandbox's home, each replaced by an option.

When address, certificate, key and merchant are all given, no sandbox is looked for, so the same
commands speak to any gateway.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from tkkpg.cli.home import RunningSandbox, home_option
from tkkpg.client import Client, Credentials, Endpoint

FILE: Final = click.Path(dir_okay=False)

OPTIONS: Final = (
    home_option,
    click.option("--exec-url", metavar="URL", help="Address of the XML service."),
    click.option("--certificate", type=FILE, help="The merchant's certificate, PEM."),
    click.option("--key", type=FILE, help="Its private key, PEM."),
    click.option("--ca", type=FILE, help="CA that signed the gateway's certificate, PEM."),
    click.option("--merchant", metavar="ID", help="The merchant, as in the certificate's CN."),
)
NEEDED: Final = ("exec_url", "certificate", "key", "merchant")
OVERRIDES: Final = (*NEEDED, "ca")


def with_client(work: Callable[..., None]) -> Callable[..., None]:
    """Give a command the merchant's options, and a client made from them as first argument."""

    @functools.wraps(work)
    def run(*, home: Path, **given: str | None) -> None:
        chosen = {name: given.pop(name) for name in OVERRIDES}
        with open_client(home, chosen) as client:
            work(client, **given)

    for option in reversed(OPTIONS):
        option(run)
    return run


def open_client(home: Path, chosen: Mapping[str, str | None]) -> Client:
    """Make the client.

    Args:
        home: The sandbox's home, looked into only for what is not chosen.
        chosen: Values of the options of `OVERRIDES`.

    Raises:
        ConfigurationError: No sandbox runs there, or a file or address cannot be used.
    """
    settings = dict(chosen)
    if not all(settings[name] for name in NEEDED):
        sandbox = RunningSandbox.of(home)
        defaults = {
            "exec_url": sandbox.exec_url,
            "certificate": sandbox.certificate,
            "key": sandbox.key,
            "merchant": sandbox.merchant_id,
            "ca": sandbox.ca,
        }
        settings = {name: settings[name] or default for name, default in defaults.items()}
    credentials = Credentials(
        settings["certificate"] or "", settings["key"] or "", settings["ca"] or None
    )
    return Client(
        Endpoint(settings["exec_url"] or ""), credentials, merchant_id=settings["merchant"] or ""
    )
