"""`tkkpg order charge`, with a card that a cardholder saved at a real sandbox."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from tests.unit.cli.commands.order.conftest import created, saved_card, told
from tests.unit.cli.conftest import Run

from tkkpg.cli.main import main


def test_a_saved_card_pays_without_its_payer(run_at: Run) -> None:
    uid = saved_card(run_at)
    ref = created(run_at, "7.00", "--saved-card", uid)

    done = told(run_at, "order", "charge", *ref, "--amount", "7.00", "--card", uid)

    assert (done["order_id"], done["approved"], done["response_code"]) == (ref[0], True, "001")
    assert (done["order_status"], bool(done["approval_code"])) == ("APPROVED", True)
    assert told(run_at, "order", "status", *ref)["order_status"] == "APPROVED"


def test_an_order_keeps_the_card_that_it_was_created_for(run_at: Run) -> None:
    uid = saved_card(run_at)
    ref = created(run_at, "7.00", "--saved-card", uid)

    params = told(run_at, "order", "info", *ref, "--params")["params"]

    assert params == [{"name": "SenderCardUID", "value": uid}]


def test_the_card_is_read_from_standard_input_and_never_printed(run_at: Run) -> None:
    uid = saved_card(run_at)
    words = ["order", "create", "--amount", "7", "--saved-card", "-", "--json"]
    order = json.loads(CliRunner().invoke(main, words, input=f"{uid}\n").stdout)
    ref = [str(order["order_id"]), order["session_id"]]

    words = ["order", "charge", *ref, "--amount", "7", "--card", "-"]
    result = CliRunner().invoke(main, words, input=f"{uid}\n")

    assert result.exit_code == 0, result.stderr
    assert "001 – Approved" in result.stdout
    assert uid not in result.output


def test_a_decline_is_told_with_code_text_and_advice(run_at: Run) -> None:
    uid, more_than_it_has = saved_card(run_at), "200000000.00"
    ref = created(run_at, more_than_it_has, "--saved-card", uid)

    result = run_at("order", "charge", *ref, "--amount", more_than_it_has, "--card", uid)

    assert result.exit_code == 1
    assert "DECLINED" in result.stdout
    assert "Declined with 076 – Insufficient funds. The card was not charged." in result.stderr
    assert "another card" in result.stderr


@pytest.mark.parametrize("typed", ["0" * 32, "-" * 300])
def test_a_card_that_is_not_there_is_refused_and_not_repeated(run_at: Run, typed: str) -> None:
    ref = created(run_at, "7.00")

    result = run_at("order", "charge", *ref, "--amount", "7.00", f"--card={typed}", "--json")

    assert result.exit_code == 1
    assert typed not in result.output


def test_an_empty_standard_input_is_a_usage_error(run_at: Run) -> None:
    words = ["order", "charge", "1", "A", "--amount", "7", "--card", "-"]

    result = CliRunner().invoke(main, words, input="")

    assert result.exit_code == 2
    assert "card_uid" in result.stderr
