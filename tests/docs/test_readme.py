"""The README's own commands, run as they stand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tkkpg.sandbox.cards import test_cards as all_cards
from tkkpg.sandbox.faults import FAULTS

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text("utf-8")
BIN: Final = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    """Give the fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block_with(language: str, words: str) -> str:
    """Give the one block that holds some words."""
    (found,) = [block for block in blocks(language) if words in block]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A running sandbox on free ports, as it describes itself, with its home."""
    folder = tmp_path_factory.mktemp("readme") / ".tkkpg"
    ports = [f"--{name}-port=0" for name in ("exec", "page", "shop", "metrics", "acs")]
    options = ["--json", f"--home={folder}", "--host-timeout=1"]
    command = [str(BIN / "tkkpg"), "sandbox", *options, *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            described: dict[str, Any] = json.loads(process.stdout.readline())
            yield {**described, "home": folder}
        finally:
            process.terminate()
            assert process.wait(40) == 0, "SIGTERM stops it cleanly"


def adapted(text: str, home: dict[str, Any]) -> str:
    """Put the running sandbox's home and address where the README has the usual ones."""
    exec_url = home["exec_url"]
    return text.replace("https://localhost:5443/Exec", exec_url).replace(
        ".tkkpg/", f"{home['home']}/"
    )


def shell(script: str, home: dict[str, Any]) -> str:
    """Run a block; any failing command fails it."""
    environment = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "TKKPG_HOME": str(home["home"]),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_curl_line_creates_an_order(home: dict[str, Any]) -> None:
    """As printed, but for the port."""
    reply = shell(adapted(block_with("sh", "curl"), home), home)
    assert "<Status>00</Status>" in reply


def test_the_script_pays_and_refunds(home: dict[str, Any]) -> None:
    """Every command of the section, in order."""
    output = shell(block_with("sh", "--card approve"), home).splitlines()
    paid, status, refunded = (json.loads(line) for line in output[:3])
    assert (paid["order_status"], paid["response_code"]) == ("APPROVED", "001")
    assert status["order_status"] == "APPROVED"
    assert refunded["order_status"] == "REFUNDED"
    assert any("12.50" in line for line in output[3:])


def test_a_payment_without_an_answer_is_declined_and_reversed(home: dict[str, Any]) -> None:
    """As printed; this sandbox waits a second for the host."""
    output = shell(block_with("sh", "--card 810"), home)
    _, status, *rest = output.splitlines()
    assert json.loads(status)["order_status"] == "DECLINED"
    shown = "\n".join(rest)
    assert "authorisation_unknown" in shown
    assert "no transaction waits longer than a day" in shown


def test_a_challenge_is_passed_failed_cancelled_and_left(home: dict[str, Any]) -> None:
    """As printed."""
    walks = [json.loads(line) for line in shell(block_with("sh", "--challenge"), home).splitlines()]
    assert [walk["order_status"] for walk in walks] == ["APPROVED", *["DECLINED"] * 3]
    assert [walk["response_code"] for walk in walks] == ["001", "18", "05", "05"]
    assert [walk["challenge"]["conduct"] for walk in walks] == [
        "pass",
        "wrong",
        "cancel",
        "timeout",
    ]


def test_a_hold_is_completed_in_part_and_refunded(home: dict[str, Any]) -> None:
    """Every command of the section, in order."""
    output = shell(block_with("sh", "--type PreAuth"), home)
    held, completed, refunded, *rest = output.splitlines()
    assert json.loads(held)["order_status"] == "PREAUTH-APPROVED"
    assert json.loads(completed)["order_status"] == "APPROVED"
    assert json.loads(refunded)["order_status"] == "REFUNDED"
    shown = "\n".join(rest)
    for told in ("20.00", "5.00", "Completion", "Refund"):
        assert told in shown


def test_an_order_expires_when_the_clock_is_moved(home: dict[str, Any]) -> None:
    """What other tests do here is none the worse for it: they make orders of their own."""
    output = shell(block_with("sh", "clock advance"), home)
    assert "EXPIRED" in output
    assert "31" in output


def test_the_readme_counts_the_faults() -> None:
    assert f"names {len(FAULTS)} faults" in README


def test_the_python_example_runs(home: dict[str, Any]) -> None:
    """As printed, but for the port and the home."""
    script = adapted(block_with("python", "Client("), home)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "CREATED"


def test_the_cards_that_the_readme_shows_are_the_sandbox_s_own() -> None:
    """Names and numbers; docs/test-cards.md has all of them."""
    rows = re.findall(r"\| `([^`]+)` \| ([0-9 ]{19})", README)
    pans = {card.name: card.pan for card in all_cards()}
    assert len(rows) > 1
    assert {name: pan.replace(" ", "") for name, pan in rows} == {
        name: pans[name] for name, _ in rows
    }


def test_every_file_that_the_readme_names_exists() -> None:
    """Pictures and links."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
