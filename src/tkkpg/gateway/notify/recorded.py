"""The courier without a network: keeps what it was given and answers as it is told."""

from __future__ import annotations

from collections.abc import Callable

from tkkpg.gateway.notify.base import Delivery, DeliveryResult


class RecordedCourier:
    """A `Courier` for the simulation and for tests; `answer` decides what becomes of each try."""

    def __init__(self, answer: Callable[[Delivery], DeliveryResult]) -> None:
        self._answer = answer
        self._deliveries: list[Delivery] = []

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every try so far, the oldest first; a repeat stands here again."""
        return tuple(self._deliveries)

    async def deliver(self, delivery: Delivery) -> DeliveryResult:
        """Keep the delivery and give the answer for it."""
        self._deliveries.append(delivery)
        return self._answer(delivery)

    async def aclose(self) -> None:
        """Nothing is held open; what was recorded stays readable."""
