"""The issuer beside the sandbox: started, started again when it died, stopped with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs
from tests.unit.issuer.peers import DEADLINE_S, connected

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox import issuer_process as module
from tkkpg.sandbox.issuer_process import IssuerProcess, issuer_process

pytestmark = pytest.mark.anyio

LOG = structlog.get_logger()


def _not_told() -> None:
    """Nobody asks."""


def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.005)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_answers_while_it_is_needed_and_stops_then(tmp_path: Path) -> None:
    async with issuer_process(tmp_path / "issuer", _not_told, LOG) as running:
        async with connected(running.port):
            pass
        assert running.journal == tmp_path / "issuer" / "issuer.db"
        assert running.journal.exists()
        assert _is_running(running.pid)

    assert not _is_running(running.pid)


async def test_one_that_was_killed_is_started_again_on_its_port_and_told(tmp_path: Path) -> None:
    restarted = asyncio.Event()
    with capture_logs() as logs:
        async with issuer_process(tmp_path, restarted.set, LOG) as running:
            port, pid = running.port, running.pid
            async with connected(port):
                os.kill(pid, signal.SIGKILL)
                async with asyncio.timeout(DEADLINE_S):
                    await restarted.wait()

            async with connected(port):
                pass
            assert running.port == port
            assert running.pid != pid

    assert not _is_running(running.pid)
    assert logs == [
        {"event": "issuer_ended", "log_level": "warning", "status": -signal.SIGKILL, "pid": pid}
    ]


async def test_one_that_is_being_started_again_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0)
    with capture_logs() as logs:
        async with issuer_process(tmp_path, _not_told, LOG) as running:
            first = running.pid
            os.kill(first, signal.SIGKILL)
            await _until(lambda: running.pid != first)

    assert len(logs) == 1
    assert not _is_running(running.pid)


async def test_one_that_cannot_be_started_again_is_tried_until_it_can(tmp_path: Path) -> None:
    restarted = asyncio.Event()
    with capture_logs() as logs:
        async with issuer_process(tmp_path, restarted.set, LOG) as running:
            async with asyncio.timeout(DEADLINE_S):
                os.kill(running.pid, signal.SIGKILL)
                await _until(lambda: logs)
                taken = await asyncio.start_server(_hang_up, "127.0.0.1", running.port)
                await _until(lambda: {"issuer_not_started"} & {one["event"] for one in logs})
                taken.close()
                await restarted.wait()

            async with connected(running.port):
                pass


async def test_a_ctrl_c_at_the_sandbox_does_not_reach_it(tmp_path: Path) -> None:
    async with issuer_process(tmp_path, _not_told, LOG) as running:
        assert os.getpgid(running.pid) != os.getpgid(0)


async def test_one_that_does_not_start_is_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "issuer.db").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match="tkkpg issuer --home DIR"):
        await IssuerProcess(tmp_path).start()

    assert "journal" in capfd.readouterr().err
