"""What an order status means to a shop; pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tkkpg.protocol.values import OrderStatus


class Verdict(StrEnum):
    """What the shop does about an order."""

    PAID = "paid"
    """Deliver."""
    NOT_PAID = "not_paid"
    """This order at the bank has ended without money; it can never be paid any more."""
    OPEN = "open"
    """The payer may still pay it, so there must not be another one beside it."""
    CHECKING = "checking"
    """Nobody knows yet: ask again, and do not let the payer pay a second time."""
    REFUNDED = "refunded"
    """It was paid, and money was returned."""


VERDICTS: Final[Mapping[OrderStatus, Verdict]] = MappingProxyType(
    {
        OrderStatus.CREATED: Verdict.OPEN,
        OrderStatus.ON_PAYMENT: Verdict.OPEN,
        OrderStatus.ON_LOCK: Verdict.CHECKING,
        OrderStatus.APPROVED: Verdict.PAID,
        # This shop charges at once; held money would need a completion before it delivers.
        OrderStatus.PREAUTH_APPROVED: Verdict.CHECKING,
        OrderStatus.DECLINED: Verdict.NOT_PAID,
        OrderStatus.CANCELED: Verdict.NOT_PAID,
        OrderStatus.REVERSED: Verdict.NOT_PAID,
        OrderStatus.ON_REFUND: Verdict.CHECKING,
        OrderStatus.REFUNDED: Verdict.REFUNDED,
        OrderStatus.EXPIRED: Verdict.NOT_PAID,
        OrderStatus.ERROR: Verdict.NOT_PAID,
    }
)
"""The verdict on each order status (protocol description, 4)."""

AFTER_APPROVAL: Final = frozenset(
    {OrderStatus.ON_REFUND, OrderStatus.REFUNDED, OrderStatus.REVERSED}
)


def contradicts(claimed: OrderStatus, status: OrderStatus) -> bool:
    """Whether a message's claim is false, and not merely older than what the bank says now.

    Args:
        claimed: OrderStatus of an XMLOut.
        status: What GetOrderStatus answered.
    """
    only_older = claimed is OrderStatus.APPROVED and status in AFTER_APPROVAL
    return claimed is not status and not only_older
