"""The issuer as a process: how long it lives, and what outlives it, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.issuer.peers import (
    ACCOUNTS,
    CAVV,
    DEADLINE_S,
    PAN,
    UNKNOWN,
    about,
    authorisation,
    bank,
    by_token,
    claiming,
    connected,
    registering,
    repeated,
    token_in,
)

from tkkpg.gateway.host import fields
from tkkpg.issuer.app import JOURNAL, IssuerSettings, issuer
from tkkpg.issuer.statement import holds_by_original, movements, net_by_original, unbalanced
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.cards import find_card

pytestmark = pytest.mark.anyio


@contextmanager
def process(
    home: Path, *options: str, stdin: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the issuer of the test cards; give it and its port."""
    command = [sys.executable, "-m", "tkkpg", "issuer", "--json", f"--home={home}", *options]
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            assert running.stdout is not None
            yield running, json.loads(running.stdout.readline())["port"]
        finally:
            running.kill()


def charge_of_test_card() -> fields.Message:
    """A charge of the bank's test card, typed as it is printed."""
    card = find_card("approve")
    return {
        **authorisation(fields.CHARGE, pan=card.pan),
        fields.EXPIRY: f"{card.expiry[3:]}{card.expiry[:2]}",
        fields.ADDITIONAL: fields.additional({fields.CVV2_TAG: card.cvv2}),
    }


async def test_it_ends_with_the_program_that_holds_its_standard_input(tmp_path: Path) -> None:
    with process(tmp_path, "--stop-with-stdin", stdin=subprocess.PIPE) as (running, port):
        async with connected(port):
            assert running.poll() is None
        assert running.stdin is not None
        running.stdin.close()

        assert running.wait(DEADLINE_S) == 0


async def test_on_its_own_it_does_not_look_at_standard_input(tmp_path: Path) -> None:
    with process(tmp_path) as (running, port):
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.3)
        async with connected(port):
            pass


async def test_what_was_answered_before_a_kill_stands_after_it(tmp_path: Path) -> None:
    charges = [charge_of_test_card() for _ in range(20)]
    with process(tmp_path) as (running, port):
        async with connected(port) as link:
            answers = [await link.ask(charge) for charge in charges]
            running.send_signal(signal.SIGKILL)
            running.wait(DEADLINE_S)

    with process(tmp_path) as (running, port):
        async with connected(port) as link:
            assert [await link.ask(repeated(charge)) for charge in charges] == answers
        running.send_signal(signal.SIGTERM)
        assert running.wait(DEADLINE_S) == 0
    assert net_by_original(tmp_path / JOURNAL) == {one[fields.RRN]: 1_000 for one in charges}
    assert unbalanced(tmp_path / JOURNAL) == ()


async def test_a_restart_keeps_balances_and_recorded_replies(tmp_path: Path) -> None:
    hold, charge = authorisation(fields.HOLD, 60_000), authorisation(fields.CHARGE, 40_000)
    async with bank(tmp_path) as (_, link):
        answered = await link.ask(hold)

    async with bank(tmp_path) as (info, link):
        assert await link.ask(repeated(hold)) == answered
        assert await link.code(authorisation(fields.CHARGE, 60_000)) == "076"
        assert (await link.ask(charge))[fields.APPROVAL] != answered[fields.APPROVAL]
        assert holds_by_original(info.journal) == {hold[fields.RRN]: 60_000, charge[fields.RRN]: 0}


async def test_a_reversal_that_came_first_is_remembered_across_a_restart(tmp_path: Path) -> None:
    overtaken = authorisation(fields.CHARGE)
    async with bank(tmp_path) as (_, link):
        assert await link.code(about(overtaken, fields.REVERSAL_ADVICE)) == "801"

    async with bank(tmp_path) as (info, link):
        assert await link.code(overtaken) == "055"
        assert movements(info.journal) == []


async def test_a_busy_port_is_told(tmp_path: Path) -> None:
    async with bank(tmp_path / "a") as (info, _):
        second = IssuerSettings(home=tmp_path / "b", port=info.port, accounts=ACCOUNTS)
        with pytest.raises(ConfigurationError, match=f"port {info.port}.*--port"):
            async with issuer(second):
                pass


async def test_two_issuers_do_not_share_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tkkpg.issuer.app.PATIENCE_S", 0.1)
    async with bank(tmp_path) as (_, link):
        with pytest.raises(ConfigurationError, match=r"already uses .*--home"):
            async with issuer(IssuerSettings(home=tmp_path, accounts=ACCOUNTS)):
                pass
        assert await link.code(authorisation(fields.CHARGE)) == "001"


async def test_a_killed_issuer_lets_go_of_its_home_and_the_next_keeps_the_cards(
    tmp_path: Path,
) -> None:
    with process(tmp_path) as (running, port):
        async with connected(port) as link:
            token = token_in(await link.ask(registering(charge_of_test_card())))
            running.send_signal(signal.SIGKILL)
            running.wait(DEADLINE_S)

    with process(tmp_path) as (_, port):
        async with connected(port) as link:
            assert await link.code(by_token(token)) == "001"
            again = await link.ask(registering(charge_of_test_card()))
            assert token_in(again) == token


async def test_a_journal_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("not a database " * 100)

    with pytest.raises(ConfigurationError, match=r"issuer\.db cannot be used.*--home"):
        async with issuer(IssuerSettings(home=tmp_path, accounts=ACCOUNTS)):
            pass


async def test_the_journal_is_private_and_holds_neither_card_number_nor_proof(
    tmp_path: Path,
) -> None:
    charge = authorisation(fields.CHARGE)
    stranger = authorisation(fields.CHARGE, pan=UNKNOWN)
    async with bank(tmp_path / "home") as (info, link):
        kept = registering(authorisation(fields.CHARGE))
        for request in (
            claiming(charge, "05", CAVV),
            stranger,
            kept,
            about(charge, fields.REVERSAL_ADVICE),
        ):
            await link.ask(request)
        files = {path: path.read_bytes() for path in info.journal.parent.iterdir()}

        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert info.journal.parent.stat().st_mode & 0o777 == 0o700
        assert len(files) == 4, "the lock, the database, its WAL and its index"
        everything = b"".join(files.values())
        assert charge[fields.RRN].encode() in everything
        assert PAN.encode() not in everything
        assert UNKNOWN.encode() not in everything
        assert CAVV.encode() not in everything
