"""Transactions to rows and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.authentication import Authentication, Verdict
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.gateway.store.rows.values import (
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    parts_of,
    parts_text,
)
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import Position
from tkkpg.protocol.values import CURRENCIES

if TYPE_CHECKING:
    from tkkpg.gateway.store.rows.values import Row, Value

TRAN: Final = (
    "tran_id, order_id, merchant_id, terminal_id, kind, state, amount_minor, currency, two_id, "
    "stan, rrn, created_at, sent_at, finished_at, response_code, approval_code, original_id, "
    "reversal_stan, description, pan_masked, pan_hash, brand, hold, reversal_at, late_reply, "
    "parked_at, register, card_uid, card_expiry, fee_minor, settled, request_digest, source, "
    "positions, threeds_server_trans_id, threeds_key, threeds_verdict, threeds_reason, eci, "
    "ds_trans_id, cavv"
)
TRAN_MOVES: Final = (
    "state, finished_at, response_code, approval_code, reversal_stan, reversal_at, late_reply, "
    "parked_at, card_uid, card_expiry, sent_at, rrn, threeds_key, threeds_verdict, "
    "threeds_reason, eci, ds_trans_id, cavv"
)
"""Columns of a transaction that change after it was reserved."""


def tran_row(tran: Transaction) -> tuple[Value, ...]:
    """A transaction as a row of `TRAN`."""
    return (
        tran.tran_id,
        tran.order_id,
        tran.merchant_id,
        tran.terminal_id,
        tran.kind,
        tran.state,
        tran.amount_minor,
        tran.currency.code,
        tran.two_id,
        tran.stan,
        tran.rrn,
        micros(tran.created_at),
        micros_or_none(tran.sent_at),
        micros_or_none(tran.finished_at),
        tran.response_code,
        tran.approval_code,
        tran.original_id,
        tran.reversal_stan,
        tran.description,
        tran.pan_masked,
        tran.pan_hash,
        tran.brand,
        int(tran.hold),
        micros_or_none(tran.reversal_at),
        tran.late_reply,
        micros_or_none(tran.parked_at),
        int(tran.register),
        tran.card_uid,
        tran.card_expiry,
        tran.fee_minor,
        int(tran.settled),
        tran.request_digest,
        tran.source,
        parts_text(tran.positions),
        tran.authentication.server_trans_id if tran.authentication else None,
        *_authentication_moves(tran),
    )


def tran_moves(tran: Transaction) -> tuple[Value, ...]:
    """A transaction's changing values, in the order of `TRAN_MOVES`."""
    return (
        tran.state,
        micros_or_none(tran.finished_at),
        tran.response_code,
        tran.approval_code,
        tran.reversal_stan,
        micros_or_none(tran.reversal_at),
        tran.late_reply,
        micros_or_none(tran.parked_at),
        tran.card_uid,
        tran.card_expiry,
        micros_or_none(tran.sent_at),
        tran.rrn,
        *_authentication_moves(tran),
    )


def tran_of(row: Row) -> Transaction:
    """Read a row of `TRAN`."""
    return Transaction(
        tran_id=row[0],
        order_id=row[1],
        merchant_id=row[2],
        terminal_id=row[3],
        kind=TranKind(row[4]),
        state=TranState(row[5]),
        amount_minor=row[6],
        currency=CURRENCIES[row[7]],
        two_id=row[8],
        stan=row[9],
        rrn=row[10],
        created_at=moment(row[11]),
        sent_at=moment_or_none(row[12]),
        finished_at=moment_or_none(row[13]),
        response_code=row[14],
        approval_code=row[15],
        original_id=row[16],
        reversal_stan=row[17],
        description=row[18],
        pan_masked=row[19],
        pan_hash=row[20],
        brand=row[21],
        hold=bool(row[22]),
        reversal_at=moment_or_none(row[23]),
        late_reply=row[24],
        parked_at=moment_or_none(row[25]),
        register=bool(row[26]),
        card_uid=row[27],
        card_expiry=row[28],
        fee_minor=row[29],
        settled=bool(row[30]),
        request_digest=row[31],
        source=row[32],
        positions=parts_of(Position, row[33]),
        authentication=_authentication_of(row[34:]),
    )


def _authentication_moves(tran: Transaction) -> tuple[Value, ...]:
    """What changes of an authentication, in the order of both lists of columns."""
    known = tran.authentication
    if known is None:
        return (None,) * 6
    return (
        known.key.reveal() if known.key else None,
        known.verdict,
        known.reason,
        known.eci,
        known.ds_trans_id,
        known.cavv,
    )


def _authentication_of(columns: Row) -> Authentication | None:
    server_trans_id, key, verdict, reason, eci, ds_trans_id, cavv = columns
    if server_trans_id is None:
        return None
    return Authentication(
        server_trans_id=server_trans_id,
        key=Secret(key) if key else None,
        verdict=Verdict(verdict) if verdict else None,
        reason=reason,
        eci=eci,
        ds_trans_id=ds_trans_id,
        cavv=cavv,
    )
