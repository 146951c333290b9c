"""Conversations of several messages, carried out by a client against a scripted gateway."""

from __future__ import annotations

import httpx2
import pytest
from tests.unit.client.scripted import (
    ENDPOINT,
    NO_ANSWER,
    NOT_SENT,
    REF,
    SESSION,
    AsyncManualClock,
    ManualClock,
    Said,
    Script,
    client_of,
    information,
    refused,
    status,
)

from tkkpg.client import (
    AZN,
    Amount,
    AsyncClient,
    Currency,
    LocalProtocolError,
    NotSent,
    OperationRefused,
    OrderRef,
    OrderStatus,
    OutcomeUnknown,
    PendingOrders,
    RefundOutcome,
    RemoteProtocolError,
    SafeRefund,
    TransportError,
)
from tkkpg.protocol import codec
from tkkpg.protocol.messages import RefundRequest, RefundResponse
from tkkpg.protocol.values import CURRENCIES

S = OrderStatus
FINAL = [
    S.APPROVED,
    S.PREAUTH_APPROVED,
    S.DECLINED,
    S.CANCELED,
    S.REVERSED,
    S.REFUNDED,
    S.EXPIRED,
    S.ERROR,
]
OTHER = OrderRef(14008767, SESSION)
THIRD = OrderRef(14008768, SESSION)
NOTHING = Amount(0, AZN)
PART = Amount.of("10.00", AZN)
DONE = codec.encode(RefundResponse())


def amount(minor: int, currency: Currency = AZN) -> Amount:
    return Amount(minor, currency)


def refund(
    script: Script,
    clock: ManualClock | None = None,
    before: Amount = NOTHING,
    part: Amount = PART,
) -> SafeRefund:
    return client_of(script, clock).refund_safely(REF, amount=part, refunded_before=before)


def refunds_sent(script: Script) -> int:
    return sum(isinstance(request, RefundRequest) for request in script.asked)


# ------------------------------------------------------------------ wait_until_final


@pytest.mark.parametrize("final", FINAL)
def test_a_final_status_ends_the_wait_at_once(final: OrderStatus) -> None:
    clock, script = ManualClock(), Script([status(final)])

    assert client_of(script, clock).wait_until_final(REF).order_status is final
    assert clock.slept == []


def test_every_other_status_is_waited_over_3_to_5_seconds_apart() -> None:
    still_open = [s for s in S if s not in FINAL]
    clock, script = ManualClock(), Script(map(status, [*still_open, *still_open, S.APPROVED]))

    assert client_of(script, clock).wait_until_final(REF).order_status is S.APPROVED
    assert len(clock.slept) == 2 * len(still_open)
    assert clock.slept[0] == 3
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 5


def test_the_wait_ends_with_its_time_and_says_what_to_do() -> None:
    clock, script = ManualClock(), Script([status(S.ON_PAYMENT)] * 9)

    with pytest.raises(OutcomeUnknown, match=r"ON-PAYMENT.*resolve_pending") as over:
        client_of(script, clock).wait_until_final(REF, timeout_s=10)

    assert over.value.order_id == REF.order_id
    assert clock.now_s == 10


def test_a_wait_without_any_time_asks_once() -> None:
    script = Script([status(S.APPROVED)])

    assert client_of(script).wait_until_final(REF, timeout_s=0).order_status is S.APPROVED


@pytest.mark.parametrize("passing", [NO_ANSWER, NOT_SENT, refused("GetOrderStatus", "96")])
def test_a_gateway_that_comes_back_is_waited_for(passing: Said) -> None:
    attempts = 1 if isinstance(passing, bytes) else 3
    script = Script([*[passing] * attempts, status(S.DECLINED)])

    assert client_of(script).wait_until_final(REF).order_status is S.DECLINED


def test_a_silent_gateway_is_asked_less_and_less_often() -> None:
    clock = ManualClock()
    script = Script([refused("GetOrderStatus", "96")] * 99)

    with pytest.raises(OutcomeUnknown, match="nobody answered") as over:
        client_of(script, clock).wait_until_final(REF, timeout_s=100)

    assert clock.slept == [3, 6, 12, 24, 30, 25]
    assert isinstance(over.value.__cause__, OperationRefused)


@pytest.mark.parametrize("code", ["10", "30"])
def test_a_refused_question_ends_the_wait(code: str) -> None:
    script = Script([refused("GetOrderStatus", code)])

    with pytest.raises(OperationRefused, match=f"status {code}"):
        client_of(script).wait_until_final(REF)


# ------------------------------------------------------------------ resolve_pending


def test_pending_orders_are_sorted_into_final_and_open() -> None:
    script = Script([status(S.APPROVED), status(S.ON_LOCK, OTHER), status(S.EXPIRED, THIRD)])

    found = client_of(script).resolve_pending([REF, OTHER, THIRD, REF])

    assert {ref: state.order_status for ref, state in found.final.items()} == {
        REF: S.APPROVED,
        THIRD: S.EXPIRED,
    }
    assert found.still_open[OTHER].order_status is S.ON_LOCK
    assert not found.unanswered
    assert len(script.asked) == 3


