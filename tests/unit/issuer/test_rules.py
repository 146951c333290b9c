"""What an issuer answers and what moves, rule by rule."""

from __future__ import annotations

from typing import Final

import pytest
from tests.unit.issuer.line import ACCOUNTS, advise, charge, complete, hold, refund, reverse

from tkkpg.gateway.host import fields
from tkkpg.issuer import rules
from tkkpg.issuer.accounts import Account
from tkkpg.issuer.rules import Decision, Movement, MovementKind, Standing

PLAIN_ACCOUNT, LIMITED_ACCOUNT, FORCED_ACCOUNT = ACCOUNTS[:3]
HELD: Final = Standing("plain", "000000000001", "944", 30_00, 0, used=False)
CHARGED: Final = Standing("plain", "000000000001", "944", 0, 30_00, used=False)
COMPLETED: Final = Standing("plain", "000000000001", "944", 0, 30_00, used=True)
GONE: Final = Standing("plain", "000000000001", "944", 0, 0, used=True)


def _asked(
    message: fields.Message,
    account: Account | None = PLAIN_ACCOUNT,
    available_minor: int = 100_00,
    *,
    reversed_before: bool = False,
) -> Decision:
    return rules.authorise(message, account, available_minor, reversed_before=reversed_before)


def test_a_hold_is_held() -> None:
    assert _asked(hold(1)) == Decision("001", (Movement(MovementKind.HOLD, held_minor=30_00),))


def test_a_charge_is_charged() -> None:
    moved = Movement(MovementKind.CHARGE, charged_minor=30_00)
    assert _asked(charge(1)) == Decision("001", (moved,))


def test_a_card_that_was_not_issued_is_invalid() -> None:
    assert _asked(charge(1), None) == Decision("075")


@pytest.mark.parametrize(("amount_minor", "code"), [(10_00, "001"), (10_01, "095")])
def test_an_authorisation_may_not_pass_the_limit(amount_minor: int, code: str) -> None:
    assert _asked(charge(1, amount_minor), LIMITED_ACCOUNT).code == code


@pytest.mark.parametrize(("available_minor", "code"), [(30_00, "001"), (29_99, "076")])
def test_an_account_bears_what_it_has(available_minor: int, code: str) -> None:
    assert _asked(hold(1), available_minor=available_minor).code == code


def test_an_account_may_decline_whatever_it_has() -> None:
    assert _asked(charge(1), FORCED_ACCOUNT) == Decision("051")


def test_nothing_is_no_amount() -> None:
    assert _asked(charge(1, 0)) == Decision("055")


def test_what_its_reversal_has_overtaken_is_not_done() -> None:
    assert _asked(charge(1), reversed_before=True) == Decision("055")


def test_a_hold_is_completed_whole() -> None:
    moved = Movement(MovementKind.COMPLETE, held_minor=-30_00, charged_minor=30_00)
    assert rules.complete(complete(2, hold(1)), HELD) == Decision("001", (moved,))


def test_what_a_completion_leaves_is_released() -> None:
    assert rules.complete(complete(2, hold(1), 20_00), HELD) == Decision(
        "001",
        (
            Movement(MovementKind.COMPLETE, held_minor=-20_00, charged_minor=20_00),
            Movement(MovementKind.RELEASE, held_minor=-10_00),
        ),
    )


@pytest.mark.parametrize("amount_minor", [0, 30_01])
def test_a_completion_takes_something_and_at_most_the_hold(amount_minor: int) -> None:
    assert rules.complete(complete(2, hold(1), amount_minor), HELD) == Decision("567")


@pytest.mark.parametrize("standing", [CHARGED, COMPLETED, GONE])
def test_only_a_hold_is_completed(standing: Standing) -> None:
    assert rules.complete(complete(2, hold(1)), standing) == Decision("055")


@pytest.mark.parametrize("amount_minor", [1, 29_99, 30_00])
@pytest.mark.parametrize("standing", [CHARGED, COMPLETED])
def test_a_charge_is_given_back_whole_or_in_part(standing: Standing, amount_minor: int) -> None:
    moved = Movement(MovementKind.REFUND, charged_minor=-amount_minor)
    asked = refund(2, charge(1), amount_minor)
    assert rules.refund(asked, standing) == Decision("001", (moved,))


@pytest.mark.parametrize(
    ("standing", "amount_minor"), [(CHARGED, 0), (CHARGED, 30_01), (HELD, 1), (GONE, 1)]
)
def test_no_more_than_is_charged_is_given_back(standing: Standing, amount_minor: int) -> None:
    assert rules.refund(refund(2, charge(1), amount_minor), standing) == Decision("567")


@pytest.mark.parametrize("undo", [reverse, advise])
@pytest.mark.parametrize(
    ("standing", "held_minor", "charged_minor"), [(HELD, -30_00, 0), (CHARGED, 0, -30_00)]
)
def test_a_reversal_undoes_all_of_it(
    undo: type, standing: Standing, held_minor: int, charged_minor: int
) -> None:
    moved = Movement(MovementKind.REVERSE, held_minor, charged_minor)
    assert rules.reverse(undo(2, charge(1)), standing) == Decision("001", (moved,))


@pytest.mark.parametrize("undo", [reverse, advise])
def test_what_was_completed_or_refunded_is_not_undone(undo: type) -> None:
    assert rules.reverse(undo(2, charge(1)), COMPLETED) == Decision("055")


def test_an_advice_about_what_is_gone_has_nothing_to_undo() -> None:
    assert rules.reverse(advise(2, charge(1)), GONE) == Decision("001")


def test_a_second_reversal_on_request_is_refused() -> None:
    assert rules.reverse(reverse(2, charge(1)), GONE) == Decision("055")


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        (rules.complete, complete(2, hold(1))),
        (rules.refund, refund(2, charge(1))),
        (rules.reverse, reverse(2, charge(1))),
        (rules.reverse, advise(2, charge(1))),
    ],
)
class TestFollowUps:
    def test_an_original_that_never_was_is_not_found(
        self, rule: type, asked: fields.Message
    ) -> None:
        assert rule(asked, None) == Decision("801")

    def test_another_currency_is_refused(self, rule: type, asked: fields.Message) -> None:
        standing = HELD if rule is rules.complete else CHARGED
        assert rule(asked | {fields.CURRENCY: "840"}, standing) == Decision("055")
