"""What operators read of transactions, from a file that the real store wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.unit.gateway.store.views.conftest import NOW, TRAN, Written, context

from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.model.transaction import Transaction, TranState
from tkkpg.gateway.store.views import (
    approved_transactions,
    find_transactions,
    transactions,
)
from tkkpg.protocol.errors import ConfigurationError


@pytest.mark.anyio
async def test_transactions_are_listed_newest_first(written: Written) -> None:
    later = await another_transaction(written, 8, TranState.DECLINED)

    assert find_transactions(written.path, unresolved=False) == (later, TRAN)


@pytest.mark.anyio
async def test_unresolved_transactions_are_listed_oldest_first(written: Written) -> None:
    newer = await another_transaction(written, 8, TranState.REVERSING)
    older = await another_transaction(
        written, 9, TranState.UNKNOWN, sent_at=NOW - timedelta(days=2)
    )

    assert find_transactions(written.path, unresolved=True) == (older, newer)


@pytest.mark.anyio
async def test_the_oldest_of_too_many_unresolved_transactions_are_given(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "TRANSACTIONS_MAX", 1)
    oldest = await another_transaction(written, 8, TranState.REVERSING)
    await another_transaction(written, 9, TranState.SENT, sent_at=NOW + timedelta(seconds=1))

    assert find_transactions(written.path, unresolved=True) == (oldest,)


async def another_transaction(
    written: Written, tran_id: int, state: TranState, **changes: object
) -> Transaction:
    tran = replace(TRAN, tran_id=tran_id, state=state, **changes)  # type: ignore[arg-type]
    await written.store.commit(
        Plan(context=context(tran_id), action="authorisation_reserved", new_transactions=(tran,))
    )
    return tran


DAY = date(2026, 11, 24)
"""Of `NOW`, which is half a second before its end in Baku."""


def approved(written: Written, day: date = DAY, merchant_id: str | None = None) -> list[int]:
    with approved_transactions(written.path, day, merchant_id) as found:
        return [one.tran_id for one in found.transactions]


@pytest.mark.anyio
@pytest.mark.parametrize("state", [state for state in TranState if state is not TranState.APPROVED])
async def test_only_what_was_approved_is_compared_with_the_host(
    written: Written, state: TranState
) -> None:
    await another_transaction(written, 8, state)

    assert approved(written) == [7]


@pytest.mark.anyio
async def test_an_approved_transaction_says_what_the_host_should_say(written: Written) -> None:
    with approved_transactions(written.path, DAY) as found:
        (told,) = found.transactions

    assert found.terminals is None
    for name in ("kind", "hold", "amount_minor", "currency", "rrn", "stan", "terminal_id"):
        assert getattr(told, name) == getattr(TRAN, name)
    assert told.finished_at == TRAN.finished_at


@pytest.mark.anyio
async def test_approved_transactions_come_by_their_rrn(written: Written) -> None:
    await another_transaction(written, 8, TranState.APPROVED, rrn="632819000004")
    await another_transaction(written, 9, TranState.APPROVED, rrn="632819000006")

    assert approved(written) == [8, 7, 9]


@pytest.mark.anyio
async def test_what_the_host_may_date_otherwise_is_given_too(written: Written) -> None:
    assert approved(written, date(2026, 11, 23)) == [7]
    assert approved(written, date(2026, 11, 25)) == [7]
    assert approved(written, date(2026, 11, 22)) == []
    assert approved(written, date(2026, 11, 26)) == []


@pytest.mark.anyio
async def test_one_merchants_day_has_its_terminals_of_now_and_then(written: Written) -> None:
    await another_transaction(written, 8, TranState.APPROVED, terminal_id="T0")
    await another_transaction(
        written, 9, TranState.APPROVED, merchant_id="E1000011", terminal_id="T9"
    )

    assert approved(written, merchant_id="E1000010") == [7, 8]
    with approved_transactions(written.path, DAY, "E1000010") as found:
        assert found.terminals == frozenset({"T0", "T1"})


@pytest.mark.anyio
async def test_an_unknown_merchant_has_no_day(written: Written) -> None:
    with (
        pytest.raises(ConfigurationError, match="no merchant E404"),
        approved_transactions(written.path, DAY, "E404"),
    ):
        pass
