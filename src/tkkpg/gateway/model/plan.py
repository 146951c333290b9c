"""Facts and Plan: what a decision reads, and what it asks the store to commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tkkpg.gateway.model.ledger import BalanceChange, Entry, balance_changes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tkkpg.gateway.model.card import SavedCard
    from tkkpg.gateway.model.merchant import Certificate, Merchant
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.transaction import Transaction, TranState
    from tkkpg.protocol.values import Currency


@dataclass(frozen=True, slots=True)
class Capture:
    """Where an order's charge stands in the ledger.

    Attributes:
        entry_id: The last line by which it became payable: its own, or that of a refused reversal.
        settled: It was paid out to the merchant's current account.
    """

    entry_id: int
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a decision about one order reads, in one look.

    Attributes:
        transactions: All of the order's transactions, oldest first.
        capture: The ledger line by which its money was taken, if it was.
    """

    order: Order
    merchant: Merchant
    transactions: tuple[Transaction, ...]
    capture: Capture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a decision is handed from outside: identity and time.

    Attributes:
        plan_id: Unique; found again in the audit rows.
        now: Business time, UTC.
        request_id: Of the request that caused it.
        actor: Who asked: `merchant E1000010`, `payer`, `gateway`, `operator`.
    """

    plan_id: str
    now: datetime
    request_id: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A promise to tell a merchant something, server to server.

    Attributes:
        notification_id: Stable over all attempts, told to the receiver.
        url: Absolute address.
        xmlmsg: Value of the form field of an XMLOut's POST; empty for a status notice, whose GET
            says everything in its address.
        due_at: Business time of the next attempt.
        attempts: Attempts so far.
    """

    notification_id: str
    order_id: int
    merchant_id: str
    url: str = field(repr=False)  # a status notice's holds the session
    xmlmsg: str = field(repr=False)
    due_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order as it becomes, if it still has the version that was read."""

    order: Order
    expected_version: int


@dataclass(frozen=True, slots=True)
class TransactionChange:
    """A transaction as it becomes, if it is still in the state that was read."""

    transaction: Transaction
    expected_state: TranState


@dataclass(frozen=True, slots=True)
class SettlementCursor:
    """Up to which entry a merchant is settled: moves only from the value that was read."""

    merchant_id: str
    currency: Currency
    expected_entry_id: int
    entry_id: int


@dataclass(frozen=True, slots=True)
class StillUnsettled:
    """A guard: a ledger line was not settled when the plan is committed."""

    merchant_id: str
    currency: Currency
    entry_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one decision changes, committed whole or not at all.

    Attributes:
        action: Verb of the audit row, `order_created`.
        detail: Facts for the audit row; never card data or a session.
        new_orders: Orders to insert.
        orders: Orders to change, each guarded by its version.
        new_transactions: Transactions to insert.
        transactions: Transactions to change, each guarded by its state.
        entries: Ledger lines to append; their effect on stored balances is a guard.
        notifications: Deliveries to promise.
        merchants: Merchants to write, new or changed.
        certificates: Certificates to register.
        cursors: Settlement positions to move.
        unsettled: Ledger lines that must not be settled yet.
        saved_cards: Saved cards to keep.
    """

    context: Context
    action: str
    order_id: int | None = None
    detail: Mapping[str, str | int] = field(default_factory=dict)
    new_orders: tuple[Order, ...] = ()
    orders: tuple[OrderChange, ...] = ()
    new_transactions: tuple[Transaction, ...] = ()
    transactions: tuple[TransactionChange, ...] = ()
    entries: tuple[Entry, ...] = ()
    notifications: tuple[Notification, ...] = ()
    merchants: tuple[Merchant, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    cursors: tuple[SettlementCursor, ...] = ()
    unsettled: tuple[StillUnsettled, ...] = ()
    saved_cards: tuple[SavedCard, ...] = ()

    @property
    def balances(self) -> tuple[BalanceChange, ...]:
        """What the entries do to stored balances."""
        return balance_changes(self.entries)
