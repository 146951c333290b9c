"""What merchant and payer were told before a crash, and so may never be untrue afterwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tkkpg.client import OrderRef, OrderStatus


@dataclass(slots=True)
class Told:
    """Answers of one gateway, over its crashes.

    Attributes:
        created: Orders whose CreateOrder was answered.
        outcomes: How an order ended, as its payer's browser was told.
        refunded: What was given back of an order, in minor units.
        cards: Numbers of cards that were saved.
    """

    created: dict[int, OrderRef] = field(default_factory=dict)
    outcomes: dict[int, OrderStatus] = field(default_factory=dict)
    refunded: dict[int, int] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, int]:
        """Count the answers by what they said."""
        return dict(
            Counter(
                ["CREATED"] * len(self.created)
                + [status.value for status in self.outcomes.values()]
                + ["REFUND"] * len(self.refunded)
            )
        )
