"""What operators read of orders beside the gateway, from a file that the real store wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.unit.gateway.store.views.conftest import NOW, ORDER, OTHER, TRAN, Written, context

from tkkpg.gateway.model.ledger import Account, Phase, Posting
from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.store.views import (
    find_orders,
    order_view,
    orders,
)
from tkkpg.protocol.values import AZN, Amount


@pytest.mark.anyio
async def test_a_view_holds_the_order_and_its_transactions(written: Written) -> None:
    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    assert view.order == ORDER
    assert view.transactions == (TRAN,)


@pytest.mark.anyio
async def test_a_view_holds_the_ledger_lines_of_the_order(written: Written) -> None:
    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    (entry,) = view.entries
    assert (entry.posting, entry.phase) == (Posting.CHARGE, Phase.POSTED)
    assert (entry.debit, entry.credit) == (Account.SCHEME_RECEIVABLE, Account.MERCHANT_PAYABLE)
    assert (entry.amount, entry.at, entry.tran_id) == (Amount(3000, AZN), NOW, 7)


@pytest.mark.anyio
async def test_a_view_tells_what_became_of_each_notification(written: Written) -> None:
    await written.store.finish_notification("n1", NOW, "the reply was 200", delivered=True)

    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    (delivery,) = view.notifications
    assert (delivery.state, delivery.attempts) == ("DELIVERED", 1)
    assert (delivery.finished_at, delivery.last_result) == (NOW, "the reply was 200")
    assert delivery.xmlmsg not in repr(delivery)


@pytest.mark.anyio
async def test_the_timeline_is_the_audit_of_this_order_alone(written: Written) -> None:
    view = order_view(written.path, ORDER.order_id)

    assert view is not None
    (happening,) = view.timeline
    assert (happening.at, happening.actor) == (NOW, "gateway")
    assert (happening.action, happening.request_id) == ("authorisation_approved", "r2")
    assert happening.detail == {"tran_id": 7, "response_code": "001"}


@pytest.mark.anyio
async def test_there_is_no_view_of_an_unknown_order(written: Written) -> None:
    assert order_view(written.path, 5) is None


@pytest.mark.anyio
async def test_an_order_is_found_by_its_whole_session_only(written: Written) -> None:
    assert find_orders(written.path, session="A" * 32) == (ORDER,)
    assert find_orders(written.path, session="A" * 31) == ()


@pytest.mark.anyio
async def test_a_day_begins_and_ends_at_midnight_in_baku(written: Written) -> None:
    assert find_orders(written.path, day=date(2026, 11, 24)) == (ORDER,)
    assert find_orders(written.path, day=date(2026, 11, 25)) == (OTHER,)
    assert find_orders(written.path, day=date(2026, 11, 26)) == ()


@pytest.mark.anyio
async def test_the_newest_orders_of_a_long_day_are_given(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ORDERS_MAX", 1)
    later = replace(OTHER, order_id=1_000_003, session_id="C" * 32)
    await written.store.commit(
        Plan(context=context(4), action="order_created", new_orders=(later,))
    )

    assert find_orders(written.path, day=date(2026, 11, 25)) == (later,)


@pytest.mark.anyio
@pytest.mark.parametrize("both", [{}, {"session": "A", "day": date(2026, 11, 24)}])
async def test_a_search_is_by_exactly_one_thing(written: Written, both: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="exactly one"):
        find_orders(written.path, **both)  # type: ignore[arg-type]  # what is tried is the mistake
