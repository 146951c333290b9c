"""The short form of `make crash`, and that what is wrong in a row is seen in what is said."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from scripts.crash import SHORT_FLOWS, SHORT_POINTS, SHORT_ROUNDS, main
from tests.faults.grid.cells import plan, unreached
from tests.faults.grid.flows import FLOWS
from tests.faults.grid.ledgers import Comparison, believe
from tests.faults.grid.report import RANDOM, Row, page, summary
from tests.faults.grid.told import Told

from tkkpg.client import OrderRef, OrderStatus
from tkkpg.gateway.crash import POINTS

CLEAN = Row(point="commit.after:order_created", flow="refund", ours_minor=2000, issuer_minor=2000)


def test_a_few_crashes_lose_nothing_and_double_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.json"
    status = main(["--short", "--seed=3", f"--json={rows}"])
    said = capsys.readouterr().out
    assert status == 0, said
    found = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    assert len(found) == len(SHORT_FLOWS) * SHORT_POINTS + SHORT_ROUNDS
    assert all(row["ours_minor"] == row["issuer_minor"] == row["merchant_minor"] for row in found)
    assert sum(row["passed_by"] for row in found) < SHORT_POINTS, "most have died where they should"
    assert sum(row["issuer_minor"] for row in found) > 0, "the issuer has seen no payment"
    assert f"{SHORT_ROUNDS} rounds, 0 lost, 0 double, 0 unresolved" in said


def test_the_summary_counts_what_the_rows_say() -> None:
    rows = [
        CLEAN,
        replace(CLEAN, point="page.request", lost=1),
        replace(CLEAN, point="page.request", double=2),
        replace(CLEAN, point=RANDOM, round=1, unresolved=3),
    ]
    assert summary(rows) == "crash grid: 2 points, 1 rounds, 1 lost, 2 double, 3 unresolved"


@pytest.mark.parametrize(
    "wrong", [{"lost": 1}, {"double": 1}, {"unresolved": 1}, {"findings": ["Something."]}]
)
def test_a_row_with_anything_wrong_is_not_clean(wrong: dict[str, object]) -> None:
    assert CLEAN.clean
    assert not Row(**(asdict(CLEAN) | wrong)).clean


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (Told(outcomes={1: OrderStatus.APPROVED}, refunded={1: 1000}), set()),
        (Told(created={2: OrderRef(2, "S")}), {2}),
        (Told(outcomes={1: OrderStatus.DECLINED}), {1}),
        (Told(refunded={1: 2000}), {1}),
    ],
)
def test_an_answer_that_is_not_so_any_more_is_a_lost_order(told: Told, wrong: set[int]) -> None:
    found = Comparison()
    believe(told, {1: (1, "S", 3000, 2000, "")}, {1: (OrderStatus.REFUNDED, 2000)}, found)
    assert found.lost == wrong
    assert len(found.findings) == len(wrong)


def test_a_life_that_went_another_way_is_clean_and_no_crash() -> None:
    passed_by = replace(CLEAN, point="page.request", passed_by=True)
    assert passed_by.clean
    assert summary([CLEAN, passed_by]).startswith("crash grid: 1 points")
    assert "| refund | 1 | 40.00 | 40.00 |" in page([CLEAN, passed_by])


def test_the_page_adds_up_the_rows_of_a_flow_and_of_a_point() -> None:
    text = page([CLEAN, replace(CLEAN, point="page.request", lost=1)])
    assert "| refund | 2 | 40.00 | 40.00 | 0.00 | 1 | 0 | 0 | 0 |" in text
    assert "; nothing was done. | 1 | 1 | 0 | 0 |" in text


def test_every_flow_is_tried_at_every_point_that_it_reaches() -> None:
    first, second = FLOWS[:2]
    reached = {first: ["page.request", "deliver.taken"], second: ["page.request"]}
    assert plan(reached) == [
        (first, "page.request"),
        (first, "deliver.taken"),
        (second, "page.request"),
    ]
    missing = unreached(reached)
    assert len(missing) == len(POINTS) - 2
    assert "page.before_reply" in missing


def test_flows_have_names_of_their_own() -> None:
    assert len({flow.name for flow in FLOWS}) == len(FLOWS)
