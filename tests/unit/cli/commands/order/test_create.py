"""`tkkpg order create`, against a real sandbox."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from tests.unit.cli.commands.order.conftest import created, saved_card, told
from tests.unit.cli.conftest import Run, Sandbox

from tkkpg.gateway.model.order import NEVER_EXPIRES


def test_a_new_order_says_where_it_is_paid(run_at: Run, sandbox: Sandbox) -> None:
    order = told(run_at, "order", "create", "--amount", "30.00")

    ref = f"ORDERID={order['order_id']}&SESSIONID={order['session_id']}"
    assert order["payment_url"] == f"{sandbox.told['page_url']}?{ref}"
    assert (order["order_status"], order["status"]) == ("CREATED", "00")


def test_people_are_told_the_next_command(run_at: Run) -> None:
    out = run_at("order", "create", "--amount", "30").stdout

    facts = dict(line.split(maxsplit=1) for line in out.splitlines() if "  " in line)
    assert f"tkkpg pay {facts['Order']} {facts['Session']}" in out


def test_the_payers_page_is_told_the_instalments(run_at: Run) -> None:
    ref = created(run_at, "30.00", "--description", "Shoes", "--instalments", 3)

    assert told(run_at, "order", "info", *ref)["description"] == "Shoes/TAKSIT=3"


def test_all_that_an_order_may_say_reaches_the_gateway(run_at: Run) -> None:
    options = {
        "--type": "preauth",
        "--fee": "0.30",
        "--email": "payer@example.az",
        "--phone": "+994501234567",
        "--change-status-url": "https://shop.az/changed",
        "--param": "basket=17=a",
    }
    words = [word for pair in options.items() for word in pair]
    ref = created(run_at, "30.00", *words, "--param", "empty=")

    information = told(run_at, "order", "info", *ref, "--params")
    params = {one["name"]: one["value"] for one in information["params"]}
    assert (information["order_type"], information["fee_minor"]) == ("PreAuth", 30)
    assert information["email"] == "payer@example.az"
    assert params["phone"] == "+994501234567"
    assert params["basket"] == "17=a"
    shown = told(run_at, "order", "show", ref[0])
    assert shown["change_status_url"] == "https://shop.az/changed"


def test_an_order_expires_when_it_was_told(run_at: Run) -> None:
    shown = told(run_at, "order", "show", created(run_at, "30.00", "--expires", "2h")[0])

    created_at, expires_at = map(datetime.fromisoformat, (shown["created_at"], shown["expires_at"]))
    assert expires_at - created_at == timedelta(hours=2)


def test_an_order_may_wait_for_ever(run_at: Run) -> None:
    shown = told(run_at, "order", "show", created(run_at, "30.00", "--expires", "never")[0])

    assert datetime.fromisoformat(shown["expires_at"]) == NEVER_EXPIRES


def test_the_client_says_what_is_wrong_with_a_value(run_at: Run) -> None:
    result = run_at("order", "create", "--amount", "1", "--expires", "90s", "--json")

    assert result.exit_code == 1
    assert "whole minutes" in json.loads(result.stdout)["error"]


def test_consent_without_a_card_to_save_is_refused(run_at: Run) -> None:
    result = run_at("order", "create", "--amount", "1", "--consent", "We keep it")

    assert result.exit_code == 1
    assert "no card is saved" in result.stderr


def test_an_order_for_a_saved_card_names_the_next_command_without_the_card(run_at: Run) -> None:
    uid = saved_card(run_at)

    out = run_at("order", "create", "--amount", "7.5", "--saved-card", uid).stdout

    assert "tkkpg order charge" in out
    assert "--amount 7.50 --card -" in out
    assert uid not in out
