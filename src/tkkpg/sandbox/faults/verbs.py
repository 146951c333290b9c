"""What the sandbox's control socket understands about faults and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tkkpg.gateway.control import Argument, taking, text, whole
from tkkpg.gateway.model.lifecycle import RULES, Event
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import Language
from tkkpg.sandbox.faults.wishes import Question, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tkkpg.gateway.control import Verb
    from tkkpg.gateway.store.base import Store
    from tkkpg.protocol.values import OrderStatus
    from tkkpg.sandbox.faults.dice import Dice
    from tkkpg.sandbox.faults.wishes import Wishes

TRIGGER: Final = "trigger-fault"
OUTCOME: Final = "trigger-outcome"
WAITING: Final = "waiting-outcomes"
TIMES_MAX: Final = 1_000
"""More than that is a rate."""
PAYABLE: Final = frozenset(
    rule.source
    for rule in RULES
    if rule.event in {Event.CARD_SUBMITTED, Event.CARD_RESUBMITTED, Event.AUTHORISATION_SENT}
)
"""Statuses of an order whose payment may still come."""


def fault_verbs(dice: Dice) -> dict[str, Verb]:
    """Give the verbs: `trigger-fault` with a fault's `name`, and how many `times`, once without."""

    async def trigger(values: Mapping[str, Any]) -> Mapping[str, Any]:
        times = values.get("times", 1)
        if not 1 <= times <= TIMES_MAX:
            raise ConfigurationError(
                f"A fault strikes 1 to {TIMES_MAX} times when asked for; for more, start the "
                "sandbox with a rate."
            )
        fault = dice.trigger(values["name"], times)
        return {"name": fault.name, "place": fault.place, "does": fault.does, "times": times}

    name, times = Argument(text, "a fault's name"), Argument(whole, "a number", needed=False)
    return {TRIGGER: taking(trigger, name=name, times=times)}


def outcome_verbs(wishes: Wishes, store: Store) -> dict[str, Verb]:
    """Give the verbs of outcomes on demand.

    `trigger-outcome` takes a `code` and either an `order_id` or a `merchant_id`, which must exist;
    `waiting-outcomes` gives those that nothing has met yet.
    """

    async def trigger(values: Mapping[str, Any]) -> Mapping[str, Any]:
        wish = Wish(values["code"], values.get("order_id"), values.get("merchant_id"))
        await _check_subject(store, wish)
        wishes.add(wish)
        return _told(wish)

    async def waiting(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"waiting": [_told(wish) for wish in wishes.waiting()]}

    return {
        OUTCOME: taking(
            trigger,
            code=Argument(text, "a response code"),
            order_id=Argument(whole, "an order's number", needed=False),
            merchant_id=Argument(text, "the id of a merchant", needed=False),
        ),
        WAITING: taking(waiting),
    }


async def _check_subject(store: Store, wish: Wish) -> None:
    """Refuse what nothing could ever meet.

    Raises:
        ConfigurationError: Not exactly one order or merchant is named, there is none, or the order
            has come too far for the code.
    """
    if (wish.order_id is None) == (wish.merchant_id is None):
        raise ConfigurationError("An outcome is asked for one order or one merchant: name one.")
    if wish.order_id is not None:
        found = await store.order(wish.order_id)
        if found is not None:
            _check_status(found.status, wish)
            return
    elif await store.merchant(str(wish.merchant_id)) is not None:
        return
    subject = f"order {wish.order_id}" if wish.order_id else f"merchant {wish.merchant_id!r}"
    raise ConfigurationError(f"There is no {subject} in this sandbox.")


def _check_status(status: OrderStatus, wish: Wish) -> None:
    if status in PAYABLE:
        return
    if not any(rule.source is status for rule in RULES):
        raise ConfigurationError(
            f"Order {wish.order_id} is {status} and is neither paid nor changed any more. "
            "Ask for the outcome on another order, or for the merchant."
        )
    if Question.OPERATION not in wish.questions:
        raise ConfigurationError(
            f"Order {wish.order_id} is {status}: {wish.code} can only end its payment. A "
            "Completion, Reverse or Refund ends with a code that declines, such as 568, with -1, "
            "where nothing is sent, or with 810, where the issuer does not answer."
        )


def _told(wish: Wish) -> Mapping[str, Any]:
    return {
        **wish._asdict(),
        "text": response_code(wish.code).text(Language.EN),
        "met_by": list(wish.questions),
    }
