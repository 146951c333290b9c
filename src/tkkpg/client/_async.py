"""`AsyncClient`: awaited calls. Its twin in `_sync` has the same methods with the same words."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from tkkpg.client._exchange import REPLY_SIZE_MAX, Exchange
from tkkpg.client._requests import Requests
from tkkpg.client.config import (
    DEFAULT_TIMEOUTS,
    Credentials,
    Endpoint,
    Timeouts,
    connection_options,
)
from tkkpg.client.results import CreatedOrder, OrderState
from tkkpg.protocol.errors import TransportError
from tkkpg.protocol.messages import OrderInformation
from tkkpg.protocol.values import Amount, Language, OrderRef, OrderType

Result = TypeVar("Result")


class AsyncClient:
    """A merchant's line to the gateway, for asyncio; may be shared by tasks.

    A task that is cancelled inside `create_order` or `refund` leaves an unknown outcome behind.

    Keep one for as long as the shop runs: a new connection costs the gateway as much as fifty
    requests. Close it, or use it as a context manager.

    Every method may raise, beside what it says itself:

    - `NotSent`: the request did not arrive, nothing has changed; it is safe to repeat it.
    - `OperationRefused`: the gateway said no; `NotPermitted` and `PeerFailure` are two kinds of it.
    - `LocalProtocolError`: a value that the gateway would refuse; nothing was sent.

    A declined payment is no error: it is an order status.

    Args:
        endpoint: Where the gateway is.
        credentials: The merchant's certificate and key; left out only with a `transport`.
        merchant_id: The merchant, as in the CN of the certificate.
        timeouts: How long to wait.
        transport: Another way to the gateway than the network, such as an application in the
            same process; instead of `credentials`.

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
    ) -> None:
        self._requests = Requests(endpoint, merchant_id)
        self._http = httpx2.AsyncClient(**connection_options(credentials, timeouts, transport))

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
            order_type: Charge at once, or hold the money first.

        Raises:
            OutcomeUnknown: An order may exist whose number was lost. Create a new one.
            TypeError: The amount is no `Amount`.
        """
        return await self._carry_out(
            self._requests.create_order(
                amount=amount,
                description=description,
                language=language,
                approve_url=approve_url,
                cancel_url=cancel_url,
                decline_url=decline_url,
                order_type=order_type,
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
        return await self._carry_out(self._requests.get_order_status(ref, language=language))

    async def get_order_information(
        self, ref: OrderRef, *, language: Language = Language.EN
    ) -> OrderInformation:
        """Ask for everything about an order; times are local times of the gateway.

        Asked again by itself, twice, when no answer comes.

        Raises:
            TransportError: No answer came.
            RemoteProtocolError: What came is no answer of a gateway.
        """
        return await self._carry_out(self._requests.get_order_information(ref, language=language))

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

        Never repeated by itself.

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
        return await self._carry_out(
            self._requests.refund(
                ref,
                amount=amount,
                description=description,
                two_id=two_id,
                with_fee=with_fee,
                language=language,
            )
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _carry_out(self, exchange: Exchange[Result]) -> Result:
        for pause_s in exchange.pauses_s:
            try:
                return await self._attempt(exchange)
            except TransportError:
                await asyncio.sleep(pause_s)
        return await self._attempt(exchange)

    async def _attempt(self, exchange: Exchange[Result]) -> Result:
        body = bytearray()
        try:
            async with self._http.stream("POST", exchange.url, content=exchange.body) as reply:
                async for chunk in reply.aiter_raw():
                    body += chunk
                    if len(body) > REPLY_SIZE_MAX:
                        break
        except (httpx2.HTTPError, OSError) as error:
            raise exchange.unanswered(error) from error
        return exchange.answered(reply.status_code, reply.headers, bytes(body))
