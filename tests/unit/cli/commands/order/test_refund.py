"""`tkkpg order refund`, against a real sandbox."""

from __future__ import annotations

import json

from tests.unit.cli.commands.order.conftest import paid, told
from tests.unit.cli.conftest import Run


def test_a_paid_order_is_refunded_in_parts_and_no_further(run_at: Run) -> None:
    ref = paid(run_at)

    first = told(run_at, "order", "refund", *ref, "--amount", "20.00")
    assert first == {"status": "00", "order_id": ref[0], "order_status": "REFUNDED"}
    refused = run_at("order", "refund", *ref, "--amount", "10.01", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["status"] == "30"
    assert "10.00 AZN" in run_at("order", "refund", *ref, "--amount", "10.00").stdout


def test_with_the_total_before_it_a_refund_may_be_repeated(run_at: Run) -> None:
    ref = paid(run_at)
    words = ("order", "refund", *ref, "--amount", "20.00", "--refunded-before", "0")

    first, second = told(run_at, *words), told(run_at, *words)

    assert (first["outcome"], second["outcome"]) == ("done now", "done before")
    assert first | {"outcome": ""} == second | {"outcome": ""}
    assert (second["refunded_minor"], second["currency"]) == (2000, "AZN")
    assert told(run_at, "order", "info", *ref)["refund_amount_minor"] == 2000


def test_people_see_all_that_was_returned(run_at: Run) -> None:
    ref = paid(run_at)
    told(run_at, "order", "refund", *ref, "--amount", "20.00")

    shown = run_at("order", "refund", *ref, "--amount", "5", "--refunded-before", "20").stdout

    assert "done now" in shown
    assert "25.00 AZN" in shown


def test_books_that_do_not_fit_send_nothing(run_at: Run) -> None:
    ref = paid(run_at)

    result = run_at("order", "refund", *ref, "--amount", "5", "--refunded-before", "1", "--json")

    assert result.exit_code == 1
    assert "Nothing was sent" in json.loads(result.stdout)["error"]
    assert told(run_at, "order", "info", *ref)["refund_amount_minor"] == 0


def test_a_refund_that_is_declined_says_why_and_fails(run_at: Run) -> None:
    ref = paid(run_at)

    result = run_at("order", "refund", *ref, "--amount", "31", "--refunded-before", "0", "--json")

    line = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (line["outcome"], line["status"], line["refunded_minor"]) == ("declined", "30", 0)
    assert line["error"] in result.stderr


def test_the_fee_is_returned_where_it_is_asked_for(run_at: Run) -> None:
    with_fee, without = (paid(run_at, "30.00", "--fee", "0.30") for _ in range(2))

    told(run_at, "order", "refund", *with_fee, "--amount", "30.00", "--with-fee")
    told(run_at, "order", "refund", *without, "--amount", "30.00")

    assert postings(run_at, with_fee[0]) - postings(run_at, without[0])


def postings(run: Run, order_id: int) -> set[str]:
    """Give the kinds of entries in an order's ledger."""
    return {entry["posting"] for entry in told(run, "order", "show", order_id)["ledger"]}
