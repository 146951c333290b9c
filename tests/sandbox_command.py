"""The sandbox as people start it: the installed command, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tkkpg.client import Credentials, Endpoint

TKKPG: Final = Path(sys.executable).with_name("tkkpg")
PORTS: Final = tuple(f"--{name}-port=0" for name in ("exec", "page", "shop", "metrics", "acs"))
STOPPED_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that accepts connections.

    Attributes:
        process: To be stopped or killed.
        info: What it says about itself, by name.
        log: What it writes on standard error, one JSON object a line.
    """

    process: subprocess.Popen[bytes]
    info: dict[str, str]
    log: Path

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers."""
        return Endpoint(self.info["exec_url"], self.info["page_url"])

    @property
    def credentials(self) -> Credentials:
        """The test merchant's certificate and key."""
        return Credentials(self.info["certificate"], self.info["key"], ca=self.info["ca"])

    def kill(self) -> None:
        """End it as a power cut does, and wait until its files are nobody's."""
        self.process.kill()
        self.process.wait(STOPPED_S)

    def stop(self) -> int:
        """Ask it to stop; give its exit status."""
        self.process.terminate()
        return self.process.wait(STOPPED_S)


@contextmanager
def running_sandbox(home: Path) -> Iterator[Running]:
    """Start a sandbox on free ports; what still runs at the end is killed."""
    log = home.with_suffix(".log")
    command = [str(TKKPG), "sandbox", "--json", f"--home={home}", *PORTS]
    with (
        log.open("ab") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            assert process.stdout is not None
            described = process.stdout.readline()
            assert described, log.read_text(encoding="utf-8")
            yield Running(process, json.loads(described), log)
        finally:
            if process.poll() is None:
                process.kill()
