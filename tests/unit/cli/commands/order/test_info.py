"""`tkkpg order info`, against a real sandbox and against a gateway that answers as it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.cli.commands.order.conftest import answering, created, paid, told
from tests.unit.cli.conftest import Run
from tests.unit.client.peers import World
from tests.unit.client.scripted import REF, row

from tkkpg.client import OrderStatus, Position
from tkkpg.protocol.messages import Param

UID = "88172262C7F42658A4DBF63CE9EDAD8B"


def test_information_is_asked_of_the_gateway(run_at: Run) -> None:
    options = ("--description", "Çay", "--language", "ru", "--approve-url", "https://shop.az/ok")
    ref = created(run_at, "12.34", *options)

    information = told(run_at, "order", "info", *ref)

    assert information["amount_minor"] == 1234
    assert information["language"] == "RU"
    assert information["description"] == "Çay"
    assert information["approve_url"] == "https://shop.az/ok"
    assert information["currency"] == "AZN"


@pytest.mark.parametrize("name", ["params", "operations", "positions"])
def test_a_list_comes_only_when_it_is_asked_for(run_at: Run, name: str) -> None:
    ref = paid(run_at)

    assert name not in told(run_at, "order", "info", *ref)
    assert isinstance(told(run_at, "order", "info", *ref, f"--{name}")[name], list)


def test_operations_are_told_with_their_amounts(run_at: Run) -> None:
    ref = paid(run_at)
    told(run_at, "order", "refund", *ref, "--amount", "10.00")

    told_of: list[dict[str, Any]] = told(run_at, "order", "info", *ref, "--operations")[
        "operations"
    ]
    shown = run_at("order", "info", *ref, "--operations").stdout

    assert [(one["name"], one["amount_minor"], one["currency"]) for one in told_of] == [
        ("Purchase", 3000, "AZN"),
        ("Refund", 1000, "AZN"),
    ]
    assert "Refund      10.00 AZN" in shown


def test_people_see_all_of_a_paid_order_but_its_session(run_at: Run) -> None:
    order_id, session_id = paid(run_at, "12.34", "--description", "Çay", "--language", "en")

    shown = run_at("order", "info", order_id, session_id).stdout

    assert "Çay" in shown
    assert "12.34 AZN" in shown, "the receipt"
    assert session_id not in shown


def test_a_card_uid_is_for_programs_and_not_for_a_screen(run: Run, world: World) -> None:
    params = (Param(name="CardUID", value=UID), Param(name="basket", value="17"))
    information = replace(row(OrderStatus.APPROVED, 0), params=params)
    with answering(world, information, information) as gateway:
        asked = ("order", "info", REF.order_id, REF.session_id, "--params", *gateway)
        shown = run(*asked)
        assert told(run, *asked)["params"][0] == {"name": "CardUID", "value": UID}

    assert "basket    17" in shown.stdout
    assert UID not in shown.output


def test_positions_are_shown(run: Run, world: World) -> None:
    positions = (Position(text="Shoes", quantity="2", price="15.00"),)
    information = replace(row(OrderStatus.APPROVED, 0), positions=positions)
    with answering(world, information, information) as gateway:
        asked = ("order", "info", REF.order_id, REF.session_id, "--positions", *gateway)
        shown = run(*asked).stdout
        (position,) = told(run, *asked)["positions"]

    assert "Shoes   2          15.00" in shown
    assert (position["text"], position["price"]) == ("Shoes", "15.00")
