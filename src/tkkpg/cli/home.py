"""The sandbox's home: where it is, and what the sandbox that runs there says about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import click

from tkkpg.protocol.errors import ConfigurationError

DESCRIPTION: Final = "sandbox.json"
"""File in the home in which a running sandbox describes itself; gone when it has stopped."""

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TKKPG_HOME",
    default=Path(".tkkpg"),
    show_default=True,
    show_envvar=True,
    help="Folder of the sandbox.",
)
"""The option that every command about a sandbox has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSandbox:
    """What the other commands need to know of a sandbox.

    Attributes:
        exec_url: Address of the XML service.
        page_url: Address of the hosted page.
        merchant_id: The merchant that it was set up with.
        ca: The CA of its servers.
        certificate: The merchant's certificate.
        key: The merchant's key.
    """

    exec_url: str
    page_url: str
    merchant_id: str
    ca: str
    certificate: str
    key: str

    @classmethod
    def of(cls, home: Path) -> Self:
        """Read what the sandbox of a home says.

        Raises:
            ConfigurationError: None runs there, or its file cannot be read.
        """
        path = home / DESCRIPTION
        try:
            told = json.loads(path.read_text("utf-8"))
            return cls(**{name: str(told[name]) for name in cls.__slots__})
        except FileNotFoundError:
            raise ConfigurationError(
                f"No sandbox runs in {home}. Start one with `tkkpg sandbox` and leave it running, "
                "or name its folder with --home or TKKPG_HOME."
            ) from None
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path} is not what a sandbox writes. Stop the sandbox and start it again."
            ) from error
