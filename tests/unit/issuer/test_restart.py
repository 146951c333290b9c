"""What outlives the issuer's end, however it ends, and a journal that nobody can use."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.issuer import peers
from tests.unit.issuer.peers import ACCOUNTS, about, authorisation, bank, connected, repeated

from tkkpg.gateway.host import fields
from tkkpg.issuer.app import JOURNAL, IssuerSettings, issuer
from tkkpg.issuer.statement import movements, net_by_original, unbalanced
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.cards import find_card

pytestmark = pytest.mark.anyio


@contextmanager
def process(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the issuer of the test cards; give it and its port."""
    command = [sys.executable, "-m", "tkkpg", "issuer", "--json", f"--home={home}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        try:
            yield running, json.loads(running.stdout.readline())["port"]
        finally:
            running.kill()


async def test_what_was_answered_before_a_kill_stands_after_it(tmp_path: Path) -> None:
    pan = find_card("approve").pan
    charges = [authorisation(fields.CHARGE, pan=pan) for _ in range(20)]
    with process(tmp_path) as (running, port):
        async with connected(port) as link:
            answers = [await link.ask(charge) for charge in charges]
            running.send_signal(signal.SIGKILL)
            running.wait(peers.DEADLINE_S)

    with process(tmp_path) as (running, port):
        async with connected(port) as link:
            assert [await link.ask(repeated(charge)) for charge in charges] == answers
        running.send_signal(signal.SIGTERM)
        assert running.wait(peers.DEADLINE_S) == 0
    assert net_by_original(tmp_path / JOURNAL) == {one[fields.RRN]: 1_000 for one in charges}
    assert unbalanced(tmp_path / JOURNAL) == ()


async def test_a_reversal_that_came_first_is_remembered_across_a_restart(tmp_path: Path) -> None:
    overtaken = authorisation(fields.CHARGE)
    async with bank(tmp_path) as (_, link):
        assert await link.code(about(overtaken, fields.REVERSAL_ADVICE)) == "801"

    async with bank(tmp_path) as (info, link):
        assert await link.code(overtaken) == "055"
        assert movements(info.journal) == []


async def test_it_stops_although_a_reply_is_still_due(tmp_path: Path) -> None:
    slow = authorisation(fields.CHARGE, pan=peers.SLOW)
    async with bank(tmp_path) as (info, link):
        link.send(slow)
        assert await link.code(authorisation(fields.CHARGE)) == "001"

    assert slow[fields.RRN] in net_by_original(info.journal)


@pytest.mark.parametrize("damage", ["no database", "a folder"])
async def test_a_journal_that_cannot_be_used_is_said_in_words(tmp_path: Path, damage: str) -> None:
    if damage == "a folder":
        (tmp_path / JOURNAL).mkdir()
    else:
        (tmp_path / JOURNAL).write_text("not a database " * 100)

    with pytest.raises(ConfigurationError, match=r"issuer\.db cannot be used.*--home"):
        async with issuer(IssuerSettings(home=tmp_path, accounts=ACCOUNTS)):
            pass