def test_an_order_that_the_gateway_does_not_know_does_not_hide_the_others() -> None:
    script = Script([refused("GetOrderStatus", "30"), status(S.APPROVED, OTHER)])

    found = client_of(script).resolve_pending([REF, OTHER])

    assert isinstance(found.unanswered[REF], OperationRefused)
    assert list(found.final) == [OTHER]


def test_a_gateway_that_cannot_be_reached_is_not_asked_about_every_order() -> None:
    script = Script([status(S.APPROVED), *[NOT_SENT] * 3])

    found = client_of(script).resolve_pending([REF, OTHER, THIRD])

    assert list(found.final) == [REF]
    assert {ref: type(error) for ref, error in found.unanswered.items()} == {
        OTHER: NotSent,
        THIRD: NotSent,
    }


def test_no_orders_are_resolved_without_a_question() -> None:
    found = client_of(Script([])).resolve_pending([])

    assert found == PendingOrders(final={}, still_open={}, unanswered={})


# ------------------------------------------------------------------ refund_safely


def test_a_refund_is_looked_at_sent_once_and_looked_at_again() -> None:
    script = Script([information(S.APPROVED, 0), DONE, information(S.REFUNDED, 1000)])

    result = refund(script)

    assert result == SafeRefund(outcome=RefundOutcome.DONE_NOW, refunded=PART)
    assert result.done
    assert refunds_sent(script) == 1


def test_the_refund_that_is_sent_says_what_the_caller_said() -> None:
    script = Script([information(S.APPROVED, 0), DONE, information(S.REFUNDED, 1000)])

    client_of(script).refund_safely(
        REF,
        amount=PART,
        refunded_before=NOTHING,
        description="77",
        two_id=2292054,
        with_fee=True,
    )

    sent = script.asked[1]
    assert isinstance(sent, RefundRequest)
    assert (sent.amount_minor, sent.description, sent.two_id) == (1000, "77", 2292054)
    assert sent.with_fee


def test_a_refund_that_the_books_show_already_is_not_sent() -> None:
    script = Script([information(S.REFUNDED, 1000)])

    assert refund(script) == SafeRefund(outcome=RefundOutcome.DONE_BEFORE, refunded=PART)
    assert len(script.asked) == 1


def test_a_further_refund_counts_from_what_was_refunded_before() -> None:
    script = Script([information(S.REFUNDED, 1000), DONE, information(S.REFUNDED, 2000)])

    assert refund(script, before=PART).outcome is RefundOutcome.DONE_NOW


@pytest.mark.parametrize("total", [500, 2000])
def test_books_that_fit_neither_total_refuse_the_refund(total: int) -> None:
    script = Script([information(S.REFUNDED, total)])

    with pytest.raises(LocalProtocolError, match=r"neither the 0\.00 AZN.*nor the 10\.00 AZN"):
        refund(script)

    assert refunds_sent(script) == 0


def test_another_refund_under_way_is_waited_for_before_anything_is_sent() -> None:
    """It may be this very one, sent by a call that ended before its time."""
    script = Script([information(S.ON_REFUND, 0)] * 3 + [information(S.REFUNDED, 1000)])

    assert refund(script).outcome is RefundOutcome.DONE_BEFORE
    assert refunds_sent(script) == 0


def test_an_order_that_stays_busy_is_unknown_and_nothing_is_sent() -> None:
    script = Script([information(S.ON_REFUND, 0)] * 99)

    with pytest.raises(OutcomeUnknown, match="this call sent nothing"):
        refund(script)

    assert refunds_sent(script) == 0


def test_a_lost_answer_to_a_refund_that_was_done_is_done_now() -> None:
    script = Script([information(S.APPROVED, 0), NO_ANSWER, information(S.REFUNDED, 1000)])

    assert refund(script).outcome is RefundOutcome.DONE_NOW


def test_a_lost_answer_is_waited_over_while_the_order_is_on_refund() -> None:
    under_way = [information(S.ON_REFUND, 0)] * 4
    script = Script([information(S.APPROVED, 0), NO_ANSWER, *under_way, information(S.APPROVED, 0)])

    result = refund(script)

    assert (result.outcome, result.done) == (RefundOutcome.DECLINED, False)
    assert refunds_sent(script) == 1


def test_books_that_do_not_change_after_a_lost_answer_prove_nothing() -> None:
    """The request may still be on its way: to say declined would invite a second one."""
    unchanged = information(S.APPROVED, 0)
    clock, script = ManualClock(), Script([unchanged, NO_ANSWER, *[unchanged] * 99])

    with pytest.raises(OutcomeUnknown, match="with the same arguments") as unknown:
        refund(script, clock)

    assert (unknown.value.operation, unknown.value.order_id) == ("Refund", REF.order_id)
    assert refunds_sent(script) == 1
    assert clock.now_s == 120


def test_a_request_that_arrives_late_is_found_out() -> None:
    unchanged = [information(S.APPROVED, 0)] * 5
    script = Script(
        [information(S.APPROVED, 0), NO_ANSWER, *unchanged, information(S.REFUNDED, 1000)]
    )

    assert refund(script).outcome is RefundOutcome.DONE_NOW


