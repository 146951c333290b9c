"""`AsyncClient`: awaited calls. Its twin in `_sync` has the same methods with the same words."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import httpx2

from tkkpg.client._conversations import Conversations
from tkkpg.client._lines import AsyncLine
from tkkpg.client._requests import Requests
from tkkpg.client.config import (
    DEFAULT_TIMEOUTS,
    AsyncClock,
    Credentials,
    Endpoint,
    Timeouts,
)
from tkkpg.client.options import NO_OPTIONS, OrderOptions
from tkkpg.client.results import (
    CardPayment,
    Completion,
    CreatedOrder,
    OrderState,
    PendingOrders,
    Reversal,
    SafeRefund,
)
from tkkpg.protocol.messages import OrderInformation, OrdersFilter
from tkkpg.protocol.values import Amount, Language, OrderRef, OrderType


class AsyncClient:
    """A merchant's line to the gateway, for asyncio; may be shared by tasks.

    A task that is cancelled inside anything but a question leaves an unknown outcome behind.

    Keep one for as long as the shop runs: a new connection costs the gateway as much as fifty
    requests. Close it, or use it as a context manager.

    Every method may raise, beside what it says itself:

    - `NotSent`: the request did not arrive, nothing has changed; it is safe to repeat it.
    - `OperationRefused`: the gateway said no; `NotPermitted` and `PeerFailure` are two kinds of it.
    - `LocalProtocolError`: a value that the gateway would refuse; nothing was sent.

    A decline is no error: a declined payment is an order status, and the results of `complete`,
    `reverse` and `pay_with_saved_card` say whether they were `approved`.

    Nothing that may have moved money is repeated by itself.

    Args:
        endpoint: Where the gateway is.
        credentials: The merchant's certificate and key; left out only with a `transport`.
        merchant_id: The merchant, as in the CN of the certificate.
        timeouts: How long to wait.
        transport: Another way to the gateway than the network, such as an application in the
            same process; instead of `credentials`.
        clock: Another time to wait by than the system's, for tests.

    Raises:
        ConfigurationError: The credentials cannot be loaded.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None = None,
        *,
        merchant_id: str,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: AsyncClock | None = None,
    ) -> None:
        self._line = AsyncLine(credentials, timeouts, transport, clock)
        self._requests = Requests(endpoint, merchant_id)
        self._conversations = Conversations(self._requests, self._line.clock.monotonic)

    async def create_order(
        self,
        *,
        amount: Amount,
        description: str = "",
        language: Language = Language.AZ,
        approve_url: str = "",
        cancel_url: str = "",
        decline_url: str = "",
        order_type: OrderType = OrderType.PURCHASE,
        options: OrderOptions = NO_OPTIONS,
    ) -> CreatedOrder:
        """Create an order; then store its `ref` and send the payer to its `payment_url`.

        Args:
            amount: What the payer shall pay, such as `Amount.of("30.00", AZN)`.
            description: Shown to the payer, at most 512 characters.
            language: Language of the payer's pages.
            approve_url: Where the browser goes after an approval. Put your own order number into
                it: the payer's session in your shop may not come along.
            cancel_url: Where it goes when the payer leaves.
            decline_url: Where it goes after a refusal.
            order_type: Charge at once, or hold the money first for `complete`.
            options: Everything else that an order may say: expiry, instalments, a saved card.

        Raises:
            OutcomeUnknown: An order may exist whose number was lost. Create a new one.
            TypeError: The amount is no `Amount`.
        """
        return await self._line.ask(
            self._requests.create_order(
                amount=amount,
                description=description,
                language=language,
                approve_url=approve_url,
                cancel_url=cancel_url,
                decline_url=decline_url,
                order_type=order_type,
                options=options,
            )
        )

    async def get_order_status(
        self, ref: OrderRef, *, language: Language = Language.EN
    ) -> OrderState:
        """Ask where an order is in its life: the one answer to base a delivery on.

        Asked again by itself, twice, when no answer comes.

        Raises:
            TransportError: No answer came.
            RemoteProtocolError: What came is no answer of a gateway.
        """
        return await self._line.ask(self._requests.get_order_status(ref, language=language))

    async def get_order_information(
        self,
        ref: OrderRef,
        *,
        show_params: bool = False,
        show_operations: bool = False,
        show_positions: bool = False,
        language: Language = Language.EN,
    ) -> OrderInformation:
        """Ask for everything about an order; times are local times of the gateway.

        Asked again by itself, twice, when no answer comes.

        Args:
            ref: The order.
            show_params: With its parameters.
            show_operations: With its operations: payment, completion, reversal, refunds.
            show_positions: With its lines of goods.
            language: Language of the answer.

        Raises:
            TransportError: No answer came.
            RemoteProtocolError: What came is no answer of a gateway.
        """
        return await self._line.ask(
            self._requests.get_order_information(
                ref,
                language=language,
                show_params=show_params,
                show_operations=show_operations,
                show_positions=show_positions,
            )
        )

    async def get_orders(
        self, only: OrdersFilter, *, language: Language = Language.EN
    ) -> tuple[OrderInformation, ...]:
        """Ask for the merchant's orders; times are local times of the gateway.

        Asked again by itself, twice, when no answer comes.

        Args:
            only: Which ones, such as `OrdersFilter(status=OrderStatus.APPROVED, last_count=50)`.
            language: Language of the answer.

        Raises:
            TransportError: No answer came.
            RemoteProtocolError: What came is no answer of a gateway.
        """
        return await self._line.ask(self._requests.get_orders(only, language=language))

    async def complete(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        description: str = "",
        fee: Amount | None = None,
        language: Language = Language.EN,
    ) -> Completion:
        """Charge money that is held by a pre-authorisation; the rest is released.

        Args:
            ref: The order, in PREAUTH-APPROVED.
            amount: How much, at most what is held.
            description: Replaces the order's own, unless empty.
            fee: What the merchant pays for it; the order's own, by share, when left out.
            language: Language of the answer.

        Raises:
            OutcomeUnknown: The money may have been charged. Ask for the order first.
            TypeError: An amount is no `Amount`.
        """
        return await self._line.ask(
            self._requests.complete(
                ref, amount=amount, description=description, fee=fee, language=language
            )
        )

    async def reverse(
        self,
        ref: OrderRef,
        *,
        description: str = "",
        two_id: int | None = None,
        language: Language = Language.EN,
    ) -> Reversal:
        """Undo a hold or a charge, whole; to give back a part, `refund`.

        Args:
            ref: The order, in PREAUTH-APPROVED or in APPROVED without refunds.
            description: Appended to the order's own.
            two_id: `two_id` of the payment's XMLOut, where the bank asks for it.
            language: Language of the answer.

        Raises:
            OutcomeUnknown: It may have been undone. Ask for the order first.
        """
        return await self._line.ask(
            self._requests.reverse(ref, description=description, two_id=two_id, language=language)
        )

    async def refund(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        description: str = "",
        two_id: int | None = None,
        with_fee: bool = False,
        language: Language = Language.EN,
    ) -> None:
        """Give money of a paid order back; when this returns, it has been given back.

        `refund_safely` is the same with an answer to the question what happened.

        Args:
            ref: The order.
            amount: How much; all refunds of an order together are at most its amount.
            description: A note, at most 512 characters.
            two_id: `two_id` of the payment's XMLOut, where the bank asks for it.
            with_fee: Whether the merchant's fee is returned too.
            language: Language of the answer.

        Raises:
            OutcomeUnknown: The money may have been returned. Do not repeat; ask for the order.
            OperationRefused: With status 205 the merchant's account does not hold the amount.
            TypeError: The amount is no `Amount`.
        """
        return await self._line.ask(
            self._requests.refund(
                ref,
                amount=amount,
                description=description,
                two_id=two_id,
                with_fee=with_fee,
                language=language,
            )
        )

    async def pay_with_saved_card(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        card_uid: str,
        language: Language = Language.EN,
    ) -> CardPayment:
        """Pay a new order with a saved card, without its payer.

        Args:
            ref: The order, created with this card as `OrderOptions.saved_card`.
            amount: The order's own.
            card_uid: The card, from `registrations` of the XMLOut of the payment that saved it.
            language: Language of the answer.

        Raises:
            OutcomeUnknown: The card may have been charged. Ask for the order; create no other.
            TypeError: The amount is no `Amount`.
        """
        return await self._line.ask(
            self._requests.pay_with_saved_card(
                ref, amount=amount, card_uid=card_uid, language=language
            )
        )

    async def wait_until_final(self, ref: OrderRef, *, timeout_s: float = 300.0) -> OrderState:
        """Ask for the status, every 3 to 5 seconds, until only the merchant can change it.

        Args:
            ref: The order.
            timeout_s: Seconds to wait. The payer has 30 minutes, unless the order says otherwise.

        Raises:
            OutcomeUnknown: The time is over and the order still open, or nobody answers.
            RemoteProtocolError: What came is no answer of a gateway.
        """
        return await self._line.converse(
            self._conversations.wait_until_final(ref, timeout_s=timeout_s)
        )

    async def refund_safely(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        refunded_before: Amount,
        description: str = "",
        two_id: int | None = None,
        with_fee: bool = False,
        timeout_s: float = 120.0,
    ) -> SafeRefund:
        """Give money of a paid order back once, however often this is called for it.

        What identifies a refund is the total before it: store `refunded_before` together with
        the wish to refund, before the first call, and repeat every call with the same one. The
        gateway's books are asked first; when they hold `refunded_before + amount` already,
        nothing is sent. One process at a time may refund an order: hold a lock of your own.

        Args:
            ref: The order.
            amount: How much.
            refunded_before: All that was refunded of the order before this refund.
            description: A note, at most 512 characters.
            two_id: `two_id` of the payment's XMLOut, where the bank asks for it.
            with_fee: Whether the merchant's fee is returned too.
            timeout_s: Seconds until the books have to tell what happened.

        Raises:
            OutcomeUnknown: They have not. Call again later, with the same arguments.
            LocalProtocolError: The books hold neither total, or the currencies differ; nothing
                was sent.
            TransportError: The first question was not answered; nothing was sent.
            TypeError: An amount is no `Amount`.
        """
        return await self._line.converse(
            self._conversations.refund_safely(
                ref,
                amount=amount,
                refunded_before=refunded_before,
                description=description,
                two_id=two_id,
                with_fee=with_fee,
                timeout_s=timeout_s,
            )
        )

    async def resolve_pending(self, refs: Iterable[OrderRef]) -> PendingOrders:
        """Ask once where each order is, after a crash of the shop that left them open.

        Nothing is raised for one order alone: what the gateway says of it stands in the result.
        """
        return await self._line.converse(self._conversations.resolve_pending(refs))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._line.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
