"""`tkkpg order create`."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.options import with_order_options
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command, print_facts, print_json
from tkkpg.cli.values import AMOUNT
from tkkpg.client import Amount, Client, Language, OrderOptions, OrderStatus, OrderType
from tkkpg.protocol.values import OperationStatus


@click.command("create", cls=Command)
@click.option("--amount", type=AMOUNT, required=True, help="In AZN, such as 30.00.")
@click.option(
    "--type",
    "order_type",
    type=click.Choice([kind.value for kind in OrderType], case_sensitive=False),
    default=OrderType.PURCHASE.value,
    show_default=True,
    help="Charge at once, or hold the money first for `tkkpg order complete`.",
)
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
@with_order_options
@with_client
def create(
    client: Client,
    *,
    amount: Amount,
    order_type: str,
    description: str,
    language: Language,
    approve_url: str,
    cancel_url: str,
    decline_url: str,
    options: OrderOptions,
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
        order_type=OrderType(order_type),
        options=options,
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
    ref = f"{created.order_id} {created.session_id}"
    by_card = f"tkkpg order charge {ref} --amount {amount.major} --card -"
    print_facts(
        {
            "Order": created.order_id,
            "Session": created.session_id,
            "Status": OrderStatus.CREATED,
            "Pay at": created.payment_url,
            "Or run": by_card if options.saved_card else f"tkkpg pay {ref}",
        }
    )
