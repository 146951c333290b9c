"""What changes a gateway's records: asked of the gateway that runs, or done without one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tkkpg.gateway.app import open_offline
from tkkpg.gateway.config import CONTROL, DATABASE
from tkkpg.gateway.control import NobodyThere, ask_owner
from tkkpg.gateway.verbs import owner_verbs
from tkkpg.protocol.errors import ConfigurationError


def change(home: Path, verb: str, values: dict[str, Any]) -> dict[str, Any]:
    """Have the owner of a home change something, or change it where no gateway runs.

    Args:
        home: The gateway's home.
        verb: One of `gateway.verbs`.
        values: What it is told.

    Raises:
        ConfigurationError: There is no gateway's database, or it refuses.
    """
    try:
        return ask_owner(home / CONTROL, verb, **values)
    except NobodyThere:
        return asyncio.run(_offline(home, verb, values))


async def _offline(home: Path, verb: str, values: dict[str, Any]) -> dict[str, Any]:
    if not (home / DATABASE).exists():
        raise ConfigurationError(
            f"There is no gateway's database in {home}. Name its folder with --home or TKKPG_HOME."
        )
    async with open_offline(home) as gateway:
        return dict(await owner_verbs(gateway)[verb](values))
