"""`tkkpg order status`, against a real sandbox."""

from __future__ import annotations

from tests.unit.cli.commands.order.conftest import created, paid, told
from tests.unit.cli.conftest import Run


def test_the_status_is_asked_of_the_gateway(run_at: Run) -> None:
    ref = created(run_at, "12.34")

    assert told(run_at, "order", "status", *ref) == {
        "order_id": ref[0],
        "order_status": "CREATED",
        "receipt": None,
        "status": "00",
    }


def test_people_see_the_receipt_of_a_paid_order_and_no_session(run_at: Run) -> None:
    order_id, session_id = paid(run_at, "12.34", "--language", "en")

    shown = run_at("order", "status", order_id, session_id).stdout

    assert "APPROVED" in shown
    assert "12.34 AZN" in shown
    assert session_id not in shown
