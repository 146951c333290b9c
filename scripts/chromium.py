"""Makes sure of a Chromium for the browser tests and writes where it is to .venv/chromium-path.

In this order: `$TKKPG_CHROMIUM`; one found by an earlier run; one on PATH; Playwright's own
download; the system package (Debian, Ubuntu). A Chromium counts when it starts and tells its
version. Where none can be had the run ends with one line that says so: browser tests are never
left out in silence. What the downloads said is kept in .venv/chromium.log.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

VENV = Path(__file__).resolve().parent.parent / ".venv"
RECORD = VENV / "chromium-path"
LOG = VENV / "chromium.log"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPLICATION = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

VERSION_TIMEOUT_S = 30
DOWNLOAD_TIMEOUT_S = 300  # about 170 MB; a closed network says no within seconds
PACKAGE_TIMEOUT_S = 600  # the package and what it depends on, from a slow mirror


def starts(path: str) -> bool:
    """Tell whether the program at `path` is there and able to run on this machine."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def installed() -> Iterator[str]:
    """The places where a Chromium may be already, the surest first."""
    if RECORD.exists():
        yield RECORD.read_text(encoding="utf-8").strip()
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    yield MAC_APPLICATION


def run(command: Sequence[str], log: IO[str], timeout_s: float, **environment: str) -> bool:
    """Run an installer without input, its words going to the log; tell whether it succeeded."""
    log.write(f"$ {' '.join(command)}\n")
    log.flush()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.write(f"{error}\n")
        return False
    return done.returncode == 0


def downloaded(log: IO[str]) -> Iterator[str]:
    """Playwright's own Chromium, in its cache outside the project, where the network allows it."""
    print("No Chromium found; trying Playwright's download ...", flush=True)
    playwright = [sys.executable, "-m", "playwright"]
    limits = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000"}
    if run([*playwright, "install", "chromium"], log, DOWNLOAD_TIMEOUT_S, **limits):
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow, seldom needed

        with sync_playwright() as driver:
            yield driver.chromium.executable_path


def packaged(log: IO[str]) -> Iterator[str]:
    """The system's package, where there is apt-get and the right to use it."""
    if shutil.which("apt-get") is None:
        return
    print("Installing the system package chromium ...", flush=True)
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes"]
    install = ["install", "--no-install-recommends", "chromium", "fonts-liberation"]
    run([*apt, "update"], log, PACKAGE_TIMEOUT_S)  # an old list may do as well
    if run([*apt, *install], log, PACKAGE_TIMEOUT_S):
        yield from filter(None, map(shutil.which, NAMES))


def find() -> str:
    """The path of a Chromium that starts, installed now if need be.

    Raises:
        SystemExit: There is none and none can be had; the message says what to do.
    """
    if named := os.environ.get("TKKPG_CHROMIUM"):
        if starts(named):
            return named
        sys.exit(f"TKKPG_CHROMIUM names {named}, which does not start; correct it or unset it.")
    with LOG.open("w", encoding="utf-8") as log:
        for path in chain(installed(), downloaded(log), packaged(log)):  # each asked in its turn
            if starts(path):
                return path
    sys.exit(
        "Browser tests need Chromium and it can be neither found nor installed here "
        f"(see {LOG}): install it, or name one by TKKPG_CHROMIUM=/path/to/chromium."
    )


if __name__ == "__main__":
    chromium = find()
    RECORD.write_text(f"{chromium}\n", encoding="utf-8")
    print(f"Chromium: {chromium}")
