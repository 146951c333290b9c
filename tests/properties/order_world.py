"""A store in dictionaries, which commits plans as the real one promises to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.model_factories import (
    MERCHANT,
    SILENT_MERCHANT,
)

from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.gateway.model.decisions.settlement import Unsettled
from tkkpg.gateway.model.errors import (
    GuardFailed,
    StoreConflict,
)
from tkkpg.gateway.model.ledger import BECOMES_PAYABLE, PAYABLE, Entry, Posting
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.plan import Capture, Facts, Notification, Plan
from tkkpg.gateway.model.transaction import (
    Transaction,
)
from tkkpg.protocol.values import AZN

WITH_FEE = replace(
    MERCHANT,
    fee_bp=250,
    change_status_url="https://shop.example/status",
    unauthenticated=Unauthenticated.PROCEED,
)
MERCHANTS = {merchant.merchant_id: merchant for merchant in (WITH_FEE, SILENT_MERCHANT)}


@dataclass
class World:
    """What is committed; a plan changes all of it or nothing."""

    orders: dict[int, Order] = field(default_factory=dict)
    trans: dict[int, Transaction] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    balances: dict[str, tuple[int, int]] = field(
        default_factory=lambda: dict.fromkeys(MERCHANTS, (0, 0))
    )
    cursors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MERCHANTS, 0))

    def facts(self, order_id: int) -> Facts:
        """Read an order with all that belongs to it."""
        order = self.orders[order_id]
        trans = tuple(tran for tran in self.trans.values() if tran.order_id == order_id)
        return Facts(
            order=order,
            merchant=MERCHANTS[order.merchant_id],
            transactions=trans,
            capture=self._capture(order),
        )

    def _capture(self, order: Order) -> Capture | None:
        payable = [
            entry_id
            for entry_id, entry in enumerate(self.entries, 1)
            if entry.order_id == order.order_id and entry.posting in BECOMES_PAYABLE
        ]
        if not payable:
            return None
        return Capture(payable[-1], settled=payable[-1] <= self.cursors[order.merchant_id])

    def count(self, merchant_id: str) -> Unsettled:
        """Count what is to be settled for a merchant."""
        through, newest = self.cursors[merchant_id], len(self.entries)
        amount = sum(
            PAYABLE.get(entry.posting, 0) * entry.amount_minor
            for entry in self.entries[through:newest]
            if entry.merchant_id == merchant_id
        )
        return Unsettled(merchant_id, AZN, amount, through, newest)

    def after(self, plan: Plan) -> World:
        """Give the world with a plan committed.

        Raises:
            StoreConflict: An order, transaction or charge is not what the plan read.
            GuardFailed: An account or cursor does not allow it.
        """
        moved = any(
            self.orders[c.order.order_id].version != c.expected_version for c in plan.orders
        )
        answered = any(
            self.trans[c.transaction.tran_id].state is not c.expected_state
            for c in plan.transactions
        )
        settled = any(self.cursors[one.merchant_id] >= one.entry_id for one in plan.unsettled)
        if moved or answered or settled:
            raise StoreConflict
        orders = [*plan.new_orders, *(change.order for change in plan.orders)]
        trans = [*plan.new_transactions, *(change.transaction for change in plan.transactions)]
        return World(
            orders=self.orders | {order.order_id: order for order in orders},
            trans=self.trans | {tran.tran_id: tran for tran in trans},
            entries=[*self.entries, *plan.entries],
            notifications=[*self.notifications, *plan.notifications],
            balances=self._balances_after(plan),
            cursors=self._cursors_after(plan),
        )

    def _balances_after(self, plan: Plan) -> dict[str, tuple[int, int]]:
        balances = dict(self.balances)
        for change in plan.balances:
            posted, reserved = balances[change.merchant_id]
            posted, reserved = posted + change.posted_minor, reserved + change.reserved_minor
            if reserved < 0 or posted - reserved < 0:
                raise GuardFailed
            balances[change.merchant_id] = (posted, reserved)
        return balances

    def undone_since(self, through: int, newest: int) -> bool:
        """Say whether a charge among these lines is being undone by a line after them."""
        counted = {
            entry.order_id
            for entry in self.entries[through:newest]
            if entry.posting in BECOMES_PAYABLE
        }
        return any(
            entry.posting is Posting.RESERVE_UNCHARGE and entry.order_id in counted
            for entry in self.entries[newest:]
        )

    def _cursors_after(self, plan: Plan) -> dict[str, int]:
        cursors = dict(self.cursors)
        for cursor in plan.cursors:
            undone_since = self.undone_since(cursor.expected_entry_id, cursor.entry_id)
            if cursors[cursor.merchant_id] != cursor.expected_entry_id or undone_since:
                raise GuardFailed
            cursors[cursor.merchant_id] = cursor.entry_id
        return cursors
