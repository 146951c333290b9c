"""A walk through many codes at once, against one sandbox, and what its books say at the end."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Final

from tests.codes.operations import OperationStep, rehearse
from tests.codes.walk import Place, Step, Way, walk
from tests.sandbox_command import PORTS, TKKPG

from tkkpg.client import AsyncClient, Credentials, Endpoint
from tkkpg.gateway.home import check_home
from tkkpg.issuer.statement import unbalanced
from tkkpg.protocol.codes import listed
from tkkpg.protocol.values import Language
from tkkpg.sandbox.cardholder import browser

AT_ONCE: Final = 8
"""Payers at a time: the two cores are busy, and each still has its own answer."""
HOST_TIMEOUT_S: Final = 3.0
"""Long enough for an issuer that answers beside eight others, short for one that does not."""


def every_step() -> list[Step]:
    """Give each code in each way; the languages take turns."""
    languages = tuple(Language)
    return [
        Step(entry, way, languages[number % len(languages)])
        for number, (entry, way) in enumerate(product(listed(), Way))
    ]


def short_steps() -> list[Step]:
    """Give each code once; ways and languages take turns, each way in each language."""
    ways, languages = tuple(Way), tuple(Language)
    return [
        Step(entry, ways[number % 3], languages[number // 3 % 3])
        for number, entry in enumerate(listed())
    ]


@contextmanager
def sandbox(home: Path) -> Iterator[dict[str, str]]:
    """Start a sandbox whose issuer, under TLS, is not waited for long; give what it says."""
    options = ["--json", f"--home={home}", f"--host-timeout={HOST_TIMEOUT_S}", "--host-tls"]
    command = [str(TKKPG), "sandbox", *options, *PORTS]
    with (
        home.with_suffix(".log").open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


async def findings(
    home: Path, steps: list[Step | OperationStep], say: Callable[[str], None]
) -> list[str]:
    """Walk all steps, and check the books; give what is not as it should be.

    Args:
        home: A folder that does not exist yet.
        steps: What is walked.
        say: Told of each step that is done.
    """
    found: list[str] = []
    waiting = iter(steps)
    with sandbox(home) as info:
        endpoint = Endpoint(info["exec_url"], info["page_url"])
        credentials = Credentials(info["certificate"], info["key"], ca=info["ca"])
        async with (
            AsyncClient(endpoint, credentials, merchant_id=info["merchant_id"]) as client,
            browser(Path(info["ca"])) as http,
        ):
            place = Place(home, Path(info["journal"]), client, http)

            async def payer() -> None:
                for step in waiting:
                    if isinstance(step, OperationStep):
                        wrong = await rehearse(place, step)
                    else:
                        wrong = await walk(place, step)
                    found.extend(wrong)
                    say(f"{step}: {'; '.join(wrong) or 'ok'}")

            async with asyncio.TaskGroup() as payers:
                for _ in range(AT_ONCE):
                    payers.create_task(payer())
    books = check_home(home, datetime.now(UTC))
    found += [f"{one.rule}: {one.rows}: {one.sentence}" for one in books]
    return found + [f"issuer's account {name}" for name in unbalanced(Path(info["journal"]))]
