"""How an operation on an order has ended: what the host decided, and where the order is then."""

from __future__ import annotations

from dataclasses import dataclass

import click

from tkkpg.cli.output import FAILED, print_facts, print_json, printable
from tkkpg.client import Client, Language, OrderRef, OrderStatus
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.errors import TKKPGError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command tells of an operation that the gateway has answered.

    Attributes:
        order_id: The order.
        approved: Whether it was carried out; `None` while that is not decided.
        response_code: The host's code, empty where the gateway says none.
        approval_code: The issuer's code for a success, else empty.
        order_status: Where the order is now, `None` where that could not be asked.
        otherwise: What follows where it was not approved: where the money is, what to do.
    """

    order_id: int
    approved: bool | None
    response_code: str
    approval_code: str = ""
    order_status: OrderStatus | None
    otherwise: str

    @property
    def code_text(self) -> str:
        """The response code with its text, empty without one."""
        if not self.response_code:
            return ""
        return f"{self.response_code} – {response_code(self.response_code).text(Language.EN)}"


def tell(outcome: Outcome, *, as_json: bool) -> None:
    """Print how an operation has ended; exit status 1 unless it was approved."""
    if as_json:
        print_json(
            {
                "order_id": outcome.order_id,
                "approved": outcome.approved,
                "response_code": outcome.response_code or None,
                "approval_code": outcome.approval_code or None,
                "order_status": outcome.order_status,
            }
        )
    else:
        print_facts(
            {
                "Order": outcome.order_id,
                "Status": outcome.order_status,
                "Response code": outcome.code_text,
                "Approval code": outcome.approval_code,
            }
        )
    if outcome.approved:
        return
    verdict = "Not decided yet" if outcome.approved is None else "Declined"
    code = f" with {outcome.code_text}" if outcome.response_code else ""
    click.echo(printable(f"Error: {verdict}{code}. {outcome.otherwise}"), err=True)
    click.get_current_context().exit(FAILED)


def status_after(client: Client, ref: OrderRef, operation: str) -> OrderStatus | None:
    """Ask for the status after an operation, which has ended whatever comes of this question.

    Args:
        client: The merchant's line.
        ref: The order.
        operation: What was done, for the sentence that says that the question failed.
    """
    try:
        return client.get_order_status(ref).order_status
    except TKKPGError as error:
        click.echo(
            f"The {operation} was answered, but the order's status could not be asked: "
            f"{printable(error.message)}",
            err=True,
        )
        return None
