"""`tkkpg merchant show`: all merchants as a table, one in full, a password never."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from click.testing import CliRunner
from tests.gateway_fixtures import FINGERPRINT, MERCHANT_ID
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run

from tkkpg.cli.commands.merchant import merchant
from tkkpg.protocol.values import Operation

PASSWORD = "correct horse battery"


def test_a_program_is_told_everything(run: Run, stopped: Stopped) -> None:
    done = run("merchant", "show", MERCHANT_ID, "--home", stopped.folder, "--json")
    assert json.loads(done.stdout) == {
        "merchant_id": MERCHANT_ID,
        "name": "Nar",
        "terminal_id": MERCHANT_ID,
        "active": True,
        "base_url": "https://shop.example",
        "notification_url": "https://shop.example/notify",
        "change_status_url": "",
        "xmlout_wrapped": True,
        "xmlout_base64": False,
        "frame_ancestors": "",
        "operations": sorted(Operation),
        "currencies": ["AZN"],
        "fee_bp": 0,
        "duplicate_window_s": 0,
        "card_registration": True,
        "unauthenticated": "decline",
        "order_types": ["PreAuth", "Purchase"],
        "return_schemes": [],
        "bank_profile": "kapital",
        "has_password": False,
        "certificates": [
            {
                "fingerprint": FINGERPRINT,
                "not_after": "2027-11-24T08:00:00+00:00",
                "revoked": False,
            }
        ],
    }


def test_a_program_gets_a_list_of_all(run: Run, stopped: Stopped) -> None:
    one = run("merchant", "show", MERCHANT_ID, "--home", stopped.folder, "--json").stdout
    every = run("merchant", "show", "--home", stopped.folder, "--json").stdout
    assert json.loads(every) == [json.loads(one)]


def test_people_see_one_with_its_certificates(run: Run, stopped: Stopped) -> None:
    stopped.plant(
        "UPDATE merchant SET fee_bp = 205, currencies = '840 944', operations = 'Refund';"
        "UPDATE certificate SET revoked = 1"
    )
    lines = run("merchant", "show", MERCHANT_ID, "--home", stopped.folder).stdout.splitlines()
    facts = dict(line.split("  ", 1) for line in lines if "  " in line and line[0] != " ")
    assert facts["Fee"].strip() == "2.05 %"
    assert facts["Currencies"].strip() == "AZN, USD"
    assert facts["Operations"].strip() == "Refund"
    assert facts["Cardholder not proved"].strip() == "decline"
    (certificate,) = [line.split() for line in lines if FINGERPRINT in line]
    assert certificate == [FINGERPRINT, "2027-11-24", "12:00:00", "yes"]


def test_people_see_all_in_a_table(
    run: Run, stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("merchant", "show", "--home", stopped.folder)
    (row,) = [line.split() for line in done.stdout.splitlines() if MERCHANT_ID in line]
    assert row == [MERCHANT_ID, "Nar", "yes", "AZN", "0.00", "%", "all", "no", "1"]
    # By its name: the package has the command in place of its module.
    module = import_module("tkkpg.cli.commands.merchant.show")
    monkeypatch.setattr(module, "MERCHANTS_MAX", 1)
    assert "Only the first 1 are shown." in run("merchant", "show", "--home", stopped.folder).stdout


@pytest.mark.parametrize("words", [[], ["--json"], [MERCHANT_ID], [MERCHANT_ID, "--json"]])
def test_of_a_password_only_is_told_that_there_is_one(
    run: Run, stopped: Stopped, words: list[str]
) -> None:
    home = ("--home", str(stopped.folder))
    without = run("merchant", "show", *words, *home).stdout
    given = CliRunner().invoke(
        merchant, ["password", "set", MERCHANT_ID, "--password-stdin", *home], input=PASSWORD
    )
    assert given.exit_code == 0
    with_one = run("merchant", "show", *words, *home).stdout
    changes = [
        (old, new)
        for old, new in zip(
            without.replace(",", " ").split(), with_one.replace(",", " ").split(), strict=True
        )
        if old != new
    ]
    assert changes in ([("no", "yes")], [('"has_password":false', '"has_password":true')])


def test_an_unknown_merchant_is_named(run: Run, stopped: Stopped) -> None:
    done = run("merchant", "show", "E9999999", "--home", stopped.folder)
    assert done.exit_code == 1
    assert "There is no merchant E9999999" in done.stderr
