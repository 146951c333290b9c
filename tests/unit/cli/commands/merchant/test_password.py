"""`tkkpg merchant password`: set and taken away, with a running gateway and without one."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx2
import pytest
from click.testing import CliRunner, Result
from tests.gateway_fixtures import MERCHANT_ID
from tests.golden_files import golden_cases
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Sandbox

from tkkpg.cli.commands.merchant import merchant
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.enrol import password_equivalent
from tkkpg.gateway.web.password_auth import auth_data

PASSWORD: Final = "correct horse battery"
DOCUMENT: Final = golden_cases("requests")[0].body

Typed = Callable[..., Result]
"""Runs `tkkpg merchant password` with these words, and with what is typed or piped."""


@pytest.fixture
def typed() -> Typed:
    def run(*words: object, typed: str = "") -> Result:
        return CliRunner().invoke(merchant, ["password", *map(str, words)], input=typed)

    return run


def status_of(sandbox: Sandbox) -> str:
    """Ask the running sandbox for an order with the password alone."""
    claimed = auth_data(DOCUMENT, password_equivalent(MERCHANT_ID, PASSWORD))
    reply = httpx2.post(
        httpx2.URL(sandbox.told["page_url"]).join("/ExecPasswordAuth"),
        data={"xmlRequest": DOCUMENT.decode(), "authData": claimed},
        verify=ssl.create_default_context(cafile=sandbox.told["ca"]),
    )
    found = re.search("<Status>(.*?)</Status>", reply.text)
    assert found
    return found[1]


def test_the_running_gateway_takes_it_at_once(typed: Typed, sandbox: Sandbox) -> None:
    home = ("--home", sandbox.home)
    assert status_of(sandbox) == "10"
    done = typed("set", MERCHANT_ID, *home, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    assert status_of(sandbox) == "00"
    assert typed("remove", MERCHANT_ID, *home).exit_code == 0
    assert status_of(sandbox) == "10"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_it_is_read_from_standard_input(typed: Typed, stopped: Stopped, ending: str) -> None:
    words = ("set", MERCHANT_ID, "--password-stdin", "--home", stopped.folder, "--json")
    done = typed(*words, typed=PASSWORD + ending)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"merchant_id": MERCHANT_ID}


def test_two_different_answers_are_asked_for_again(typed: Typed, stopped: Stopped) -> None:
    answers = f"{PASSWORD}\nanother one of them\n{PASSWORD}\n{PASSWORD}\n"
    done = typed("set", MERCHANT_ID, "--home", stopped.folder, typed=answers)
    assert done.exit_code == 0
    assert done.stdout.endswith(f"Merchant {MERCHANT_ID} has a new password.\n")


def test_without_a_gateway_the_database_is_changed_directly(typed: Typed, stopped: Stopped) -> None:
    home = ("--home", stopped.folder)
    assert typed("set", MERCHANT_ID, "--password-stdin", *home, typed=PASSWORD).exit_code == 0
    assert b"merchant_password_set" in written(stopped)
    done = typed("remove", MERCHANT_ID, *home)
    assert done.stdout == f"Merchant {MERCHANT_ID} has no password.\n"
    assert b"merchant_password_removed" in written(stopped)
    assert PASSWORD.encode() not in written(stopped)


@pytest.mark.parametrize(
    ("merchant_id", "password", "sentence"),
    [
        (MERCHANT_ID, "short", "A password has 12 to 128 characters."),
        (MERCHANT_ID, "x" * 5000, "A password has 12 to 128 characters."),
        (MERCHANT_ID, f"{PASSWORD}\nof two lines", "A password is one line"),
        (MERCHANT_ID, "\n", "No password was given."),
        ("E9999999", PASSWORD, "There is no merchant E9999999."),
    ],
    ids=["short", "long", "two lines", "none", "no merchant"],
)
def test_what_will_not_do_is_explained(
    typed: Typed, stopped: Stopped, merchant_id: str, password: str, sentence: str
) -> None:
    words = ("set", merchant_id, "--password-stdin", "--home", stopped.folder)
    done = typed(*words, typed=password)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert b"merchant_password_set" not in written(stopped)


def test_a_password_is_no_argument(typed: Typed) -> None:
    assert typed("set", MERCHANT_ID, PASSWORD).exit_code == 2


def test_a_folder_without_a_database_is_named_and_left_alone(typed: Typed, tmp_path: Path) -> None:
    done = typed("remove", MERCHANT_ID, "--home", tmp_path)
    assert done.exit_code == 1
    assert "no gateway's database" in done.stderr
    assert not (tmp_path / DATABASE).exists()


def written(stopped: Stopped) -> bytes:
    """Everything in the home."""
    return b"".join(path.read_bytes() for path in stopped.folder.iterdir() if path.is_file())
