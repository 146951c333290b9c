"""The second model of an order, in words and numbers, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tkkpg.gateway.model.authentication import Verdict
from tkkpg.gateway.model.transaction import HostReply, Outcome
from tkkpg.protocol.values import OrderStatus as S
from tkkpg.protocol.values import OrderType

REPLIES = {
    Outcome.APPROVED: HostReply.of("001", "123456"),
    Outcome.DECLINED: HostReply.of("076"),
    Outcome.NOT_SENT: HostReply.not_sent(),
    Outcome.UNKNOWN: HostReply.silent(),
}
PAYMENT_ENDS = {
    Outcome.APPROVED: (S.APPROVED, "done"),
    Outcome.DECLINED: (S.DECLINED, "done"),
    Outcome.NOT_SENT: (S.ERROR, "done"),
    Outcome.UNKNOWN: (S.DECLINED, "reversing"),
}
"""What the simpler model makes of the answer to the authorisation of a Purchase."""

ONLY_IF_WANTED = {Verdict(one) for one in "AUID"} | {Verdict.NO_ANSWER, Verdict.NOT_ENROLLED}
"""Results with which the simpler model sends a card only for a merchant that wants it."""


@dataclass
class Simple:
    """The second model of one order: words and numbers, no rules."""

    merchant_id: str
    order_type: OrderType
    amount: int
    fee: int
    deadline: datetime
    status: S = S.CREATED
    captured: int = 0
    charged_at: int = 0
    refunded: int = 0
    told: int = 0

    @property
    def brought(self) -> int:
        """What the merchant had of the charge."""
        return self.captured - self.fee
