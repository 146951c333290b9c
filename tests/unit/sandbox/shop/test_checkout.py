"""However messages, payers and faults fall together, the shop ends with the bank's truth."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sandbox.shop.peers import SHOP_URL, Bank, xmlmsg

from tkkpg.client import CallbackError, Language, OrderStatus
from tkkpg.protocol.messages import GetOrderStatusRequest
from tkkpg.sandbox.shop.baskets import Baskets
from tkkpg.sandbox.shop.checkout import Checkout
from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.notifications import Notifications
from tkkpg.sandbox.shop.orders import OrderBook, TroubleKind
from tkkpg.sandbox.shop.verdicts import VERDICTS, Verdict

BASKET = "a" * 43

NEXT = {
    OrderStatus.CREATED: (OrderStatus.ON_PAYMENT, OrderStatus.CANCELED, OrderStatus.EXPIRED),
    OrderStatus.ON_PAYMENT: (OrderStatus.ON_LOCK, OrderStatus.CANCELED),
    OrderStatus.ON_LOCK: (OrderStatus.APPROVED, OrderStatus.DECLINED, OrderStatus.ERROR),
    OrderStatus.APPROVED: (OrderStatus.ON_REFUND,),
    OrderStatus.ON_REFUND: (OrderStatus.REFUNDED, OrderStatus.APPROVED),
}
"""How an order moves on at the bank (protocol description, 4)."""

DEAD = {OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.DECLINED, OrderStatus.ERROR}
"""How an order ends that nobody has paid, and nobody can pay any more."""


class Scene:
    """One shop order, the bank, and everything that can happen between them."""

    def __init__(self, folder: Path) -> None:
        database = Database(folder / "shop.db")
        self.bank = Bank()
        self.book = OrderBook(database)
        self.checkout = Checkout(
            self.bank.client(), self.book, Notifications(database), base_url=SHOP_URL
        )
        Baskets(database).add(BASKET, "tea")
        placed = self.book.place(BASKET, Language.EN)
        assert placed is not None
        self.reference = placed.reference

    async def happen(self, step: str, choice: int) -> None:
        """Let one thing happen; `choice` says how, where there are several ways."""
        match step:
            case "pay":
                await self.checkout.pay(self.reference)
            case "pay twice":
                await asyncio.gather(*(self.checkout.pay(self.reference) for _ in range(2)))
            case "look":
                await self.checkout.confirm(self.reference)
            case "bank moves" if self.bank.orders:
                ways = NEXT.get(self.bank.last.status)
                if ways:
                    self.bank.last.status = ways[choice % len(ways)]
            case "bank falls ill":
                self.bank.refusing = "96"
            case "bank recovers":
                self.bank.refusing = None
            case "payer returns" if self.bank.orders:
                await self.checkout.payer_returned(self.reference, self.message(choice))
            case "notification" if self.bank.orders:
                await self.checkout.notified(f"d-{choice % 3}", self.message(choice))

    def message(self, choice: int) -> dict[str, str]:
        """Write an XMLOut about any order there was, true or not."""
        known = self.bank.orders[choice % len(self.bank.orders)]
        claims = (known.status, *OrderStatus)
        return {"xmlmsg": xmlmsg(known, claims[choice % len(claims)])}


STEPS = st.tuples(
    st.sampled_from(
        (
            "pay",
            "pay twice",
            "look",
            "bank moves",
            "bank moves",
            "bank falls ill",
            "bank recovers",
            "payer returns",
            "notification",
        )
    ),
    st.integers(0, 100),
)


@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_ends_right_and_can_be_paid_once(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            scene = Scene(Path(folder))
            for step, choice in steps:
                await scene.happen(step, choice)
                alive = [known for known in scene.bank.orders if known.status not in DEAD]
                assert len(alive) <= 1, "two orders at the bank could be paid"
            scene.bank.refusing = None
            assert await scene.checkout.confirm(scene.reference) is None
            order = scene.book.get(scene.reference)
            truth = VERDICTS[scene.bank.last.status] if scene.bank.orders else Verdict.NOT_PAID
            assert order.verdict is truth

    asyncio.run(play())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.anyio
async def test_an_order_that_ended_is_not_asked_about(scene: Scene) -> None:
    await scene.checkout.pay(scene.reference)
    scene.bank.last.status = OrderStatus.DECLINED
    for _ in range(3):
        assert await scene.checkout.confirm(scene.reference) is None

    assert scene.bank.asked_for(GetOrderStatusRequest) == 1


@pytest.mark.anyio
async def test_why_the_bank_could_not_be_asked_is_told_without_the_session(scene: Scene) -> None:
    await scene.checkout.pay(scene.reference)
    scene.bank.refusing = "30"
    trouble = await scene.checkout.confirm(scene.reference)

    assert trouble is not None
    assert trouble.kind is TroubleKind.NOT_CONFIRMED
    assert "GetOrderStatus" in trouble.detail
    assert scene.bank.last.ref.session_id not in trouble.detail


@pytest.mark.anyio
async def test_no_second_order_is_made_while_the_first_cannot_be_asked_about(scene: Scene) -> None:
    await scene.checkout.pay(scene.reference)
    with scene.bank.unreachable():
        assert await scene.checkout.pay(scene.reference) is None

    assert len(scene.bank.orders) == 1


@pytest.mark.anyio
async def test_no_message_is_believed_while_the_bank_cannot_be_asked(scene: Scene) -> None:
    await scene.checkout.pay(scene.reference)
    form = {"xmlmsg": xmlmsg(scene.bank.last, OrderStatus.APPROVED)}
    scene.bank.refusing = "96"

    await scene.checkout.payer_returned(scene.reference, form)
    assert not await scene.checkout.notified("d-1", form)

    assert scene.book.get(scene.reference).verdict is Verdict.OPEN


@pytest.mark.anyio
async def test_an_unknown_reference_is_refused(scene: Scene) -> None:
    for call in (scene.checkout.pay, scene.checkout.confirm):
        with pytest.raises(LookupError):
            await call("unknown")
    with pytest.raises(LookupError):
        await scene.checkout.payer_returned("unknown", {})


@pytest.mark.anyio
async def test_a_notification_without_an_xmlout_is_refused(scene: Scene) -> None:
    with pytest.raises(CallbackError):
        await scene.checkout.notified("1", {})
