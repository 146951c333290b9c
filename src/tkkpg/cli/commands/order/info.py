"""`tkkpg order info`, and an order's row in plain values."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Final

import click

from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.commands.order.status import print_receipt
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command, print_facts, print_json, print_table
from tkkpg.cli.records import SECRET_PARAMS
from tkkpg.client import Amount, Client, Currency, OrderInformation, OrderRef
from tkkpg.protocol.values import OperationStatus

LISTS: Final = ("params", "operations", "positions")
"""What a row has only where it was asked for."""

UNSHOWN_PARAMS: Final = SECRET_PARAMS | {"CardUID"}
"""Parameters by which a card could be charged; programs get them, a screen does not."""


@click.command("info", cls=Command)
@with_ref
@click.option(
    "--params",
    is_flag=True,
    help="With its parameters. A CardUID among them is only in what --json prints.",
)
@click.option(
    "--operations", is_flag=True, help="With its payment, completion, reversal and refunds."
)
@click.option("--positions", is_flag=True, help="With its lines of goods.")
@with_client
def info(
    client: Client,
    *,
    ref: OrderRef,
    params: bool,
    operations: bool,
    positions: bool,
    as_json: bool,
) -> None:
    """Ask for everything about an order; times are local times of the gateway."""
    row = client.get_order_information(
        ref, show_params=params, show_operations=operations, show_positions=positions
    )
    if as_json:
        lists: dict[str, object] = {}
        if params:
            lists["params"] = [asdict(one) for one in row.params]
        if operations:
            lists["operations"] = [
                asdict(one) | {"currency": one.currency.alpha} for one in row.operations
            ]
        if positions:
            lists["positions"] = [asdict(one) for one in row.positions]
        print_json(row_told(row) | lists | {"status": OperationStatus.OK})
        return
    told = row_told(row)
    del told["session_id"], told["receipt"]
    print_facts({name.replace("_", " "): value for name, value in told.items()})
    print_receipt(row.receipt)
    if params:
        _print_params(row)
    if operations:
        _print_operations(row)
    if positions:
        _print_positions(row)


def row_told(row: OrderInformation) -> dict[str, object]:
    """Say everything but the lists; currencies by their letters, times as local to the gateway."""
    told = {
        field.name: getattr(row, field.name)
        for field in fields(OrderInformation)
        if field.name not in LISTS
    }
    return {
        name: value.alpha if isinstance(value, Currency) else value for name, value in told.items()
    }


def _print_params(row: OrderInformation) -> None:
    rows = [(one.name, "…" if one.name in UNSHOWN_PARAMS else one.value) for one in row.params]
    click.echo()
    print_table(("Name", "Value"), rows, title="Parameters")


def _print_operations(row: OrderInformation) -> None:
    click.echo()
    print_table(
        ("Transaction", "Time", "Operation", "Amount", "Approval", "TwoId", "Terminal"),
        [
            (
                one.tran_id,
                one.created,
                one.name,
                Amount(one.amount_minor, one.currency),
                one.approval_code,
                one.two_id,
                one.terminal_id,
            )
            for one in row.operations
        ],
        title="Operations",
    )


def _print_positions(row: OrderInformation) -> None:
    click.echo()
    print_table(
        ("Text", "Quantity", "Price", "Tax", "Subject", "Payment"),
        [
            (one.text, one.quantity, one.price, one.tax, one.payment_subject_type, one.payment_type)
            for one in row.positions
        ],
        title="Positions",
    )
