"""Taking a payment through the client: begin it, and find out what really happened.

Copy this. Its rules keep a payer from paying twice, and a liar from not paying at all:

- A new order at the bank is made only when the one before has certainly ended without money.
- What a message says is kept, and never acted upon. `get_order_status` alone moves an order.
- One conversation at a time about each order, so that a button pressed twice begins one payment,
  and an older answer never overwrites a newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from weakref import WeakValueDictionary

from tkkpg.client import (
    AsyncClient,
    CallbackError,
    NotSent,
    OrderStatus,
    OutcomeUnknown,
    PeerFailure,
    TKKPGError,
    XMLOut,
    is_about,
    read_xmlout,
)
from tkkpg.sandbox.shop.catalogue import name_of
from tkkpg.sandbox.shop.notifications import Notifications
from tkkpg.sandbox.shop.orders import Attempt, OrderBook, ShopOrder, Trouble, TroubleKind
from tkkpg.sandbox.shop.verdicts import Verdict

DESCRIPTION_MAX: Final = 512
"""Characters of a description on the wire (protocol description, 2.2)."""


class Checkout:
    """Everything the shop does together with the bank.

    Args:
        client: The merchant's line to the gateway.
        book: Where orders are kept.
        notifications: Where notifications are kept.
        base_url: Own address, with which the return addresses begin.
    """

    def __init__(
        self, client: AsyncClient, book: OrderBook, notifications: Notifications, base_url: str
    ) -> None:
        self._client = client
        self._book = book
        self._notifications = notifications
        self._base_url = base_url
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def pay(self, reference: str) -> str | None:
        """Begin a payment, or go on with the one that is open.

        Returns:
            Where the payer pays. `None` when there is nothing to pay now, or the payment could
            not be begun: the order's page then tells why.

        Raises:
            LookupError: There is no such order.
        """
        async with self._alone(reference):
            if await self._ask(self._book.get(reference).attempt):
                return None
            order = self._book.get(reference)
            if order.verdict is Verdict.NOT_PAID:
                await self._begin(order)
            attempt = self._book.get(reference).attempt
            return attempt.payment_url if attempt and attempt.verdict is Verdict.OPEN else None

    async def confirm(self, reference: str) -> Trouble | None:
        """Ask the bank how an order stands, and keep the answer.

        Returns:
            Why the bank could not be asked, `None` when it could or need not be.

        Raises:
            LookupError: There is no such order.
        """
        async with self._alone(reference):
            return await self._ask(self._book.get(reference).attempt)

    async def payer_returned(self, reference: str, form: Mapping[str, str]) -> None:
        """Take what the payer's browser brought back from the bank, and ask the bank.

        Args:
            reference: The shop's order, out of the return address.
            form: What was posted; may be empty, and may be anything.

        Raises:
            LookupError: There is no such order.
        """
        order = self._book.get(reference)
        try:
            xmlout = read_xmlout(form)
        except CallbackError:
            xmlout = None  # came by hand, or reloaded: the answer of the bank is the same
        for attempt in order.attempts:
            if xmlout and is_about(xmlout, attempt.ref):
                self._note(attempt, xmlout)
        await self.confirm(reference)

    async def notified(self, delivery_id: str, form: Mapping[str, str]) -> bool:
        """Take a notification of the bank's server, and ask the bank.

        Returns:
            Whether that is settled. If not, the bank should send it again later: so its outbox is
            the shop's list of what is still to be asked. What is about nobody's order here is
            settled; other shops may have the same merchant.

        Raises:
            CallbackError: The form is no notification.
        """
        xmlout = read_xmlout(form)
        for order in self._book.find_by_order_id(xmlout.order_id):
            for attempt in order.attempts:
                if is_about(xmlout, attempt.ref):
                    return await self._settle(delivery_id, order, attempt, xmlout)
        return True

    async def _settle(
        self, delivery_id: str, order: ShopOrder, attempt: Attempt, xmlout: XMLOut
    ) -> bool:
        claimed = xmlout.order_status
        if not self._notifications.keep(delivery_id, attempt.ref.order_id, claimed):
            return True
        self._note(attempt, xmlout)
        if await self.confirm(order.reference):
            return False
        self._notifications.confirm(delivery_id)
        return True

    def _note(self, attempt: Attempt, xmlout: XMLOut) -> None:
        self._book.note_claim(attempt.ref, xmlout.order_status, xmlout.response_description)

    async def _ask(self, attempt: Attempt | None) -> Trouble | None:
        if attempt is None or attempt.verdict is Verdict.NOT_PAID:
            return None  # that is how it ended, and it stays so
        try:
            state = await self._client.get_order_status(attempt.ref)
            self._book.note_status(attempt.ref, state.order_status)
            if state.order_status is OrderStatus.REFUNDED:
                information = await self._client.get_order_information(attempt.ref)
                self._book.note_refunded(attempt.ref, information.refund_amount_minor)
        except TKKPGError as error:
            return Trouble(TroubleKind.NOT_CONFIRMED, error.message)
        return None

    async def _begin(self, order: ShopOrder) -> None:
        """Make an order at the bank; keep it, or why there is none."""
        back = f"{self._base_url}/return/{order.reference}"
        try:
            created = await self._client.create_order(
                amount=order.total,
                description=_description(order),
                language=order.language,
                approve_url=f"{back}/approve",
                cancel_url=f"{back}/cancel",
                decline_url=f"{back}/decline",
            )
        except TKKPGError as error:
            self._book.note_trouble(order.reference, Trouble(_kind(error), error.message))
        else:
            self._book.begin_attempt(order.reference, created)

    def _alone(self, reference: str) -> asyncio.Lock:
        return self._locks.setdefault(reference, asyncio.Lock())


def _kind(error: TKKPGError) -> TroubleKind:
    """Tell a payment that could not be begun by what it means for the payer."""
    match error:
        case NotSent():
            return TroubleKind.NOT_STARTED
        case OutcomeUnknown() | PeerFailure():
            return TroubleKind.UNCLEAR
        case _:
            return TroubleKind.REFUSED


def _description(order: ShopOrder) -> str:
    goods = (f"{name_of(line.product, order.language)} × {line.quantity}" for line in order.lines)
    return ", ".join(goods)[:DESCRIPTION_MAX]
