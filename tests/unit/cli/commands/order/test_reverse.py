"""`tkkpg order reverse`, against a real sandbox and against a gateway whose host declines."""

from __future__ import annotations

import json

import pytest
from tests.unit.cli.commands.order.conftest import answering, paid, told
from tests.unit.cli.conftest import Run
from tests.unit.client.peers import World
from tests.unit.client.scripted import REF

from tkkpg.protocol.messages import GetOrderStatusResponse, ReverseResponse
from tkkpg.protocol.values import OperationStatus, OrderStatus


@pytest.mark.parametrize("kind", ["Purchase", "PreAuth"])
def test_a_charge_and_a_hold_are_undone(run_at: Run, kind: str) -> None:
    ref = paid(run_at, "30.00", "--type", kind, "--description", "Shoes")

    done = told(run_at, "order", "reverse", *ref, "--description", " out of stock")

    assert (done["order_id"], done["approved"], done["order_status"]) == (ref[0], True, "REVERSED")
    description = told(run_at, "order", "info", *ref)["description"]
    assert description.startswith("Shoes")
    assert description.endswith("out of stock")


def test_an_order_that_is_undone_is_not_undone_again(run_at: Run) -> None:
    ref = paid(run_at)
    told(run_at, "order", "reverse", *ref)

    result = run_at("order", "reverse", *ref, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "30"


def test_a_decline_is_told_with_code_and_text_and_exit_status_1(run: Run, world: World) -> None:
    declined = ReverseResponse(
        status=OperationStatus.SYSTEM_ERROR,
        order_id=REF.order_id,
        response_code="076",
        response_message="Balansda kifayət qədər vəsait yoxdur",
    )
    paid_still = GetOrderStatusResponse(order_id=REF.order_id, order_status=OrderStatus.APPROVED)
    with answering(world, declined, paid_still) as gateway:
        result = run("order", "reverse", REF.order_id, REF.session_id, *gateway)

    assert result.exit_code == 1
    assert "APPROVED" in result.stdout
    assert "Declined with 076 – Insufficient funds. Nothing was undone" in result.stderr
