"""`tkkpg order complete`, against a real sandbox and against a gateway whose host declines."""

from __future__ import annotations

import json

from tests.unit.cli.commands.order.conftest import answering, paid, told
from tests.unit.cli.conftest import Run
from tests.unit.client.peers import World
from tests.unit.client.scripted import REF

from tkkpg.protocol.messages import CompletionResponse, GetOrderStatusResponse, POSField
from tkkpg.protocol.values import OperationStatus, OrderStatus

PREAUTH = ("--type", "PreAuth")

DECLINED = CompletionResponse(
    status=OperationStatus.SYSTEM_ERROR, codes=(POSField(name="ResponseCode", value="076"),)
)
HELD = GetOrderStatusResponse(order_id=REF.order_id, order_status=OrderStatus.PREAUTH_APPROVED)


def test_a_part_of_what_is_held_is_charged_and_refunded(run_at: Run) -> None:
    ref = paid(run_at, "30.00", *PREAUTH)
    assert told(run_at, "order", "status", *ref)["order_status"] == "PREAUTH-APPROVED"

    done = told(run_at, "order", "complete", *ref, "--amount", "20.00", "--description", "Shipped")

    assert (done["order_id"], done["approved"], done["response_code"]) == (ref[0], True, "001")
    assert done["order_status"] == "APPROVED"
    assert done["approval_code"]
    assert told(run_at, "order", "info", *ref)["description"] == "Shipped"
    assert run_at("order", "refund", *ref, "--amount", "20.01").exit_code == 1
    refund = told(run_at, "order", "refund", *ref, "--amount", "20.00")
    assert refund["order_status"] == "REFUNDED"


def test_a_fee_may_be_more_than_the_orders_own(run_at: Run) -> None:
    ref = paid(run_at, "30.00", *PREAUTH, "--fee", "0.30")

    told(run_at, "order", "complete", *ref, "--amount", "30.00", "--fee", "0.50")

    assert told(run_at, "order", "info", *ref)["fee_minor"] == 50


def test_people_see_the_code_with_its_text(run_at: Run) -> None:
    ref = paid(run_at, "30.00", *PREAUTH)

    shown = run_at("order", "complete", *ref, "--amount", "30.00").stdout

    assert "001 – Approved, no balances available" in shown


def test_more_than_is_held_is_refused_by_the_gateway(run_at: Run) -> None:
    ref = paid(run_at, "30.00", *PREAUTH)

    result = run_at("order", "complete", *ref, "--amount", "30.01", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "30"


def test_a_decline_is_told_with_code_and_text_and_exit_status_1(run: Run, world: World) -> None:
    with answering(world, DECLINED, HELD) as gateway:
        result = run("order", "complete", REF.order_id, REF.session_id, "--amount=5", *gateway)

    assert result.exit_code == 1
    assert "PREAUTH-APPROVED" in result.stdout
    assert "Declined with 076 – Insufficient funds. Nothing was charged" in result.stderr


def test_programs_read_a_decline_from_the_line(run: Run, world: World) -> None:
    with answering(world, DECLINED, HELD) as gateway:
        words = ("order", "complete", REF.order_id, REF.session_id, "--amount=5", *gateway)
        result = run(*words, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "order_id": REF.order_id,
        "approved": False,
        "response_code": "076",
        "approval_code": None,
        "order_status": "PREAUTH-APPROVED",
    }
