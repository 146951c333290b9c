"""`tkkpg trigger`: make something happen in the running sandbox, now."""

from __future__ import annotations

from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json, print_table
from tkkpg.cli.values import ORDER_ID
from tkkpg.gateway.config import CONTROL
from tkkpg.gateway.control import ask_owner
from tkkpg.sandbox.faults import FAULTS
from tkkpg.sandbox.faults.verbs import OUTCOME, TIMES_MAX, TRIGGER, WAITING


@click.group("trigger")
def trigger() -> None:
    """Make something happen in the running sandbox, now: a fault, or a response code."""


@trigger.command("fault", cls=Command)
@click.argument("name")
@click.option(
    "--times",
    type=click.IntRange(1, TIMES_MAX),
    default=1,
    show_default=True,
    help="How many messages in a row it strikes.",
)
@home_option
def fault(*, name: str, times: int, home: Path, as_json: bool) -> None:
    """Let the fault NAME strike the next message of its place.

    `tkkpg trigger list` names them all. For faults by chance, start the sandbox with --fault.
    """
    told = ask_owner(home / CONTROL, TRIGGER, name=name, times=times)
    if as_json:
        print_json(told)
        return
    messages = "message" if times == 1 else f"{times} messages"
    click.echo(f"{told['name']} strikes the next {messages} ({told['place']}). {told['does']}")


@trigger.command("outcome", cls=Command)
@click.argument("code")
@click.option("--order", "order_id", type=ORDER_ID, metavar="ORDER-ID", help="For this order.")
@click.option("--merchant", "merchant_id", metavar="ID", help="For any order of this merchant.")
@home_option
def outcome(
    *, code: str, order_id: int | None, merchant_id: str | None, home: Path, as_json: bool
) -> None:
    """Let what is asked next of an order or a merchant end with the response code CODE.

    Once. A payment meets any code, whatever card pays: the directory or the issuer, whichever says
    the code, is asked about the test card of that code. A Completion, Reverse or Refund of a paid
    order meets a code that declines, such as 568; -1, where nothing is sent; or 810, where the
    issuer does it and does not answer. An order goes before its merchant. Before -1 write two
    dashes: tkkpg trigger outcome --order 17 -- -1
    """
    if (order_id is None) == (merchant_id is None):
        raise click.UsageError("Name one: --order or --merchant.")
    told = ask_owner(home / CONTROL, OUTCOME, code=code, order_id=order_id, merchant_id=merchant_id)
    if as_json:
        print_json(told)
        return
    subject = f"order {order_id}" if order_id is not None else f"merchant {merchant_id}"
    met_by = " or ".join(told["met_by"])
    click.echo(f"The next {met_by} of {subject} ends with {told['code']} – {told['text']}.")


@trigger.command("waiting", cls=Command)
@home_option
def waiting(*, home: Path, as_json: bool) -> None:
    """List the outcomes that nothing has met yet; they end with the sandbox."""
    told = ask_owner(home / CONTROL, WAITING)["waiting"]
    if as_json:
        print_json(told)
        return
    print_table(
        ("Code", "Order", "Merchant", "Met by", "Text"),
        [
            (
                *(one["code"], one["order_id"], one["merchant_id"]),
                *(" or ".join(one["met_by"]), one["text"]),
            )
            for one in told
        ],
    )


@trigger.command("list", cls=Command)
def list_(*, as_json: bool) -> None:
    """List the faults that can be asked for."""
    if as_json:
        print_json([one._asdict() for one in FAULTS])
        return
    print_table(("Name", "Where", "What happens"), FAULTS)
