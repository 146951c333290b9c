"""The sandbox in a process of its own, its log in a file, as browsers meet it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tkkpg.client import Client, Credentials, Endpoint
from tkkpg.sandbox.app import INFO, SandboxSettings, main

HOST_TIMEOUT_S: Final = 7.0
"""Longer than the slow card takes, so that it is slow and not silent."""

STARTED_S: Final = 30.0
STOPPED_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that accepts connections.

    Attributes:
        page_url: Address of the hosted page.
        shop_url: Address of the demo shop.
        acs_url: Origin of the issuer's page, where payers are challenged; another site.
        client: The merchant's line to the gateway.
        home: Where its files are.
        journal: The issuer's database: what it really did.
        log: What it has written on standard error.
    """

    page_url: str
    shop_url: str
    acs_url: str
    client: Client
    home: Path
    journal: Path
    log: Path


@contextmanager
def running_sandbox(home: Path) -> Iterator[Running]:
    """Start a sandbox on free ports, and stop it at the end."""
    log = home.with_suffix(".log")
    command = [sys.executable, "-m", "tests.browser.sandbox_process", str(home)]
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, stderr=stream, cwd=Path(__file__).parents[2]) as process,
    ):
        try:
            info = _info(process, home / INFO, log)
            with Client(
                Endpoint(info["exec_url"], info["page_url"]),
                Credentials(info["certificate"], info["key"], ca=info["ca"]),
                merchant_id=info["merchant_id"],
            ) as client:
                yield Running(
                    page_url=info["page_url"],
                    shop_url=info["shop_url"],
                    acs_url=info["acs_url"],
                    client=client,
                    home=home,
                    journal=Path(info["journal"]),
                    log=log,
                )
        finally:
            process.terminate()
            process.wait(STOPPED_S)
    assert process.returncode == 0, log.read_text(encoding="utf-8")


def _info(process: subprocess.Popen[bytes], path: Path, log: Path) -> dict[str, str]:
    """Wait for what the sandbox tells about itself once everything listens."""
    deadline = time.monotonic() + STARTED_S
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return dict(json.loads(text))
        time.sleep(0.02)
    raise AssertionError(f"The sandbox does not start:\n{log.read_text(encoding='utf-8')}")


def _settings(home: Path) -> SandboxSettings:
    return SandboxSettings(
        home=home,
        exec_port=0,
        page_port=0,
        shop_port=0,
        metrics_port=0,
        acs_port=0,
        host_timeout_s=HOST_TIMEOUT_S,
    )


if __name__ == "__main__":
    sys.exit(main(_settings(Path(sys.argv[1])), lambda _: None, human=False))
