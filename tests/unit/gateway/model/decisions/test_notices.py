"""What is promised to be told: the outcome by POST, each new status by GET, each once."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.model_factories import (
    ATTEMPT,
    CARD,
    CARD_UID,
    MERCHANT,
    NOW,
    NUMBERS,
    PROVED,
    REFUND_NUMBERS,
    SESSION,
    STORED_CARD,
    authenticating,
    completing,
    context_at,
    facts_of,
    held,
    order_in,
    paid,
    refund_of,
    refunding,
    reversal_of,
    waiting,
)

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.model.decisions.authentication import plan_attempt, plan_authenticated
from tkkpg.gateway.model.decisions.notices import status_notices, status_url
from tkkpg.gateway.model.decisions.operation import (
    plan_operation_outcome,
    plan_refund,
    plan_reversal,
)
from tkkpg.gateway.model.decisions.payment import (
    plan_authorisation,
    plan_expiry,
    plan_leaving,
    plan_outcome,
)
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.plan import Facts, Notification, Plan
from tkkpg.gateway.model.transaction import HostReply
from tkkpg.protocol.values import OrderStatus as S

TOLD = "https://shop.example/status"
APPROVED = HostReply.of("001", "123456")
REFUSED = AuthenticationResult(verdict=Verdict.REFUSED)


def telling(facts: Facts) -> Facts:
    """Have the order's statuses told."""
    return replace(facts, order=replace(facts.order, change_status_url=TOLD))


def split(plan: Plan | None) -> tuple[list[Notification], list[Notification]]:
    """Part the outcomes from the notices of a status."""
    assert plan is not None
    outcomes = [one for one in plan.notifications if one.xmlmsg]
    return outcomes, [one for one in plan.notifications if not one.xmlmsg]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://a.example/n?o=%ORDERID%&s=%SESSIONID%&t=%STATUS%",
            f"https://a.example/n?o=14008766&s={SESSION}&t=PREAUTH-APPROVED",
        ),
        ("https://a.example/%ORDERID%", "https://a.example/14008766"),
        ("https://a.example/?t=%STATUS%&again=%STATUS%", None),
        (
            "https://a.example/n",
            f"https://a.example/n?OrderID=14008766&SessionID={SESSION}&Status=PREAUTH-APPROVED",
        ),
        (
            "https://a.az/?r=%20&x=",
            f"https://a.az/?r=%20&x=&OrderID=14008766&SessionID={SESSION}&Status=PREAUTH-APPROVED",
        ),
        (
            "https://a.example/n#top",
            f"https://a.example/n?OrderID=14008766&SessionID={SESSION}&Status=PREAUTH-APPROVED",
        ),
    ],
)
def test_order_session_and_status_stand_in_the_address(url: str, expected: str | None) -> None:
    written = status_url(url, order_in(S.PREAUTH_APPROVED))

    if expected is None:
        expected = "https://a.example/?t=PREAUTH-APPROVED&again=PREAUTH-APPROVED"
    assert written == expected


@pytest.mark.parametrize("url", [TOLD, f"{TOLD}?s=%SESSIONID%"])
def test_a_session_cannot_break_out_of_its_place(url: str) -> None:
    order = replace(order_in(), session_id="a&b=c#d%20/é")

    query = dict(parse_qsl(urlsplit(status_url(url, order)).query))

    assert "a&b=c#d%20/é" in query.values()
    assert "b" not in query


@pytest.mark.parametrize("status", sorted(set(S) - {S.CREATED}))
def test_a_new_status_is_told_once_under_an_id_of_its_own(status: S) -> None:
    facts = telling(facts_of(order_in()))

    (notice,) = status_notices(context_at(), facts, replace(facts.order, status=status))

    assert dict(parse_qsl(urlsplit(notice.url).query))["Status"] == status
    assert (notice.notification_id, notice.xmlmsg) == ("plan-1-status", "")
    assert (notice.order_id, notice.merchant_id) == (14008766, MERCHANT.merchant_id)
    assert (notice.due_at, notice.attempts) == (NOW, 0)


def test_a_status_that_did_not_change_is_not_told() -> None:
    facts = telling(paid())

    assert status_notices(context_at(), facts, facts.order) == ()


@pytest.mark.parametrize(
    ("of_order", "of_merchant", "expected"),
    [
        ("", "", []),
        (TOLD, "", ["shop.example"]),
        ("", "https://merchant.example/", ["merchant.example"]),
        (TOLD, "https://merchant.example/", ["shop.example"]),
    ],
)
def test_the_orders_own_address_comes_before_the_merchants(
    of_order: str, of_merchant: str, expected: list[str]
) -> None:
    facts = facts_of(
        replace(order_in(), change_status_url=of_order),
        merchant=replace(MERCHANT, change_status_url=of_merchant),
    )

    told = status_notices(context_at(), facts, replace(facts.order, status=S.CANCELED))

    assert [urlsplit(one.url).hostname for one in told] == expected


@pytest.mark.parametrize(
    ("plan", "status"),
    [
        (plan_attempt(context_at(), telling(facts_of(order_in())), CARD, ATTEMPT), S.ON_PAYMENT),
        (plan_authenticated(context_at(), telling(authenticating()), 7, PROVED), S.ON_LOCK),
        (
            plan_authorisation(
                context_at(),
                telling(facts_of(order_in())),
                STORED_CARD,
                NUMBERS,
                card_uid=CARD_UID,
            ),
            S.ON_LOCK,
        ),
        (plan_refund(context_at(), telling(paid()), refund_of(1), REFUND_NUMBERS), S.ON_REFUND),
        (plan_reversal(context_at(), telling(held()), reversal_of(), REFUND_NUMBERS), S.ON_LOCK),
    ],
    ids=["attempt", "authenticated", "saved card", "refund", "reversal"],
)
def test_of_what_is_only_reserved_the_status_alone_is_told(plan: Plan | None, status: S) -> None:
    outcomes, (notice,) = split(plan)

    assert outcomes == []
    assert notice.url.endswith(f"Status={status}")


@pytest.mark.parametrize(
    ("plan", "status"),
    [
        (plan_outcome(context_at(), telling(waiting()), 7, APPROVED, reversal_stan=0), S.APPROVED),
        (plan_operation_outcome(context_at(), telling(refunding()), 8, APPROVED), S.REFUNDED),
        (plan_operation_outcome(context_at(), telling(completing(1)), 8, APPROVED), S.APPROVED),
        (plan_authenticated(context_at(), telling(authenticating()), 7, REFUSED), S.DECLINED),
        (plan_leaving(context_at(), telling(facts_of(order_in()))), S.CANCELED),
        (plan_expiry(context_at(NOW + ORDER_LIFE), telling(facts_of(order_in()))), S.EXPIRED),
    ],
    ids=["payment", "refund", "completion", "not authenticated", "leaving", "expiry"],
)
def test_of_an_outcome_both_are_told(plan: Plan | None, status: S) -> None:
    (outcome,), (notice,) = split(plan)

    assert notice.url.endswith(f"Status={status}")
    assert outcome.url == MERCHANT.notification_url
    assert outcome.notification_id != notice.notification_id


def test_a_card_typed_again_is_no_new_status() -> None:
    again = replace(ATTEMPT, numbers=REFUND_NUMBERS)

    plan = plan_attempt(context_at(), telling(authenticating()), CARD, again)

    assert plan.notifications == ()


def test_a_notice_never_shows_the_session() -> None:
    facts = telling(facts_of(order_in()))

    (notice,) = status_notices(context_at(), facts, replace(facts.order, status=S.CANCELED))

    assert SESSION in notice.url
    assert SESSION not in repr(notice)
