"""`tkkpg order`: the four operations of a merchant, and the operator's view of an order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar

import click

from tkkpg.cli.commands.show import show
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command, print_facts, print_json, printable
from tkkpg.cli.values import AMOUNT, ORDER_ID
from tkkpg.client import Amount, Client, Language, OrderInformation, OrderRef, OrderStatus
from tkkpg.protocol.errors import TKKPGError
from tkkpg.protocol.values import Currency, OperationStatus

Function = TypeVar("Function", bound=Callable[..., object])


@click.group("order")
def order() -> None:
    """Create, ask for, refund and look at orders.

    The gateway, the merchant and its certificate are those of the sandbox that runs in --home,
    unless options name others.
    """


def ref_arguments(command: Function) -> Function:
    """Give a command the two arguments that name an order."""
    click.argument("session_id")(command)
    click.argument("order_id", type=ORDER_ID)(command)
    return command


@order.command("create", cls=Command)
@click.option("--amount", type=AMOUNT, required=True, help="In AZN, such as 30.00.")
@click.option("--description", default="", help="Shown to the payer.")
@click.option(
    "--language",
    type=click.Choice(list(Language), case_sensitive=False),
    default=Language.AZ,
    show_default=True,
    help="Language of the payer's pages.",
)
@click.option("--approve-url", default="", metavar="URL", help="Where the payer goes when paid.")
@click.option("--cancel-url", default="", metavar="URL", help="Where the payer goes on leaving.")
@click.option("--decline-url", default="", metavar="URL", help="Where the payer goes if refused.")
@with_client
def create(
    client: Client,
    *,
    amount: Amount,
    description: str,
    language: Language,
    approve_url: str,
    cancel_url: str,
    decline_url: str,
    as_json: bool,
) -> None:
    """Create an order, and print where it is paid."""
    created = client.create_order(
        amount=amount,
        description=description,
        language=language,
        approve_url=approve_url,
        cancel_url=cancel_url,
        decline_url=decline_url,
    )
    if as_json:
        print_json(
            {
                "order_id": created.order_id,
                "session_id": created.session_id,
                "payment_url": created.payment_url,
                "order_status": OrderStatus.CREATED,
                "status": OperationStatus.OK,
            }
        )
        return
    print_facts(
        {
            "Order": created.order_id,
            "Session": created.session_id,
            "Status": OrderStatus.CREATED,
            "Pay at": created.payment_url,
            "Or run": f"tkkpg pay {created.order_id} {created.session_id}",
        }
    )


@order.command("status", cls=Command)
@ref_arguments
@with_client
def status(client: Client, *, order_id: int, session_id: str, as_json: bool) -> None:
    """Ask where an order is in its life."""
    state = client.get_order_status(OrderRef(order_id, session_id))
    if as_json:
        print_json(
            {
                "order_id": state.order_id,
                "order_status": state.order_status,
                "receipt": state.receipt,
                "status": OperationStatus.OK,
            }
        )
        return
    print_facts({"Order": state.order_id, "Status": state.order_status})
    if state.receipt:
        click.echo()
        for line in state.receipt.splitlines():
            click.echo(printable(line))


@order.command("info", cls=Command)
@ref_arguments
@with_client
def info(client: Client, *, order_id: int, session_id: str, as_json: bool) -> None:
    """Ask for everything about an order; times are local times of the gateway."""
    information = client.get_order_information(OrderRef(order_id, session_id))
    told = {field.name: getattr(information, field.name) for field in fields(OrderInformation)}
    told |= {name: value.alpha for name, value in told.items() if isinstance(value, Currency)}
    if as_json:
        print_json(told | {"status": OperationStatus.OK})
        return
    del told["session_id"]
    print_facts({name.replace("_", " "): value for name, value in told.items()})


@order.command("refund", cls=Command)
@ref_arguments
@click.option("--amount", type=AMOUNT, required=True, help="In AZN, such as 30.00.")
@click.option("--description", default="", help="A note.")
@with_client
def refund(
    client: Client,
    *,
    order_id: int,
    session_id: str,
    amount: Amount,
    description: str,
    as_json: bool,
) -> None:
    """Give money of a paid order back, whole or in parts."""
    ref = OrderRef(order_id, session_id)
    client.refund(ref, amount=amount, description=description)
    order_status = _status_after(client, ref)
    if as_json:
        print_json(
            {"status": OperationStatus.OK, "order_id": order_id, "order_status": order_status}
        )
        return
    print_facts({"Order": order_id, "Returned": amount, "Status": order_status})


def _status_after(client: Client, ref: OrderRef) -> OrderStatus | None:
    """Ask for the status after a refund; that has succeeded, whatever comes of this question."""
    try:
        return client.get_order_status(ref).order_status
    except TKKPGError as error:
        click.echo(
            "The money was returned, but the order's status could not be asked: "
            f"{printable(error.message)}",
            err=True,
        )
        return None


order.add_command(show)
