"""`tkkpg pay`: a cardholder at a real sandbox, and back in a real shop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Run, Sandbox

from tkkpg.client import OrderRef, read_xmlout
from tkkpg.protocol.redirect import payment_url
from tkkpg.sandbox import cardholder
from tkkpg.sandbox.cards import find_card


def created(run: Run, *options: object) -> tuple[int, str]:
    order = json.loads(run("order", "create", "--amount", "5.00", *options, "--json").stdout)
    return order["order_id"], order["session_id"]


def paid(run: Run, ref: tuple[int, str], *options: object) -> dict[str, Any]:
    result = run("pay", *ref, *options, "--json")
    assert result.exit_code == 0, result.stderr
    journey: dict[str, Any] = json.loads(result.stdout)
    return journey


def test_the_banks_card_is_approved_and_the_shop_gets_the_message(
    run_at: Run, sandbox: Sandbox
) -> None:
    shop = f"{sandbox.told['shop_url']}/return/nothing/approve"
    ref = created(run_at, "--approve-url", shop)

    journey = paid(run_at, ref)

    assert (journey["order_status"], journey["response_code"]) == ("APPROVED", "001")
    assert journey["return_url"] == shop
    assert read_xmlout(journey["xmlmsg"]).order_id == ref[0]
    assert isinstance(journey["landed_status"], int)


@pytest.mark.parametrize(
    ("card", "order_status", "code"),
    [
        ("076", "DECLINED", "076"),
        ("4000 0000 0000 2115", "DECLINED", "211"),
        ("-1", "ERROR", "-1"),
        ("slow", "APPROVED", "001"),
    ],
)
def test_a_card_is_named_by_its_name_or_number(
    run_at: Run, card: str, order_status: str, code: str
) -> None:
    journey = paid(run_at, created(run_at), "--card", card)

    assert (journey["order_status"], journey["response_code"]) == (order_status, code)


def test_an_order_that_has_ended_is_not_paid_again(run_at: Run) -> None:
    ref = created(run_at)
    paid(run_at, ref, "--card", "076")

    result = run_at("pay", *ref)

    assert result.exit_code == 0
    assert "DECLINED" in result.stdout
    assert "had ended before" in result.stderr


def test_people_see_where_the_browser_ended_up(run_at: Run) -> None:
    shown = run_at("pay", *created(run_at, "--approve-url", "http://localhost:1/thanks")).stdout

    assert "001 – Approved, no balances available" in shown
    assert "http://localhost:1/thanks" in shown
    assert "<XMLOut>" in shown


def test_an_unreachable_shop_is_reported_and_no_failure(run_at: Run) -> None:
    journey = paid(run_at, created(run_at, "--approve-url", "http://localhost:1/thanks"))

    assert journey["order_status"] == "APPROVED"
    assert journey["landed_status"] is None
    assert journey["landed_error"]


def test_an_unknown_order_is_an_error(run_at: Run) -> None:
    result = run_at("pay", 5, "A" * 32, "--json")

    assert result.exit_code == 1
    assert "no order with this number" in json.loads(result.stdout)["error"]


def test_a_number_that_is_no_test_card_is_refused_and_not_repeated(run_at: Run) -> None:
    result = run_at("pay", 5, "A" * 32, "--card", "4111111111111111")

    assert result.exit_code == 1
    assert "4111" not in result.output


@pytest.mark.parametrize(
    ("conduct", "lived", "order_status", "code", "verification"),
    [
        ("pass", (1, "passed"), "APPROVED", "001", "Y"),
        ("wrong", (3, "failed"), "DECLINED", "18", "N"),
        ("cancel", (0, "cancelled"), "DECLINED", "05", "N"),
        ("timeout", (0, "timed-out"), "DECLINED", "05", "N"),
    ],
)
def test_a_challenge_is_met_as_asked_and_the_whole_walk_is_told(
    run_at: Run,
    *,
    conduct: str,
    lived: tuple[int, str],
    order_status: str,
    code: str,
    verification: str,
) -> None:
    journey = paid(run_at, created(run_at), "--card", "challenge", "--challenge", conduct)

    acs_url = journey["challenge"].pop("acs_url")
    assert acs_url.startswith("https://127.0.0.1:")
    assert journey["challenge"] == {
        "conduct": conduct,
        "codes_typed": lived[0],
        "end": lived[1],
    }
    assert (journey["order_status"], journey["response_code"]) == (order_status, code)
    assert journey["three_ds_verification"] == verification
    assert journey["confirmed_status"] == order_status


def test_a_card_without_a_challenge_is_paid_with_whatever_was_planned(run_at: Run) -> None:
    journey = paid(run_at, created(run_at), "--challenge", "cancel")

    assert (journey["challenge"], journey["order_status"]) == (None, "APPROVED")


def test_people_read_how_the_challenge_went(run_at: Run) -> None:
    ref = created(run_at)
    shown = run_at("pay", *ref, "--card", "challenge", "--challenge", "wrong").stdout

    assert "failed, 3 codes typed, at https://127.0.0.1:" in shown
    assert "N, Declined" in shown


async def _typed(
    sandbox: Sandbox, ref: tuple[int, str], expiry: str = "05/23", cvv2: str = "447"
) -> str | None:
    """Pay with the bank's card, as it is typed; give the code that it ends with."""
    card = replace(find_card("approve"), expiry=expiry, cvv2=cvv2)
    url = payment_url(sandbox.told["page_url"], OrderRef(*ref))
    async with cardholder.browser(Path(sandbox.told["ca"])) as http:
        journey = await cardholder.pay(http, url, card)
    assert journey.xmlout is not None
    return journey.xmlout.response_code


@pytest.mark.anyio
async def test_a_card_is_approved_with_what_it_prints_alone(run_at: Run, sandbox: Sandbox) -> None:
    assert await _typed(sandbox, created(run_at), cvv2="999") == "211"
    assert await _typed(sandbox, created(run_at), expiry="12/30") == "051"
    past = created(run_at)
    with pytest.raises(cardholder.CardholderStopped):
        await _typed(sandbox, past, expiry="05/20")
    assert await _typed(sandbox, past) == "001", "nothing was sent"
