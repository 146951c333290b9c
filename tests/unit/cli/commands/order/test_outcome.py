"""What is told when the question after an operation fails, or the operation is not decided."""

from __future__ import annotations

import json

from tests.unit.cli.commands.order.conftest import answering
from tests.unit.cli.conftest import Run
from tests.unit.client.peers import World
from tests.unit.client.scripted import REF

from tkkpg.client import AZN, OrderStatus, XMLOut
from tkkpg.protocol.messages import EnvelopedPurchaseResponse, Failure, ReverseResponse

ASKED_FOR = ("order", "reverse", REF.order_id, REF.session_id)


def test_a_success_stays_one_when_the_status_cannot_be_asked(run: Run, world: World) -> None:
    failed = Failure(operation="GetOrderStatus", status="96")
    with answering(world, ReverseResponse(order_id=REF.order_id), failed) as gateway:
        result = run(*ASKED_FOR, *gateway, "--json")

    assert result.exit_code == 0
    line = json.loads(result.stdout)
    assert (line["approved"], line["response_code"], line["order_status"]) == (True, None, None)
    assert "The reversal was answered, but" in result.stderr


def test_what_is_not_decided_yet_is_no_decline(run: Run, world: World) -> None:
    message = XMLOut(
        date=None,
        order_id=REF.order_id,
        session_id=REF.session_id,
        transaction_type="Purchase",
        amount_minor=500,
        currency=AZN,
        response_description="",
        order_status=OrderStatus.ON_LOCK,
    )
    with answering(world, EnvelopedPurchaseResponse(messages=(message,))) as gateway:
        words = ("order", "charge", REF.order_id, REF.session_id, "--amount=5", "--card=A")
        result = run(*words, *gateway, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["approved"] is None
    assert "Not decided yet. Do not charge again" in result.stderr
