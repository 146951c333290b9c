"""What must hold in every database, as data: a rule is a query that finds the rows which break it.

Each commit of the gateway keeps every rule, so a breach is damage, or work for the operator; never
just bad timing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.ids import STAN_MODULUS
from tkkpg.gateway.model.ledger import PAYABLE, POSTINGS
from tkkpg.gateway.model.lifecycle import ENDED
from tkkpg.gateway.model.order import PAID
from tkkpg.gateway.model.transaction import UNRESOLVED
from tkkpg.gateway.store.sqlite import SIGNED
from tkkpg.protocol.values import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Attributes:
        name: It, in a few words.
        query: Gives a row for each breach; may name `:overdue`, a time in microseconds,
            and parts of `PARTS`.
        rows: Names the rows, with the query's columns in braces.
        sentence: Tells the breach, with the query's columns in braces.
    """

    name: str
    query: str
    rows: str
    sentence: str


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_BOOKED: Final = """
    SELECT o.order_id, o.status, o.refunded_minor, o.captured_minor,
        (SELECT count(*) FROM entry e WHERE e.order_id = o.order_id
            AND e.posting IN ('CHARGE', 'COMPLETE')) AS captures,
        (SELECT count(*) FROM entry e WHERE e.order_id = o.order_id
            AND e.posting IN ('UNCHARGE', 'CLAWBACK')) AS uncharges,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM entry e WHERE e.order_id = o.order_id
            AND e.posting = 'FEE') AS fees,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM entry e WHERE e.order_id = o.order_id
            AND e.posting IN ('RETURN_FEE', 'CANCEL_FEE')) AS fees_back,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM entry e WHERE e.order_id = o.order_id
            AND e.posting IN ('CHARGE', 'COMPLETE')) AS captured,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM entry e WHERE e.order_id = o.order_id
            AND e.posting = 'REFUND') AS refunded,
        (SELECT coalesce(sum(t.amount_minor), 0) FROM tran t WHERE t.order_id = o.order_id
            AND t.state = 'APPROVED' AND t.kind = 'AUTHORISATION') AS authorised,
        (SELECT coalesce(sum(t.amount_minor), 0) FROM tran t WHERE t.order_id = o.order_id
            AND t.state = 'APPROVED' AND (t.kind = 'COMPLETION'
                OR t.kind = 'AUTHORISATION' AND NOT t.hold)) AS taken,
        (SELECT coalesce(sum(t.amount_minor), 0) FROM tran t WHERE t.order_id = o.order_id
            AND t.state = 'APPROVED' AND t.kind = 'REFUND') AS returned,
        (SELECT count(*) FROM tran t WHERE t.order_id = o.order_id
            AND t.state IN ('SENT', 'UNKNOWN')) AS opened,
        (SELECT count(*) FROM tran t WHERE t.order_id = o.order_id
            AND t.state = 'RESERVED') AS waiting,
        (SELECT count(*) FROM tran t WHERE t.order_id = o.order_id
            AND t.kind = 'AUTHORISATION' AND t.response_code IS NOT NULL) AS coded
    FROM orders o
"""
"""Each order with what ledger and transactions say about it; both are found by their index."""

# Of these, SQLite works out for each order only what a rule's condition names.
PARTS: Final = {
    "booked": _BOOKED,
    "postings": ", ".join(
        f"('{posting}', '{debit}', '{credit}', '{phase}')"
        for posting, (debit, credit, phase) in POSTINGS.items()
    ),
    "payable": _listed(PAYABLE),
    "signed": SIGNED,
    "paid": _listed(PAID),
    "locked": _listed({OrderStatus.ON_LOCK, OrderStatus.ON_REFUND}),
    # The reservation of a refund changes the order and tells nobody: the host has not spoken.
    "told": _listed(ENDED - {OrderStatus.ON_REFUND}),
    "unresolved": _listed(UNRESOLVED),
    "stans": STAN_MODULUS,
}
"""What the queries take from the model, by its name in braces."""

