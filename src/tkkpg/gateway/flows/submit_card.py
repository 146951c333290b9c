"""The payer submits a card: it is taken, sealed for the way to its issuer, and authenticated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.authenticate import (
    Cardholder,
    ChallengeStep,
    MethodStep,
    attempt_of,
    authenticate,
    carried_by_browser,
    key_bound,
)
from tkkpg.gateway.flows.decide import decide, draw_numbers
from tkkpg.gateway.flows.pay import PAYER, check_unmoved
from tkkpg.gateway.model.decisions.authentication import NewAttempt, plan_attempt
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.order import Registration
from tkkpg.gateway.vault import Binding, seal_card
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from tkkpg.gateway.flows.pay import PageView
    from tkkpg.gateway.model.card import Card
    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.gateway.threeds.base import Browser


async def submit_card(
    gateway: Gateway, view: PageView, card: Card, *, browser: Browser, register: bool = False
) -> MethodStep | ChallengeStep | None:
    """Pay with a card; does nothing when the order has moved on since the page was shown.

    The payment runs to its end whatever becomes of this request; this returns as soon as the
    payer's browser has to go somewhere, else when 3-D Secure has answered and the outcome is there,
    or the page's patience over.

    Args:
        gateway: What to work with.
        view: The page on which it was typed.
        card: As typed.
        browser: In which it was typed.
        register: The payer agrees that the card is saved; counts only where the order offers it.

    Returns:
        Where the browser has to go; `None` for the outcome.
    """
    order = view.order
    numbers = await draw_numbers(gateway)
    server_trans_id = gateway.ids.uuid()
    binding = Binding(
        order_id=order.order_id,
        tran_id=numbers.tran_id,
        amount_minor=order.amount_minor,
        currency=order.currency.code,
        three_ds_server_trans_id=server_trans_id,
    )
    sealed = seal_card(card, binding, gateway.ids.random_bytes)
    register = register and order.registration is not Registration.NONE
    new = NewAttempt(
        numbers=numbers,
        server_trans_id=server_trans_id,
        key=Secret(gateway.keys.seal(sealed.key.reveal(), key_bound(numbers.tran_id))),
        pan_hash=gateway.keys.digest("pan", card.pan.reveal()),
        card_uid=gateway.ids.card_uid() if register else None,
    )

    def planner(context: Context, facts: Facts) -> Plan:
        check_unmoved(facts, view)
        return plan_attempt(context, facts, card, new)

    try:
        plan = await decide(gateway, order.order_id, PAYER, planner)
    except IllegalTransition:
        gateway.log.info("card_came_too_late", order_id=order.order_id)
        return None
    assert plan is not None, "this planner always plans"  # noqa: S101 - says what holds
    if not plan.new_transactions:
        return None  # it was one attempt too many
    (tran,) = plan.new_transactions
    holder = Cardholder(card=card, browser=browser)
    carried = carried_by_browser(gateway, sealed.text, server_trans_id)
    attempt = attempt_of(gateway, view.merchant, tran, holder)
    if browser.script is not None:
        call = await gateway.authenticator.method(attempt)
        if call is not None:
            return MethodStep(call, carried)
    challenge = await authenticate(gateway, tran, attempt)
    return ChallengeStep(challenge, carried) if challenge else None
