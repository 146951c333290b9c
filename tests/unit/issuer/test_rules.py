"""What an issuer answers and what moves, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tests.unit.issuer.peers import ACCOUNTS, CAVV, about, authorisation, by_token, claiming, refund

from tkkpg.gateway.host import fields
from tkkpg.issuer import rules
from tkkpg.issuer.accounts import Account
from tkkpg.issuer.rules import Decision, Movement, MovementKind, Standing
from tkkpg.protocol.masking import Secret

RICH: Final = ACCOUNTS[0]
FORCED, LIMITED = ACCOUNTS[4:]
HOLD: Final = authorisation(fields.HOLD)
CHARGE: Final = authorisation(fields.CHARGE)
HELD: Final = Standing("rich", "000000000001", "944", 1_000, 0, returned=False)
CHARGED: Final = Standing("rich", "000000000001", "944", 0, 1_000, returned=False)
REFUNDED: Final = Standing("rich", "000000000001", "944", 0, 400, returned=True)
GONE: Final = Standing("rich", "000000000001", "944", 0, 0, returned=True)

EACH_REVERSAL = pytest.mark.parametrize("kind", [fields.REVERSAL, fields.REVERSAL_ADVICE])


def _asked(
    message: fields.Message,
    account: Account | None = RICH,
    available_minor: int = 100_000,
    *,
    reversed_before: bool = False,
) -> Decision:
    return rules.authorise(message, account, available_minor, reversed_before=reversed_before)


def test_a_hold_is_held() -> None:
    assert _asked(HOLD) == Decision("001", (Movement(MovementKind.HOLD, held_minor=1_000),))


def test_a_charge_is_charged() -> None:
    moved = Movement(MovementKind.CHARGE, charged_minor=1_000)
    assert _asked(CHARGE) == Decision("001", (moved,))


def test_a_card_that_was_not_issued_is_invalid() -> None:
    assert _asked(CHARGE, None) == Decision("075")


@pytest.mark.parametrize(("amount_minor", "code"), [(5_000, "001"), (5_001, "095")])
def test_an_authorisation_may_not_pass_the_limit(amount_minor: int, code: str) -> None:
    assert _asked(authorisation(fields.CHARGE, amount_minor), LIMITED).code == code


@pytest.mark.parametrize(("available_minor", "code"), [(1_000, "001"), (999, "076")])
def test_an_account_bears_what_it_has(available_minor: int, code: str) -> None:
    assert _asked(HOLD, available_minor=available_minor).code == code


def test_an_account_may_decline_whatever_it_has() -> None:
    assert _asked(CHARGE, FORCED) == Decision("051")


def test_a_typed_card_has_the_date_and_the_cvv2_that_it_prints() -> None:
    account = replace(RICH, expiry="4012", cvv2=Secret("123"))
    for expiry, cvv2, code in (
        ("4012", "123", "001"),
        ("4012", "999", "211"),
        ("4012", "1234", "211"),
        ("4012", None, "211"),
        ("3012", "123", "051"),
        (None, "123", "051"),
        ("3012", "999", "051"),
    ):
        message = dict(CHARGE)
        if expiry is not None:
            message[fields.EXPIRY] = expiry
        if cvv2 is not None:
            message[fields.ADDITIONAL] = fields.additional({fields.CVV2_TAG: cvv2})
        decision = _asked(message, account)
        assert (decision.code, bool(decision.movements)) == (code, code == "001"), (expiry, cvv2)


def test_a_kept_card_was_right_when_it_was_kept() -> None:
    account = replace(RICH, expiry="4012", cvv2=Secret("123"))
    assert _asked(by_token("TOKEN"), account).code == "001"


def _plays(code: str) -> Account:
    return Account(name="plays", pan=Secret("4000000000000002"), response_code=code)


@pytest.mark.parametrize("code", ["000", "001", "003", "007", "501"])
def test_a_code_that_approves_is_played_with_its_money(code: str) -> None:
    moved = Movement(MovementKind.CHARGE, charged_minor=1_000)
    assert _asked(CHARGE, _plays(code)) == Decision(code, (moved,))


def test_a_code_that_approves_is_not_played_beyond_what_the_account_bears() -> None:
    assert _asked(CHARGE, _plays("003"), 999) == Decision("076")


@pytest.mark.parametrize("code", ["502", "503"])
def test_a_part_approval_moves_a_part(code: str) -> None:
    moved = Movement(MovementKind.HOLD, held_minor=500)
    assert _asked(HOLD, _plays(code)) == Decision(code, (moved,))


@pytest.mark.parametrize(("amount_minor", "code"), [(1_000, "051"), (1_001, "001"), (1_002, "001")])
def test_an_amount_may_have_a_code_of_its_own(amount_minor: int, code: str) -> None:
    account = replace(RICH, by_amount={1_000: "051", 1_002: "810"})
    assert _asked(authorisation(fields.CHARGE, amount_minor), account).code == code
    assert account.answers(amount_minor) is (amount_minor != 1_002)


def test_an_advice_undoes_a_part_by_the_amount_that_was_asked_for() -> None:
    part = replace(CHARGED, charged_minor=500, asked_minor=1_000)
    undone = Decision("001", (Movement(MovementKind.REVERSE, charged_minor=-500),))
    for kind, amount_minor, decision in (
        (fields.REVERSAL_ADVICE, 1_000, undone),
        (fields.REVERSAL_ADVICE, 999, Decision("567")),
        (fields.REVERSAL, 1_000, Decision("567")),
    ):
        assert rules.reverse(about(CHARGE, kind, amount_minor), part) == decision


def test_nothing_is_no_amount() -> None:
    assert _asked(authorisation(fields.CHARGE, 0)) == Decision("055")


@pytest.mark.parametrize(
    ("eci", "cavv", "code"),
    [
        ("05", CAVV, "001"),
        ("02", CAVV, "001"),
        ("06", CAVV, "001"),
        ("06", None, "001"),
        ("01", None, "001"),
        ("07", None, "001"),
        ("00", None, "001"),
        (None, None, "001"),
        ("05", None, "055"),
        ("02", None, "055"),
        (None, CAVV, "055"),
    ],
)
@pytest.mark.parametrize("asked", [HOLD, CHARGE])
def test_an_eci_of_full_proof_is_backed_by_a_cavv(
    asked: fields.Message, eci: str | None, cavv: str | None, code: str
) -> None:
    decision = _asked(claiming(asked, eci, cavv))

    assert (decision.code, decision.movements != ()) == (code, code == "001")


def test_what_its_reversal_has_overtaken_is_not_done() -> None:
    assert _asked(CHARGE, reversed_before=True) == Decision("055")


def test_a_hold_is_completed_whole() -> None:
    moved = Movement(MovementKind.COMPLETE, held_minor=-1_000, charged_minor=1_000)
    assert rules.complete(about(HOLD, fields.COMPLETION), HELD) == Decision("001", (moved,))


def test_what_a_completion_leaves_is_released() -> None:
    assert rules.complete(about(HOLD, fields.COMPLETION, 600), HELD) == Decision(
        "001",
        (
            Movement(MovementKind.COMPLETE, held_minor=-600, charged_minor=600),
            Movement(MovementKind.RELEASE, held_minor=-400),
        ),
    )


@pytest.mark.parametrize("amount_minor", [0, 1_001])
def test_a_completion_takes_something_and_at_most_the_hold(amount_minor: int) -> None:
    assert rules.complete(about(HOLD, fields.COMPLETION, amount_minor), HELD) == Decision("567")


@pytest.mark.parametrize("standing", [CHARGED, GONE])
def test_only_a_hold_is_completed(standing: Standing) -> None:
    assert rules.complete(about(HOLD, fields.COMPLETION), standing) == Decision("055")


@pytest.mark.parametrize("amount_minor", [1, 999, 1_000])
@pytest.mark.parametrize("standing", [CHARGED])
def test_a_charge_is_given_back_whole_or_in_part(standing: Standing, amount_minor: int) -> None:
    moved = Movement(MovementKind.REFUND, charged_minor=-amount_minor)
    asked = refund(CHARGE, amount_minor)
    assert rules.refund(asked, standing) == Decision("001", (moved,))


@pytest.mark.parametrize(
    ("standing", "amount_minor"), [(CHARGED, 0), (CHARGED, 1_001), (HELD, 1), (GONE, 1)]
)
def test_no_more_than_is_charged_is_given_back(standing: Standing, amount_minor: int) -> None:
    assert rules.refund(refund(CHARGE, amount_minor), standing) == Decision("567")


@EACH_REVERSAL
@pytest.mark.parametrize(
    ("standing", "held_minor", "charged_minor"), [(HELD, -1_000, 0), (CHARGED, 0, -1_000)]
)
def test_a_reversal_undoes_all_of_it(
    kind: str, standing: Standing, held_minor: int, charged_minor: int
) -> None:
    moved = Movement(MovementKind.REVERSE, held_minor, charged_minor)
    assert rules.reverse(about(CHARGE, kind), standing) == Decision("001", (moved,))


@EACH_REVERSAL
def test_what_was_refunded_is_not_undone(kind: str) -> None:
    assert rules.reverse(about(CHARGE, kind), REFUNDED) == Decision("055")


def test_an_advice_about_what_is_gone_has_nothing_to_undo() -> None:
    assert rules.reverse(about(CHARGE, fields.REVERSAL_ADVICE), GONE) == Decision("001")


def test_a_second_reversal_on_request_is_refused() -> None:
    assert rules.reverse(about(CHARGE, fields.REVERSAL), GONE) == Decision("055")


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        (rules.complete, about(HOLD, fields.COMPLETION)),
        (rules.refund, refund(CHARGE)),
        (rules.reverse, about(CHARGE, fields.REVERSAL)),
        (rules.reverse, about(CHARGE, fields.REVERSAL_ADVICE)),
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
