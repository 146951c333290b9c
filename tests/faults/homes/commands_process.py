"""Runs `tkkpg` again and again, each time in a fork of this process, which has imported it once.

A line of JSON on standard input is one command: its words, limits by name, and what else is in its
environment. Its exit status is answered in a line; what it wrote is in the two files named. A
sandbox that has started is stopped at once.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from tkkpg.cli.commands import check, merchant, order, sandbox, statement, tran
from tkkpg.cli.main import main

LOADED = (check, merchant, order, sandbox, statement, tran)
"""Imported before the first fork."""
LOOK_S: Final = 0.01


def waited(child: int, out: Path) -> int:
    """Wait for a command, and give its exit status."""
    stopped = False
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if not stopped and out.exists() and b"exec_url" in out.read_bytes():
            os.kill(child, signal.SIGTERM)
            stopped = True
        time.sleep(LOOK_S)


def run(asked: dict[str, Any]) -> int:
    """Run a command in a fork, and give its exit status."""
    out = Path(asked["stdout"])
    out.unlink(missing_ok=True)
    child = os.fork()
    if child:
        return waited(child, out)
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.closerange(3, 64)
        for name, limit in asked["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
        os.environ.update(asked["env"])
        main(asked["words"], prog_name="tkkpg")
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:  # noqa: BLE001 - what Python does with it, without leaving the fork
        sys.excepthook(*sys.exc_info())
        os._exit(70)
    os._exit(0)


for line in sys.stdin:
    sys.stdout.write(f"{run(json.loads(line))}\n")
    sys.stdout.flush()
