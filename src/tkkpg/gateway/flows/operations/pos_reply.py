"""What a reply says of a transaction: its status, and the codes and fields of a POS reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.model.transaction import TranState
from tkkpg.protocol.messages import POSField
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from tkkpg.gateway.model.transaction import Transaction


def status_of(tran: Transaction) -> OperationStatus:
    """Say 00 for an approval alone: clients judge by it (protocol description, 7, note A)."""
    approved = tran.state is TranState.APPROVED
    return OperationStatus.OK if approved else OperationStatus.SYSTEM_ERROR


def pos_codes(tran: Transaction) -> tuple[POSField, ...]:
    """Give the response code as `l` (protocol description, 2.7)."""
    return (POSField(name="ResponseCode", value=tran.response_code or ""),)


def pos_fields(tran: Transaction) -> tuple[POSField, ...]:
    """Give approval code, scheme, trace number and back system's number as `f`."""
    values = {
        "F": tran.approval_code or "",
        "R": tran.brand or "",
        "h": f"{tran.stan:06d}",
        "t": str(tran.two_id),
    }
    return tuple(POSField(name=name, value=value) for name, value in values.items())
