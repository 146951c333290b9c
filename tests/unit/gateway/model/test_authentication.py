"""What follows from an authentication: the table whole, and what a result is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tests.model_factories import CAVV, KEY, SERVER_TRANS_ID

from tkkpg.gateway.model.authentication import (
    ACTIONS,
    Authentication,
    AuthenticationResult,
    Decline,
    Proceed,
    Proof,
    Unauthenticated,
    Verdict,
    decide_authentication,
    eci_of,
    proof_of,
    proved,
)
from tkkpg.protocol.codes import Origin, response_code
from tkkpg.protocol.pan import Scheme

V = Verdict
DECLINE, PROCEED = Unauthenticated
KNOWN: Final = Authentication(
    server_trans_id=SERVER_TRANS_ID, key=KEY, verdict=V.PROVED, eci="05", cavv="k1.sealed"
)


def decide(
    verdict: Verdict,
    setting: Unauthenticated,
    scheme: Scheme | None = Scheme.VISA,
    reason: str | None = None,
) -> Proceed | Decline:
    result = AuthenticationResult(verdict=verdict, cavv=CAVV, reason=reason)
    return decide_authentication(result, setting, scheme)


def test_every_verdict_has_one_row() -> None:
    assert sorted(action.verdict for action in ACTIONS) == sorted(Verdict)


def test_every_code_is_one_of_3d_secure() -> None:
    assert {response_code(action.code).origin for action in ACTIONS} == {Origin.THREE_DS}


@pytest.mark.parametrize("setting", Unauthenticated)
def test_a_proved_cardholder_pays_with_the_proof_whatever_the_setting(
    setting: Unauthenticated,
) -> None:
    assert decide(V.PROVED, setting) == Proceed("05", CAVV)
    assert decide(V.PROVED, setting, Scheme.MASTERCARD) == Proceed("02", CAVV)


def test_an_attempt_pays_only_where_the_merchant_says_so() -> None:
    assert decide(V.ATTEMPTED, DECLINE) == Decline("05")
    assert decide(V.ATTEMPTED, PROCEED) == Proceed("06", CAVV)
    assert decide(V.ATTEMPTED, PROCEED, Scheme.MASTERCARD) == Proceed("01", CAVV)


@pytest.mark.parametrize("verdict", [V.UNAVAILABLE, V.INFORMATION, V.NO_ANSWER, V.DECOUPLED])
def test_an_unavailable_authentication_pays_without_a_proof_where_the_merchant_says_so(
    verdict: Verdict,
) -> None:
    assert decide(verdict, DECLINE) == Decline("05")
    assert decide(verdict, PROCEED) == Proceed("07", None)
    assert decide(verdict, PROCEED, Scheme.MASTERCARD) == Proceed("00", None)


def test_a_card_that_is_not_enrolled_declines_with_00() -> None:
    assert decide(V.NOT_ENROLLED, DECLINE) == Decline("00")
    assert decide(V.NOT_ENROLLED, PROCEED) == Proceed("07", None)


@pytest.mark.parametrize("setting", Unauthenticated)
@pytest.mark.parametrize("verdict", [V.REFUSED, V.REJECTED, V.CANCELLED, V.TIMED_OUT])
def test_a_refused_cardholder_never_pays(verdict: Verdict, setting: Unauthenticated) -> None:
    assert decide(verdict, setting) == Decline("05")
    assert decide(verdict, setting, reason="04") == Decline("18")
    assert decide(verdict, setting, reason="19") == Decline("18")
    assert decide(verdict, setting, reason="01") == Decline("05")


def test_a_proof_without_its_value_is_none() -> None:
    result = AuthenticationResult(verdict=V.PROVED, eci="05")
    assert decide_authentication(result, DECLINE, Scheme.VISA) == Decline("05")
    assert decide_authentication(result, PROCEED, Scheme.VISA) == Proceed("07", None)


@pytest.mark.parametrize("verdict", [V.PROVED, V.ATTEMPTED])
def test_a_proof_whose_eci_says_less_is_none(verdict: Verdict) -> None:
    result = AuthenticationResult(verdict=verdict, eci="07", cavv=CAVV)
    assert decide_authentication(result, DECLINE, Scheme.VISA) == Decline("05")
    assert decide_authentication(result, PROCEED, Scheme.VISA) == Proceed("07", None)


@pytest.mark.parametrize(
    ("verdict", "eci", "scheme", "worth"),
    [
        (V.PROVED, "05", Scheme.VISA, V.PROVED),
        (V.PROVED, "02", Scheme.MASTERCARD, V.PROVED),
        (V.PROVED, "05", Scheme.MASTERCARD, V.UNAVAILABLE),
        (V.ATTEMPTED, "01", Scheme.MASTERCARD, V.ATTEMPTED),
        (V.ATTEMPTED, "05", Scheme.VISA, V.UNAVAILABLE),
        (V.REFUSED, "05", Scheme.VISA, V.REFUSED),
        (V.INFORMATION, "05", Scheme.VISA, V.INFORMATION),
    ],
)
def test_a_result_is_worth_what_its_eci_and_its_verdict_agree_on(
    verdict: Verdict, eci: str, scheme: Scheme, worth: Verdict
) -> None:
    assert proved(AuthenticationResult(verdict=verdict, eci=eci, cavv=CAVV), scheme) is worth


def test_an_attempt_is_worth_one_without_its_value_too() -> None:
    assert proved(AuthenticationResult(verdict=V.ATTEMPTED), Scheme.VISA) is V.ATTEMPTED


def test_what_a_result_is_worth_is_decided_like_the_result() -> None:
    result = AuthenticationResult(verdict=V.PROVED, eci="07", cavv=CAVV)
    worth = replace(result, verdict=proved(result, Scheme.VISA))
    for setting in Unauthenticated:
        assert decide_authentication(worth, setting, Scheme.VISA) == decide_authentication(
            result, setting, Scheme.VISA
        )


def test_a_scheme_that_is_not_known_has_the_eci_of_the_others() -> None:
    assert [eci_of(proof, None) for proof in Proof] == ["05", "06", "07"]
    assert [eci_of(proof, Scheme.MASTERCARD) for proof in Proof] == ["02", "01", "00"]


@pytest.mark.parametrize(
    ("verdict", "cavv"),
    [(V.PROVED, CAVV), (V.ATTEMPTED, CAVV), (V.UNAVAILABLE, None), (V.NOT_ENROLLED, None)],
)
def test_the_host_is_told_what_was_committed_with_the_authorisation(
    verdict: Verdict, cavv: object
) -> None:
    sent = replace(KNOWN.closed(), verdict=verdict, eci="05")
    result = AuthenticationResult(verdict=V.PROVED, cavv=CAVV)
    assert proof_of(sent, result) == Proceed("05", cavv)  # type: ignore[arg-type]


def test_a_closed_authentication_has_neither_key_nor_proof_and_all_else() -> None:
    assert KNOWN.closed() == replace(KNOWN, key=None, cavv=None)


def test_a_result_shows_no_proof() -> None:
    result = AuthenticationResult(verdict=V.PROVED, cavv=CAVV)
    assert CAVV.reveal() not in repr(result)
    assert CAVV.reveal() not in repr(decide_authentication(result, DECLINE, None))


def test_an_authentication_shows_neither_key_nor_proof() -> None:
    assert KEY.reveal() not in repr(KNOWN)
    assert "k1.sealed" not in repr(KNOWN)
