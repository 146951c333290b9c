"""`tkkpg order wait`: until nobody but the merchant can change an order's status."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

import click

from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.commands.order.status import tell
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command, printable
from tkkpg.cli.values import DURATION
from tkkpg.client import Client, OrderRef, OutcomeUnknown, PeerFailure, TransportError
from tkkpg.client.results import OrderState
from tkkpg.protocol.values import Operation

EVERY_S: Final = 3.0
"""Seconds between two questions; the manual asks for 3 to 5 (protocol description, 2.3)."""


@click.command("wait", cls=Command)
@with_ref
@click.option(
    "--timeout",
    type=DURATION,
    default="300s",
    show_default=True,
    help="How long to wait. The payer has 30 minutes, unless the order says otherwise.",
)
@with_client
def wait(client: Client, *, ref: OrderRef, timeout: timedelta, as_json: bool) -> None:
    """Wait until an order is paid, declined or over: until only the merchant can change it.

    Each new status is written to standard error with the seconds since the beginning. However the
    order ends, the exit status is 0; it is 1 when it is still open after --timeout.
    """
    tell(_final(client, ref, timeout.total_seconds()), as_json=as_json)


def _final(client: Client, ref: OrderRef, timeout_s: float) -> OrderState:
    """Ask until the status is final, and say each new one.

    Raises:
        OutcomeUnknown: The time is over.
    """
    began_s = time.monotonic()
    last = ""
    while True:
        state, told = _look(client, ref)
        passed_s = time.monotonic() - began_s
        if told != last:
            click.echo(f"{passed_s:5.0f} s  {printable(told)}", err=True)
            last = told
        if state is not None and state.is_final:
            return state
        if passed_s >= timeout_s:
            raise OutcomeUnknown(
                f"Order {ref.order_id} was not final within {timeout_s:g} s: {last}. It goes on "
                "without you: deliver nothing, and do not let it be paid in another way. Wait "
                "again, or ask later with `tkkpg order status`.",
                operation=Operation.GET_ORDER_STATUS,
                order_id=ref.order_id,
            )
        time.sleep(min(EVERY_S, timeout_s - passed_s))


def _look(client: Client, ref: OrderRef) -> tuple[OrderState | None, str]:
    """Ask once, and say what came; silence and failures inside the gateway pass."""
    try:
        state = client.get_order_status(ref)
    except (TransportError, PeerFailure):
        return None, "the gateway does not answer"
    return state, state.order_status
