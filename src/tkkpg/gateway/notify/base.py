"""The port `Courier`: takes one form to one address and says whether it was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """One form on its way to a merchant's server.

    Neither address nor form shows in the `repr`: the one may carry a merchant's token, the other
    carries the session id of the order.

    Attributes:
        delivery_id: Stays the same however often it is tried, so that the receiver can tell a
            repeat from a second notification; printable ASCII.
        url: Where to, http or https.
        form: Fields of the `application/x-www-form-urlencoded` body of a POST, such as `xmlmsg`;
            without any it is a GET, whose address says everything.
    """

    delivery_id: str
    url: str = field(repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of one try.

    Attributes:
        delivered: Whether the receiver took it, that is, answered 2xx.
        detail: One sentence for the operator; never a path, a query or anything the peer wrote.
        http_status: The status of the reply, `None` when there was none.
    """

    delivered: bool
    detail: str
    http_status: int | None


class Courier(Protocol):
    """Takes deliveries out of the gateway, one try each; repeating is the caller's part."""

    async def deliver(self, delivery: Delivery) -> DeliveryResult:
        """Try once; whatever the peer or the network does is a result, never an exception."""
        ...

    async def aclose(self) -> None:
        """Let go of what is held open."""
        ...