@pytest.mark.parametrize("code", ["30", "205", "96", "97"])
def test_a_refusal_that_left_the_books_alone_is_a_decline_with_its_reason(code: str) -> None:
    script = Script(
        [information(S.APPROVED, 0), refused("Refund", code), information(S.APPROVED, 0)]
    )

    result = refund(script)

    assert result.outcome is RefundOutcome.DECLINED
    assert result.refusal is not None
    assert result.refusal.status == code
    assert result.refunded == NOTHING


def test_a_refund_that_failed_inside_and_was_resolved_is_done_now() -> None:
    under_way = [information(S.ON_REFUND, 0)] * 2
    script = Script(
        [
            information(S.APPROVED, 0),
            refused("Refund", "96"),
            *under_way,
            information(S.REFUNDED, 1000),
        ]
    )

    assert refund(script).outcome is RefundOutcome.DONE_NOW


def test_a_refund_refused_because_an_earlier_one_just_arrived_is_done_before() -> None:
    script = Script(
        [
            information(S.APPROVED, 0),
            refused("Refund", "30"),
            information(S.ON_REFUND, 0),
            information(S.REFUNDED, 1000),
        ]
    )

    assert refund(script).outcome is RefundOutcome.DONE_BEFORE


def test_a_success_that_the_books_never_show_is_not_believed() -> None:
    script = Script([information(S.APPROVED, 0), DONE, *[information(S.APPROVED, 0)] * 99])

    with pytest.raises(OutcomeUnknown, match="its answer to an earlier refund"):
        refund(script)


def test_a_refund_that_was_not_sent_says_so() -> None:
    script = Script([information(S.APPROVED, 0), NOT_SENT])

    with pytest.raises(NotSent):
        refund(script)


@pytest.mark.parametrize(("said", "kind"), [(NO_ANSWER, TransportError), (NOT_SENT, NotSent)])
def test_without_a_first_look_nothing_is_sent(said: Exception, kind: type[Exception]) -> None:
    script = Script([said] * 3)

    with pytest.raises(kind, match="GetOrderInformation"):
        refund(script)

    assert refunds_sent(script) == 0


def test_nonsense_in_place_of_the_last_look_leaves_the_refund_unknown() -> None:
    script = Script([information(S.APPROVED, 0), DONE, b"<html></html>"])

    with pytest.raises(OutcomeUnknown, match="no reply of a gateway") as unknown:
        refund(script)

    assert isinstance(unknown.value.__cause__, RemoteProtocolError)


@pytest.mark.parametrize(
    ("part", "before", "complaint"),
    [
        (amount(0), NOTHING, "Refund/Amount must be"),
        (amount(1, CURRENCIES["840"]), NOTHING, "one currency"),
        (amount(1), amount(10**12 - 1), "more than any order has"),
    ],
)
def test_what_cannot_be_refunded_is_refused_before_the_first_look(
    part: Amount, before: Amount, complaint: str
) -> None:
    with pytest.raises(LocalProtocolError, match=complaint):
        refund(Script([]), before=before, part=part)


def test_a_refund_in_another_currency_than_the_orders_is_not_sent() -> None:
    dollars = CURRENCIES["840"]
    script = Script([information(S.APPROVED, 0)])

    with pytest.raises(LocalProtocolError, match="in the order's currency"):
        refund(script, before=amount(0, dollars), part=amount(1000, dollars))


@pytest.mark.parametrize("name", ["amount", "refunded_before"])
def test_a_bare_number_is_no_amount_of_a_refund(name: str) -> None:
    amounts = {"amount": PART, "refunded_before": NOTHING, name: 1000}

    with pytest.raises(TypeError, match="Write Amount"):
        client_of(Script([])).refund_safely(REF, **amounts)  # type: ignore[arg-type]


# ------------------------------------------------------------------ awaited


@pytest.mark.anyio
async def test_the_asynchronous_client_holds_the_same_conversations() -> None:
    clock = AsyncManualClock()
    script = Script(
        [
            status(S.ON_PAYMENT),
            *[NO_ANSWER] * 3,
            status(S.APPROVED),
            information(S.APPROVED, 0),
            NO_ANSWER,
            information(S.ON_REFUND, 0),
            information(S.REFUNDED, 1000),
            status(S.REFUNDED),
        ]
    )
    transport = httpx2.MockTransport(script)

    async with AsyncClient(
        ENDPOINT, merchant_id="E1000010", transport=transport, clock=clock
    ) as client:
        assert (await client.wait_until_final(REF)).order_status is S.APPROVED
        result = await client.refund_safely(REF, amount=PART, refunded_before=NOTHING)
        found = await client.resolve_pending([REF])

    assert result.outcome is RefundOutcome.DONE_NOW
    assert list(found.final) == [REF]
    assert refunds_sent(script) == 1
    assert clock.clock.slept == pytest.approx([3, 0.1, 0.5, 3.6, 3])
