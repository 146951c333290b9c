"""`tkkpg order show`: everything the gateway knows about an order, read beside the running gateway.

The order's session is a secret of merchant and payer, so it is nowhere in what is shown.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_facts, print_json, print_table
from tkkpg.cli.records import attributes, business_time, local
from tkkpg.cli.values import ORDER_ID
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.model.order import NEVER_EXPIRES, Order
from tkkpg.gateway.model.transaction import Transaction
from tkkpg.gateway.store.views import (
    ORDERS_MAX,
    Delivery,
    OrderView,
    find_orders,
    order_view,
)
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import Amount


@click.command("show", cls=Command)
@click.argument("order_id", type=ORDER_ID, required=False)
@click.option("--session", help="Find the order by its session.")
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="List the orders created on a day in Baku.",
)
@home_option
def show(
    *, order_id: int | None, session: str | None, day: datetime | None, home: Path, as_json: bool
) -> None:
    """Show all that the gateway knows about an order, for its operator.

    Reads the database in --home, whether the gateway runs or not.
    """
    if [order_id, session, day].count(None) != 2:  # noqa: PLR2004 - one of three is given
        raise click.UsageError("Give exactly one of ORDER_ID, --session and --date.")
    database, now = home / DATABASE, business_time(home)
    if day is not None:
        _list(find_orders(database, day=day.date()), now, as_json=as_json)
        return
    view = _found(database, order_id, session)
    if as_json:
        print_json(told(view, now))
    else:
        _print(view, now)


def told(view: OrderView, now: datetime) -> dict[str, object]:
    """Say everything about an order in plain values; times are UTC."""
    return order_told(view.order, now) | {
        "transactions": [attributes(tran) | {"state": tran.state} for tran in view.transactions],
        "ledger": [attributes(entry) for entry in view.entries],
        "notifications": [_notification(delivery, view) for delivery in view.notifications],
        "timeline": [attributes(happening) for happening in view.timeline],
    }


def order_told(order: Order, now: datetime) -> dict[str, object]:
    """Say everything about the order itself; an order whose time is over is EXPIRED."""
    return attributes(order) | {"order_status": order.status_at(now)}


def _notification(delivery: Delivery, view: OrderView) -> dict[str, object]:
    """Say what was told: an XMLOut, or in its address the status alone."""
    xmlout = attributes(decode_callback(delivery.xmlmsg)) if delivery.xmlmsg else None
    return attributes(delivery) | {"url": _address(delivery, view), "xmlout": xmlout}


def _address(delivery: Delivery, view: OrderView) -> str:
    return delivery.url.replace(view.order.session_id, "…")


def _found(database: Path, order_id: int | None, session: str | None) -> OrderView:
    if session is not None:
        order_id = next((order.order_id for order in find_orders(database, session=session)), None)
    view = None if order_id is None else order_view(database, order_id)
    if view is None:
        raise ConfigurationError(
            f"There is no such order in {database}. `tkkpg order show --date YYYY-MM-DD` lists "
            "the orders of a day."
        )
    return view


def _list(orders: tuple[Order, ...], now: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json([order_told(order, now) for order in orders])
        return
    print_table(
        ("Order", "Created", "Status", "Amount", "Refunded", "Merchant", "Description"),
        [
            (
                order.order_id,
                local(order.created_at),
                order.status_at(now),
                order.amount,
                Amount(order.refunded_minor, order.currency) if order.refunded_minor else None,
                order.merchant_id,
                order.description,
            )
            for order in orders
        ],
    )
    if len(orders) == ORDERS_MAX:
        click.echo(f"Only the newest {ORDERS_MAX} are shown.")


def _print(view: OrderView, now: datetime) -> None:
    order = view.order
    print_facts(
        {
            "Order": order.order_id,
            "Status": order.status_at(now),
            "Merchant": order.merchant_id,
            "Type": order.order_type,
            "Amount": order.amount,
            "Charged": Amount(order.captured_minor, order.currency),
            "Refunded": Amount(order.refunded_minor, order.currency),
            "Description": order.description,
            "Language": order.language,
            "Created": local(order.created_at),
            "Expires": None if order.expires_at == NEVER_EXPIRES else local(order.expires_at),
            "Instalments": order.instalments or None,
            "E-mail": order.email or None,
            "Paid": local(order.paid_at),
            "ApproveURL": order.approve_url,
            "CancelURL": order.cancel_url,
            "DeclineURL": order.decline_url,
        }
    )
    click.echo()
    _print_timeline(view)
    _print_money(view)
    _print_notifications(view)


def _print_timeline(view: OrderView) -> None:
    print_table(
        ("Time in Baku", "By", "What", "Facts", "Request"),
        [
            (
                local(happening.at),
                happening.actor,
                happening.action,
                ", ".join(f"{name} {value}" for name, value in happening.detail.items()),
                happening.request_id,
            )
            for happening in view.timeline
        ],
        title="Timeline",
    )


def _proof(tran: Transaction) -> str:
    """Say how 3-D Secure ended, and what of it the host was told."""
    known = tran.authentication
    if known is None or known.verdict is None:
        return ""
    return f"{known.verdict}, ECI {known.eci}" if tran.sent_at else str(known.verdict)


def _print_money(view: OrderView) -> None:
    print_table(
        ("Transaction", "Kind", "State", "Amount", "Code", "Approval", "RRN", "Card", "3-D Secure"),
        [
            (
                tran.tran_id,
                tran.kind,
                tran.state,
                Amount(tran.amount_minor, tran.currency),
                tran.response_code,
                tran.approval_code,
                tran.rrn,
                tran.pan_masked,
                _proof(tran),
            )
            for tran in view.transactions
        ],
        title="Transactions",
    )
    print_table(
        ("Entry", "Time in Baku", "Posting", "Phase", "From", "To", "Amount"),
        [
            (
                entry.entry_id,
                local(entry.at),
                entry.posting,
                entry.phase,
                entry.debit,
                entry.credit,
                entry.amount,
            )
            for entry in view.entries
        ],
        title="Ledger",
    )


def _print_notifications(view: OrderView) -> None:
    print_table(
        ("Notification", "State", "Attempts", "Says", "To", "Last result"),
        [
            (
                delivery.notification_id,
                delivery.state,
                delivery.attempts,
                decode_callback(delivery.xmlmsg).order_status if delivery.xmlmsg else "status",
                _address(delivery, view),
                delivery.last_result,
            )
            for delivery in view.notifications
        ],
        title="Messages to the merchant's server",
    )
