"""`tkkpg order wait`: with a payment in between, and with a gateway that answers as it is told."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest
from tests.unit.cli.commands.order.conftest import answering, created, told
from tests.unit.cli.conftest import Run, Sandbox
from tests.unit.client.peers import World
from tests.unit.client.scripted import REF

from tkkpg.protocol.messages import Failure, GetOrderStatusResponse
from tkkpg.protocol.values import OrderStatus

WAIT = ("order", "wait")


def status(order_status: OrderStatus) -> GetOrderStatusResponse:
    return GetOrderStatusResponse(order_id=REF.order_id, order_status=order_status)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between two questions."""
    module = importlib.import_module("tkkpg.cli.commands.order.wait")
    monkeypatch.setattr(module, "EVERY_S", 0.0)


def test_it_ends_when_the_order_is_paid_and_says_each_status(run_at: Run, sandbox: Sandbox) -> None:
    ref = created(run_at)
    home = f"--home={sandbox.home}"
    words = [sys.executable, "-m", "tkkpg", *WAIT, *map(str, ref), home, "--json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        first = waiting.stderr.readline()
        told(run_at, "pay", *ref)
        out, rest = waiting.communicate(timeout=30)

    assert first.split() == ["0", "s", "CREATED"]
    assert rest.splitlines()[-1].split()[2:] == ["APPROVED"]
    line = json.loads(out)
    assert (waiting.returncode, line["order_id"]) == (0, ref[0])
    assert (line["order_status"], line["status"]) == ("APPROVED", "00")


def test_a_declined_order_is_an_end_like_any_other(run_at: Run) -> None:
    ref = created(run_at)
    told(run_at, "pay", *ref, "--card", "076")

    result = run_at(*WAIT, *ref)

    assert result.exit_code == 0
    assert "DECLINED" in result.stdout


@pytest.mark.usefixtures("hurried")
def test_a_status_is_written_once_and_failures_are_waited_over(run: Run, world: World) -> None:
    seen = [OrderStatus.CREATED, OrderStatus.CREATED, OrderStatus.ON_PAYMENT]
    failed = Failure(operation="GetOrderStatus", status="96")
    replies = map(status, seen)
    with answering(world, *replies, failed, status(OrderStatus.CANCELED)) as gateway:
        result = run(*WAIT, REF.order_id, REF.session_id, *gateway)

    assert result.exit_code == 0, result.stderr
    assert [line.partition("s  ")[2] for line in result.stderr.splitlines()] == [
        "CREATED",
        "ON-PAYMENT",
        "the gateway does not answer",
        "CANCELED",
    ]


def test_an_order_that_stays_open_is_an_error_that_says_what_to_do(run_at: Run) -> None:
    order_id, session_id = created(run_at)

    result = run_at(*WAIT, order_id, session_id, "--timeout", "1s", "--json")

    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert "not final within 1 s: CREATED" in error
    assert "deliver nothing" in error
    assert session_id not in result.output
