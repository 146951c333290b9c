"""Reading a result from an ARes or an RReq."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.gateway.threeds.examples import ARES, CAVV, DIRECTORYS, RREQ

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.threeds.base import result_of
from tkkpg.gateway.threeds.messages import ChallengeCancel, TransStatus
from tkkpg.protocol.masking import Secret


def test_both_messages_give_the_same_result() -> None:
    expected = AuthenticationResult(
        verdict=Verdict.PROVED, eci="05", cavv=Secret(CAVV), ds_trans_id=DIRECTORYS
    )
    assert result_of(ARES) == result_of(RREQ) == expected


@pytest.mark.parametrize("status", set(TransStatus) - {TransStatus.CHALLENGE})
def test_every_status_is_a_verdict(status: TransStatus) -> None:
    assert result_of(replace(RREQ, trans_status=status)).verdict.value == status.value


def test_a_challenge_after_a_challenge_is_unavailable() -> None:
    again = replace(RREQ, trans_status=TransStatus.CHALLENGE)
    assert result_of(again).verdict is Verdict.UNAVAILABLE


@pytest.mark.parametrize(
    ("cancel", "verdict"),
    [
        ("01", Verdict.CANCELLED),
        ("03", Verdict.TIMED_OUT),
        ("04", Verdict.TIMED_OUT),
        ("05", Verdict.TIMED_OUT),
        ("08", Verdict.TIMED_OUT),
        ("06", Verdict.UNAVAILABLE),
        ("07", Verdict.UNAVAILABLE),
    ],
)
def test_a_cancelled_challenge_proves_nothing_whatever_it_claims(
    cancel: str, verdict: Verdict
) -> None:
    claimed = replace(RREQ, challenge_cancel=ChallengeCancel(cancel))
    assert result_of(claimed).verdict is verdict


def test_a_refusal_stays_one_when_the_challenge_broke() -> None:
    refused = replace(
        RREQ,
        trans_status=TransStatus.REFUSED,
        challenge_cancel=ChallengeCancel.TRANSACTION_ERROR,
    )
    assert result_of(refused).verdict is Verdict.REFUSED
