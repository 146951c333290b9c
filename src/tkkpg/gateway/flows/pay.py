"""The payer at the hosted page: opens it, leaves it, is handed over to the shop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tkkpg.gateway.config import PAGE_KEPT
from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.model.decisions.payment import plan_leaving
from tkkpg.gateway.model.errors import IllegalTransition, OrderUnknown
from tkkpg.gateway.model.lifecycle import ENDED
from tkkpg.gateway.model.policy import check_ownership
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.model.xmlout import payment_of, xmlmsg
from tkkpg.protocol.errors import TKKPGError
from tkkpg.protocol.redirect import resolve_return_url
from tkkpg.protocol.values import OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import OrderRef

PAYER = "payer"
"""Actor of what happens on the hosted page."""


class PageUnknown(TKKPGError):
    """There is no order with this number and session."""


class PageGone(TKKPGError):
    """The order ended so long ago that its page is no longer shown."""

    def __init__(self, view: PageView) -> None:
        """Keep the order, whose shop can still be named."""
        super().__init__()
        self.view = view


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """What the hosted page shows of an order.

    Attributes:
        transactions: All of the order's, oldest first.
        payment: The authorisation that decides or decided the order, if there is one.
        status: As seen now: EXPIRED once the time is over, before that is written.
        takes_card: A card may be typed: the first, or another while the first waits for its holder.
        now: Business time at which it was read.
    """

    order: Order
    merchant: Merchant
    payment: Transaction | None
    transactions: tuple[Transaction, ...]
    status: OrderStatus
    takes_card: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class HandOver:
    """How the browser goes back to the shop.

    Attributes:
        url: Absolute address, `None` where the shop gave a relative one without a base.
        xmlmsg: Value of the form field.
    """

    url: str | None
    xmlmsg: str


async def open_page(gateway: Gateway, ref: OrderRef) -> PageView:
    """Read what the page shows; changes nothing.

    Raises:
        PageUnknown: No such order, or not this session: one answer for both.
        PageGone: It ended more than a day ago.
    """
    facts = await gateway.store.facts(ref.order_id)
    order = facts.order if facts else None
    try:
        check_ownership(order, order.merchant_id if order else "", ref)
    except OrderUnknown:
        raise PageUnknown from None
    if facts is None:
        raise PageUnknown
    now = gateway.clock.now()
    view = PageView(
        order=facts.order,
        merchant=facts.merchant,
        payment=payment_of(facts.transactions),
        transactions=facts.transactions,
        status=facts.order.status_at(now),
        takes_card=_takes_card(gateway, facts, now),
        now=now,
    )
    ended_at = facts.order.updated_at or facts.order.expires_at
    if view.status in ENDED and now - ended_at > PAGE_KEPT:
        raise PageGone(view)
    return view


async def leave(gateway: Gateway, view: PageView) -> None:
    """Cancel the order; does nothing when it has moved on since the page was shown."""

    def planner(context: Context, facts: Facts) -> Plan:
        check_unmoved(facts, view)
        return plan_leaving(context, facts)

    try:
        await decide(gateway, view.order.order_id, PAYER, planner)
    except IllegalTransition:
        gateway.log.info("payer_left_too_late", order_id=view.order.order_id)


def check_unmoved(facts: Facts, view: PageView) -> None:
    """Refuse what was asked for on a page that shows an earlier state.

    Raises:
        IllegalTransition: The order has moved on.
    """
    if facts.order.version != view.order.version:
        message = "The order has moved on since the page was shown."
        raise IllegalTransition(message)


def _takes_card(gateway: Gateway, facts: Facts, now: datetime) -> bool:
    status = facts.order.status_at(now)
    if status is not OrderStatus.ON_PAYMENT:
        return status is OrderStatus.CREATED
    return not any(
        gateway.authentications.under_way(tran.tran_id)
        for tran in facts.transactions
        if tran.state is TranState.RESERVED
    )


def hand_over(view: PageView) -> HandOver:
    """Say how the browser of an ended order goes back to the shop."""
    order = view.order
    if view.status is not order.status:  # its time is over, which is not written yet
        order = replace(order, status=view.status, updated_at=order.expires_at)
    try:
        url = resolve_return_url(
            order.return_url(view.status), view.merchant.base_url, view.merchant.return_schemes
        )
    except ValueError:
        # The merchant's base changed since the order was accepted.
        url = None
    return HandOver(url, xmlmsg(order, view.merchant, view.payment, view.now))
