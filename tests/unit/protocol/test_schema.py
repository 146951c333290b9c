"""The tables hold together: every attribute has its place, every place its attribute."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import get_args

import pytest

from tkkpg.protocol import schema
from tkkpg.protocol.messages import OrderStatusFailure, RefundRequest, Request, Response, XMLOut
from tkkpg.protocol.schema import REQUIRED, Field, Group, Leaves, Part, Table
from tkkpg.protocol.values import Operation, OrderType


def name_of(table: Table) -> str:
    """Say which table it is."""
    return f"{table.message.__name__}-{'-'.join(table.root)}"


def with_inner(table: Table) -> list[Table]:
    """A table and those of its parts."""
    rows = [row for row in table.rows if isinstance(row, Group | Part)]
    return [table, *(inner for row in rows for inner in with_inner(row.table))]


MESSAGES = [
    *schema.REQUESTS.values(),
    *schema.RESPONSES.values(),
    *schema.ENVELOPED.values(),
    schema.FAILURE,
    schema.BARE_CALLBACK,
    schema.WRAPPED_CALLBACK,
]
READ = list({name_of(one): one for table in MESSAGES for one in with_inner(table)}.values())
ALL = [*READ, schema.STATUS_FAILURE]


def read_attributes(table: Table) -> list[str]:
    """The attributes that reading fills."""
    rows = [
        row.attribute for row in table.rows if not (isinstance(row, Field) and row.written_only)
    ]
    return rows + [row.attribute for row in table.attributes]


@pytest.mark.parametrize("table", READ, ids=name_of)
def test_every_attribute_of_a_message_is_read_exactly_once(table: Table) -> None:
    assert sorted(read_attributes(table)) == sorted(field.name for field in fields(table.message))


@pytest.mark.parametrize("table", ALL, ids=name_of)
def test_every_row_writes_an_attribute_that_the_message_has(table: Table) -> None:
    held = {field.name for field in fields(table.message)} | set(dir(table.message))

    assert {row.attribute for row in table.rows} <= held


@pytest.mark.parametrize("table", ALL, ids=name_of)
def test_no_path_stands_twice_in_a_table(table: Table) -> None:
    paths = [row.path for row in table.rows]

    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("table", READ, ids=name_of)
def test_what_the_wire_may_leave_out_reads_as_the_default_of_the_message(table: Table) -> None:
    own = {field.name: field.default for field in fields(table.message)}
    differing = {
        attribute
        for attribute, absent in table.absent.items()
        if absent is not REQUIRED
        if own[attribute] is not MISSING and own[attribute] != absent
    }

    assert differing == set()


@pytest.mark.parametrize("table", ALL, ids=name_of)
def test_an_element_that_is_left_out_reads_as_what_was_left_out(table: Table) -> None:
    brief = [row for row in table.rows if isinstance(row, Field) and row.brief]

    assert all(row.default is not REQUIRED and row.nothing is None for row in brief)


def test_an_absent_order_type_is_the_very_member_purchase() -> None:
    rows = {row.attribute: row for row in schema.REQUESTS[Operation.CREATE_ORDER].rows}
    order_type = rows["order_type"]

    assert isinstance(order_type, Field)
    assert order_type.default is OrderType.PURCHASE


@pytest.mark.parametrize("operation", Operation)
def test_every_operation_has_a_table_for_request_and_reply(operation: Operation) -> None:
    assert schema.REQUESTS[operation].operation is operation
    assert schema.RESPONSES[operation].root[0] in {"TKKPG", "Order", "Orders", "out"}


def test_every_message_that_is_sent_has_the_table_that_writes_it() -> None:
    sent = {*get_args(Request), *get_args(Response)}

    assert sent <= set(schema.ENCODINGS)
    assert all(schema.ENCODINGS[message].message is message for message in sent)
    assert schema.ENCODINGS[OrderStatusFailure] is schema.STATUS_FAILURE


def test_the_two_shapes_of_a_row_differ_in_the_empty_refund_currency_alone() -> None:
    pairs = zip(schema.INFORMATION.rows, schema.UNPAID_INFORMATION.rows, strict=True)
    differing = [(paid, unpaid) for paid, unpaid in pairs if paid != unpaid]

    assert [(paid.attribute, unpaid.attribute) for paid, unpaid in differing] == [
        ("refund_currency", "refund_currency")
    ]


def test_the_session_is_a_sibling_of_the_order_in_requests_and_its_child_in_one_reply() -> None:
    asked = {row.attribute: row.path for row in schema.REQUESTS[Operation.REFUND].rows}
    told = {row.attribute: row.path for row in schema.RESPONSES[Operation.CREATE_ORDER].rows}

    assert asked["session_id"] == ("SessionID",)
    assert told["session_id"] == ("Order", "SessionID")


def test_a_refund_must_say_its_amount() -> None:
    rows = {row.attribute: row for row in schema.ENCODINGS[RefundRequest].rows}
    amount = rows["amount_minor"]

    assert isinstance(amount, Field)
    assert amount.default is REQUIRED


def test_a_callback_says_approval_and_number_twice_and_reads_them_once() -> None:
    twice = [
        row for row in schema.BARE_CALLBACK.rows if row.attribute in {"two_id", "approval_code"}
    ]

    assert [(row.path[-1], isinstance(row, Field) and row.written_only) for row in twice] == [
        ("ApprovalCode", False),
        ("ApprovalCodeScr", True),
        ("TwoId", False),
        ("TranId", True),
    ]
    assert schema.BARE_CALLBACK.message is XMLOut


def test_a_parameter_with_a_row_of_its_own_is_not_one_of_the_others_too() -> None:
    rows = schema.REQUESTS[Operation.CREATE_ORDER].rows
    (others,) = [row for row in rows if isinstance(row, Leaves)]
    own = {row.path[2] for row in rows if row.path[:2] == others.path and row is not others}

    assert others.known == own
    assert own == {
        "UserEmail",
        "OrderExpirationPeriod",
        "ChangeStatusURL",
        "SenderCardUID",
        "CustomFields",
    }


def test_the_number_of_a_reversal_has_a_second_spelling_and_that_of_a_refund_has_none() -> None:
    spellings = {
        operation: [
            path[0]
            for path, place in schema.REQUESTS[operation].places.items()
            if place.path == ("TranId",)
        ]
        for operation in (Operation.REVERSE, Operation.REFUND)
    }

    assert spellings == {Operation.REVERSE: ["TranId", "TranID"], Operation.REFUND: ["TranId"]}


def test_every_text_of_a_request_that_names_nothing_of_ours_is_masked() -> None:
    named = {"merchant_id", "session_id", "card_uid"}
    tables = [inner for table in schema.REQUESTS.values() for inner in with_inner(table)]
    for row in [row for table in tables for row in (*table.rows, *table.attributes)]:
        if isinstance(row, Field) and row.converter.name.startswith("text"):
            masks = row.converter.name.endswith("card data masked")
            assert masks is (row.attribute not in named), row