QUERIES: Final = (
    Rule(
        "entries are booked as their posting says",
        """
        WITH meant (posting, debit, credit, phase) AS (VALUES {postings})
        SELECT e.*, m.debit AS from_account, m.credit AS to_account, m.phase AS in_phase
        FROM entry e LEFT JOIN meant m ON m.posting = e.posting
        WHERE (e.debit, e.credit, e.phase) IS NOT (m.debit, m.credit, m.phase)
            OR e.amount_minor <= 0
        """,
        "entry {entry_id}",
        "{posting} books {amount_minor} from {debit} to {credit} in phase {phase}. It must be "
        "more than 0, from {from_account} to {to_account} in phase {in_phase}: the entry was "
        "edited.",
    ),
    Rule(
        "entries belong to their transaction",
        """
        SELECT e.entry_id, e.posting, e.order_id, e.merchant_id, e.tran_id
        FROM entry e LEFT JOIN tran t ON t.tran_id = e.tran_id
        WHERE (e.tran_id IS NOT NULL OR e.order_id IS NOT NULL)
            AND (e.order_id, e.merchant_id, e.currency)
                IS NOT (t.order_id, t.merchant_id, t.currency)
        """,
        "entry {entry_id}",
        "{posting} of order {order_id} and merchant {merchant_id} names transaction {tran_id}, "
        "which is not there, or is another order's, merchant's or currency's.",
    ),
    Rule(
        "what was reserved is posted and voided, all of it and once",
        # What an authorisation holds is used up by others, if ever; all else by who reserved it,
        # when it ends.
        """
        SELECT order_id, reserving,
            sum(CASE phase WHEN 'PENDING' THEN amount_minor ELSE 0 END) AS reserved,
            sum(CASE phase WHEN 'PENDING' THEN 0 ELSE amount_minor END) AS used,
            max(done) AS ended
        FROM (
            SELECT e.order_id, e.phase, e.amount_minor,
                iif(e.posting IN ('COMPLETE', 'RELEASE'), t.original_id, e.tran_id) AS reserving,
                t.kind IN ('REVERSAL', 'REFUND') AND t.state NOT IN ('SENT', 'UNKNOWN') AS done
            FROM entry e LEFT JOIN tran t ON t.tran_id = e.tran_id
            WHERE e.phase IN ('PENDING', 'POSTS', 'VOIDS')
        )
        GROUP BY order_id, reserving
        HAVING used NOT IN (0, reserved) OR (used < reserved AND ended)
        """,
        "tran {reserving}",
        "The ledger posts and voids {used} of this transaction of order {order_id}, but reserved "
        "{reserved}: money moved that nobody set aside, or stays set aside for ever.",
    ),
    Rule(
        "refunded ≤ captured ≤ authorised",
        "SELECT * FROM ({booked}) WHERE refunded > captured OR captured > authorised",
        "order {order_id}",
        "The host authorised {authorised}, the ledger captured {captured} and refunded "
        "{refunded} of it: more left than came.",
    ),
    Rule(
        "order, ledger and transactions agree",
        """
        SELECT * FROM ({booked}) WHERE captured <> taken
            OR captured_minor <> iif(uncharges > 0, 0, captured)
            OR refunded <> refunded_minor OR refunded <> returned
        """,
        "order {order_id}",
        "Captured: {captured} by the ledger, {taken} by approved transactions, {captured_minor} by "
        "the order (0 once it is reversed). Refunded: "
        "{refunded} by the ledger, {returned} by approved transactions, {refunded_minor} by the "
        "order. Compare with the host's journal which is right.",
    ),
    Rule(
        "an order is captured once",
        "SELECT * FROM ({booked}) WHERE captures > 1",
        "order {order_id}",
        "The ledger captured it {captures} times: the payer was charged more than once.",
    ),
    Rule(
        "no more of a fee is given back than was taken",
        "SELECT * FROM ({booked}) WHERE fees_back > fees OR fees > captured",
        "order {order_id}",
        "The ledger took {fees} of a charge of {captured} as fees and gave {fees_back} back.",
    ),
    Rule(
        "settlement moved what was payable",
        """
        SELECT b.merchant_id, b.currency, b.settled_through,
            (SELECT coalesce(sum({signed}), 0) FROM entry e WHERE e.merchant_id = b.merchant_id
                AND e.currency = b.currency AND e.posting IN ({payable})
                AND e.entry_id <= b.settled_through) AS payable,
            (SELECT coalesce(sum(e.amount_minor), 0) FROM entry e
                WHERE e.merchant_id = b.merchant_id AND e.currency = b.currency
                AND e.posting = 'SETTLE') AS moved
        FROM balance b WHERE payable <> moved
        """,
        "balance {merchant_id} {currency}",
        "Up to entry {settled_through}, {payable} was payable to merchant {merchant_id}, but "
        "{moved} was settled.",
    ),
    Rule(
        "an order's status agrees with the ledger",
        """
        SELECT * FROM ({booked}) WHERE status <> 'ON-LOCK'
            AND (captures > uncharges) <> (status IN ({paid}))
        """,
        "order {order_id}",
        "It is {status}, but the ledger holds {captures} captures and {uncharges} reversed ones: "
        "the merchant is told something else than what was booked.",
    ),
    Rule(
        "an order is locked while a transaction is open",
        "SELECT * FROM ({booked}) WHERE (opened > 0) <> (status IN ({locked}))",
        "order {order_id}",
        "It is {status}, and of its transactions {opened} wait for the host's answer: such a one "
        "locks its order, and nothing else does.",
    ),
    Rule(
        "an order is on payment while one attempt waits for 3-D Secure",
        "SELECT * FROM ({booked}) WHERE waiting <> (status = 'ON-PAYMENT')",
        "order {order_id}",
        "It is {status}, and of its attempts {waiting} wait for 3-D Secure. One does while an "
        "order is ON-PAYMENT, and none otherwise: the row of one or the other was edited.",
    ),
    Rule(
        "no key or proof is kept longer than its attempt waits",
        """
        SELECT tran_id, order_id, state,
            CASE WHEN threeds_key IS NULL THEN 'cavv' WHEN cavv IS NULL THEN 'threeds_key'
                ELSE 'threeds_key and cavv' END AS kept
        FROM tran WHERE state <> 'RESERVED' AND (threeds_key IS NOT NULL OR cavv IS NOT NULL)
        """,
        "tran {tran_id}",
        "This attempt of order {order_id} is {state}, and its row still holds {kept}: the key "
        "opens the card that the payer's browser carried, the other is the proof. Empty what it "
        "holds, here and in the backups that were made since.",
    ),
    Rule(
        "a card that was never sent has a code only where it declined its order",
        """
        SELECT t.tran_id, t.response_code, o.order_id, o.status
        FROM tran t JOIN orders o ON o.order_id = t.order_id
        WHERE t.state = 'ABANDONED' AND t.response_code IS NOT NULL AND o.status <> 'DECLINED'
        """,
        "tran {tran_id}",
        "3-D Secure declined it with {response_code}, but its order {order_id} is {status}: the "
        "merchant is told something else than what was decided.",
    ),
    Rule(
        "a declined order has the code that declined it",
        "SELECT * FROM ({booked}) WHERE status = 'DECLINED' AND coded = 0",
        "order {order_id}",
        "It is {status}, but none of its transactions has a response code: neither the payer nor "
        "the merchant can be told why. Look for it in the host's journal and in the log.",
    ),
    Rule(
        "stored balances are what the ledger adds up to",
        """
        WITH derived (merchant_id, currency, posted, reserved) AS (
            SELECT merchant_id, currency,
                sum(CASE WHEN phase IN ('POSTED', 'POSTS') THEN amount_minor ELSE 0 END
                    * ((credit = 'MERCHANT_CURRENT') - (debit = 'MERCHANT_CURRENT'))),
                sum(CASE WHEN debit <> 'MERCHANT_CURRENT' THEN 0
                    WHEN phase = 'PENDING' THEN amount_minor
                    WHEN phase IN ('POSTS', 'VOIDS') THEN -amount_minor ELSE 0 END)
            FROM entry GROUP BY merchant_id, currency
        )
        SELECT merchant_id, currency, b.posted_minor, b.reserved_minor,
            coalesce(d.posted, 0) AS posted, coalesce(d.reserved, 0) AS reserved
        FROM balance b FULL JOIN derived d USING (merchant_id, currency)
        WHERE (coalesce(d.posted, 0), coalesce(d.reserved, 0))
            IS NOT (b.posted_minor, b.reserved_minor)
        """,
        "balance {merchant_id} {currency}",
        "Stored are {posted_minor}, {reserved_minor} of it reserved; the ledger adds up to "
        "{posted}, {reserved} of it reserved. Refunds are allowed by what is stored.",
    ),
    Rule(
        "the merchant is told how an order stands",
        # What was decided before the merchant had its address promised nothing.
        """
        WITH addressed AS (
            SELECT json_extract(detail, '$.merchant_id') AS merchant_id, max(at) AS since
            FROM audit WHERE action = 'merchant_changed'
                AND json_type(detail, '$.notification_url') IS NOT NULL
            GROUP BY 1
        )
        SELECT o.order_id, o.status, o.merchant_id FROM orders o
        JOIN merchant m ON m.merchant_id = o.merchant_id AND m.notification_url <> ''
        LEFT JOIN addressed a ON a.merchant_id = o.merchant_id
        WHERE o.status IN ({told}) AND o.updated_at > coalesce(a.since, 0)
            AND NOT EXISTS (
                SELECT 1 FROM notification n
                WHERE n.order_id = o.order_id AND n.created_at = o.updated_at
            )
        """,
        "order {order_id}",
        "It became {status} without a notification to merchant {merchant_id} in the same commit: "
        "tell the merchant to ask for the order's status.",
    ),
    Rule(
        "no notification is given up",
        """
        SELECT n.notification_id, n.order_id, n.merchant_id, n.attempts,
            coalesce(n.last_result, '') AS last_result
        FROM notification n WHERE n.state = 'PARKED' AND NOT EXISTS (
            SELECT 1 FROM notification later WHERE later.order_id = n.order_id
                AND later.created_at > n.created_at AND later.state = 'DELIVERED'
        )
        """,
        "notification {notification_id}",
        "Merchant {merchant_id} was not told about order {order_id}. Attempts: {attempts}, the "
        "last with the result “{last_result}”. Repair the merchant's address, and let the "
        "merchant ask for the order's status.",
    ),
    Rule(
        "no late answer says otherwise than was booked",
        """
        SELECT tran_id, order_id, kind, state, late_reply FROM tran
        WHERE kind <> 'AUTHORISATION' AND late_reply IS NOT NULL
        """,
        "tran {tran_id}",
        "{kind} of order {order_id} was resolved as {state}, and the host answered {late_reply} "
        "after that: compare with the host's journal, and put the difference right by hand.",
    ),
    Rule(
        "numbers go on above every one that was used",
        # Trace numbers have six digits and begin again; up to there they grow as the others do.
        """
        WITH used (sequence, number) AS (VALUES
            ('order', (SELECT max(order_id) FROM orders)),
            ('transaction', (SELECT max(tran_id) FROM tran)),
            ('two', (SELECT max(two_id) FROM tran)),
            ('stan', (SELECT max(max(stan, coalesce(reversal_stan, 0))) - 1 FROM tran))
        )
        SELECT u.sequence, u.number, coalesce(CAST(s.next AS INTEGER), 0) AS following
        FROM used u LEFT JOIN sequence s ON s.name = u.sequence
        WHERE u.number >= following AND (u.sequence <> 'stan' OR following <= {stans})
        """,
        "sequence {sequence}",
        "It goes on at {following}, but {number} was used: numbers would be handed out twice. Stop "
        "the gateway, and raise it above that.",
    ),
    Rule(
        "no transaction waits longer than a day",
        """
        SELECT tran_id, order_id, kind, state FROM tran
        WHERE state IN ({unresolved}) AND sent_at < :overdue
        """,
        "tran {tran_id}",
        "{kind} of order {order_id} has been {state} for over 24 hours: ask the bank what became "
        "of it, and record that with `tkkpg tran resolve {tran_id}`.",
    ),
)
"""What queries find, in the order in which it is told."""
