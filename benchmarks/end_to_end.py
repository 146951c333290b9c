"""CreateOrder over real mutual TLS against the real sandbox process, beside a fixed reply."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import ssl
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx2
from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import BenchmarkError
from benchmarks.load import Load, put_load
from benchmarks.rounds import Effort

PART: Final = "end to end"
MANY: Final = 32
PROCESSES: Final = Path("/proc")
STOP_S: Final = 20


class Server(NamedTuple):
    """A running server under load."""

    port: int
    pid: int


class Turn(NamedTuple):
    """One round of load on one server: what it did, and its CPU seconds for each answer."""

    load: Load
    cpu: float


async def measure(home: Path, effort: Effort) -> list[Figure]:
    """Start both servers, put load on them in turn, and count what was stored."""
    with sandbox(home) as (info, server), _fixed(home) as fixed:
        tls = ssl.create_default_context(cafile=info["ca"])
        tls.load_cert_chain(info["certificate"], info["key"])
        turns = await _turns({"order": server, "fixed": fixed}, tls, effort)
        plans = await _plans_per_commit(info["metrics_url"], server, tls, effort)
        await _check_stored(Path(info["database"]), turns["order", MANY] + turns["order", 1])
    return _figures(turns, plans)


async def _turns(
    servers: dict[str, Server], tls: ssl.SSLContext, effort: Effort
) -> dict[tuple[str, int], list[Turn]]:
    turns: dict[tuple[str, int], list[Turn]] = defaultdict(list)
    cases = [(name, connections) for name in servers for connections in (MANY, 1)]
    for name, connections in cases:
        await put_load(servers[name].port, tls, connections, 0.2)  # warms up
    for _ in range(effort.rounds):
        for name, connections in random.sample(cases, len(cases)):
            server = servers[name]
            before = _cpu_seconds(server.pid)
            load = await put_load(server.port, tls, connections, effort.seconds)
            turns[name, connections].append(
                Turn(load, (_cpu_seconds(server.pid) - before) / load.answers)
            )
    return turns


def _figures(turns: dict[tuple[str, int], list[Turn]], plans: float) -> list[Figure]:
    rates = {case: [turn.load.rate for turn in its] for case, its in turns.items()}
    order, fixed = turns["order", MANY], turns["fixed", MANY]
    tails = [turn.load.p99 / turn.load.p50 for turn in order]
    figures = [
        Figure(PART, f"CreateOrder, {MANY} connections", "/s", tuple(rates["order", MANY])),
        Figure(PART, f"fixed reply, {MANY} connections", "/s", tuple(rates["fixed", MANY])),
        Figure(
            PART,
            f"CreateOrder / fixed reply, {MANY} connections",
            RATIO,
            ratio(rates["order", MANY], rates["fixed", MANY]),
            at_least=0.40,
        ),
        Figure(
            PART,
            f"CreateOrder: {MANY} connections / 1",
            RATIO,
            ratio(rates["order", MANY], rates["order", 1]),
        ),
        Figure(
            PART,
            f"fixed reply: {MANY} connections / 1",
            RATIO,
            ratio(rates["fixed", MANY], rates["fixed", 1]),
        ),
        Figure(PART, f"orders in one COMMIT, {MANY} connections", "", (plans,)),
        Figure(PART, "p99 / p50 of CreateOrder", RATIO, tuple(tails), at_most=4.0),
    ]
    if PROCESSES.exists():
        mine, theirs = [turn.cpu for turn in order], [turn.cpu for turn in fixed]
        figures += [
            Figure(PART, "server's CPU per CreateOrder", "µs", tuple(it * 1e6 for it in mine)),
            Figure(PART, "server's CPU per fixed reply", "µs", tuple(it * 1e6 for it in theirs)),
            Figure(
                PART, "server's CPU: CreateOrder / fixed reply", RATIO, ratio(mine, theirs), 2.5
            ),
        ]
    return figures


async def _plans_per_commit(
    url: str, sandbox: Server, tls: ssl.SSLContext, effort: Effort
) -> float:
    before = await _batches(url)
    await put_load(sandbox.port, tls, MANY, effort.seconds)
    after = await _batches(url)
    return (after[0] - before[0]) / (after[1] - before[1])


async def _batches(url: str) -> tuple[float, float]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        text = (await client.get(url)).text
    found = dict(re.findall(r"^tkkpg_batch_plans_(sum|count) (\S+)$", text, re.MULTILINE))
    return float(found["sum"]), float(found["count"])


async def _check_stored(database: Path, turns: list[Turn]) -> None:
    """An answered order that is not stored would make every other figure worthless."""
    answered = sum(turn.load.answers for turn in turns)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM orders").fetchone()
    if stored < answered:
        message = f"{answered} orders were answered, but only {stored} are stored."
        raise BenchmarkError(message)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system; 0 where the system has no /proc."""
    path = PROCESSES / str(pid) / "stat"
    if not path.exists():
        return 0.0
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def sandbox(home: Path) -> Iterator[tuple[dict[str, Any], Server]]:
    """Run a sandbox; give what it says about itself, and its process."""
    ports = [f"--{name}-port=0" for name in ("exec", "page", "shop", "acs")]
    command = ["-m", "tkkpg", "sandbox", "--home", str(home), *ports, "--json"]
    with _running(command, home.parent / "sandbox.log") as (line, process):
        info = json.loads(line)
        yield info, Server(urlsplit(info["exec_url"]).port or 0, process.pid)


@contextmanager
def _fixed(home: Path) -> Iterator[Server]:
    program = Path(__file__).with_name("fixed_reply.py")
    with _running([str(program), str(home)], home.parent / "fixed.log") as (line, process):
        yield Server(int(line), process.pid)


@contextmanager
def _running(arguments: list[str], log: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a Python program; give its first line, which says that it accepts connections."""
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise BenchmarkError(f"{arguments} did not start: {log.read_text('utf-8')}")
            yield line, process
        finally:
            process.terminate()
            process.wait(STOP_S)
