"""Errors that only the gateway knows."""

from __future__ import annotations

from tkkpg.protocol.errors import TKKPGError
from tkkpg.protocol.values import OperationStatus


class IllegalTransition(TKKPGError):
    """The order or transaction cannot take this step from where it is."""


class PolicyRefusal(TKKPGError):
    """A rule of the gateway refuses the request."""

    def __init__(
        self, message: str, *, status: OperationStatus = OperationStatus.INVALID_MESSAGE
    ) -> None:
        """Keep the request status that answers it.

        Args:
            message: Why, in one sentence that the merchant may read.
            status: `Status` of the reply.
        """
        super().__init__(message)
        self.status = status


class OrderUnknown(PolicyRefusal):
    """There is no such order for this caller; it never says which part was wrong."""

    def __init__(self) -> None:
        """Refuse with status 30 and one text for every reason."""
        super().__init__(
            "No order has this number and session for this merchant. "
            "Use OrderID and SessionID from the reply to CreateOrder."
        )


class StoreConflict(TKKPGError):
    """The order changed between reading and committing; read again and decide again."""


class GuardFailed(StoreConflict):
    """A balance or cursor that several orders share no longer allows the plan."""


class StoreUnavailable(TKKPGError):
    """The database did not take the commit; nothing of it is stored."""
