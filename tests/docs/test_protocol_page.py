"""The page about the protocol says what the code says."""

from __future__ import annotations

import re
from typing import Final

from scripts.protocol_page import COMMAND, PAGE, page

from tkkpg.gateway.model.lifecycle import RULES
from tkkpg.protocol import schema
from tkkpg.protocol.codes import listed
from tkkpg.protocol.schema import Field
from tkkpg.protocol.values import Operation, OperationStatus, OrderStatus

TEXT: Final = page()


def section(heading: str) -> str:
    """Give what stands between a heading and the next one of its level or above."""
    level, _, _ = heading.partition(" ")
    after = TEXT.partition(f"\n{heading}\n")[2]
    assert after, heading
    return re.split(rf"\n#{{1,{len(level)}}} ", after)[0]


def test_the_page_is_what_the_code_gives() -> None:
    written = PAGE.read_text("utf-8")

    assert written == TEXT, f"docs/protocol.md is out of date: write it by `{COMMAND}`"


def test_every_operation_shows_every_element_of_its_request_and_reply() -> None:
    for operation in Operation:
        shown = section(f"### {operation}")
        for table in (schema.REQUESTS[operation], schema.RESPONSES[operation]):
            paths = ["/".join(row.path) for row in table.rows]
            assert [path for path in paths if f"`{path}" not in shown] == [], operation


def test_every_link_leads_to_a_heading_of_the_page() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_what_a_request_may_not_leave_out_is_said_to_be_refused() -> None:
    required = [
        row
        for row in schema.REQUESTS[Operation.REFUND].rows
        if isinstance(row, Field) and row.default is schema.REQUIRED
    ]

    assert section("### Refund").count("| refused |") == len(required)


def test_every_status_of_a_request_is_listed() -> None:
    listed_ones = re.findall(r"^\| `(\w+)` \|", section("## Statuses of a request"), re.MULTILINE)

    assert listed_ones == list(OperationStatus)


def test_every_status_and_step_of_an_order_is_drawn_and_listed() -> None:
    life = section("## The life of an order")
    rows = re.findall(r"^\| `([A-Z-]+)` \| [a-z ]+ \| `([A-Z-]+)` \|", life, re.MULTILINE)

    assert rows == [(rule.source, rule.target) for rule in RULES]
    assert re.findall(r'state "([A-Z-]+)" as (\w+)', life) == [(it, it.name) for it in OrderStatus]
    for rule in RULES:
        assert f"    {rule.source.name} --> {rule.target.name}: " in life


def test_every_response_code_is_listed_with_its_three_texts() -> None:
    rows = re.findall(r"^\| `(-?\d+)` \|(.*)\|$", section("## Response codes"), re.MULTILINE)

    assert [code for code, _ in rows] == [it.code for it in listed()]
    assert len(rows) == 109
    assert {len(re.split(r"(?<!\\)\|", cells)) for _, cells in rows} == {5}


def test_the_page_cites_nothing_that_its_reader_does_not_have() -> None:
    assert "protocol description" not in TEXT
    assert "`None`" not in TEXT
