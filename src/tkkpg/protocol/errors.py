"""The error tree, shared by gateway and client.

    TKKPGError
    ├── ProtocolError                     the bytes or the message are wrong
    │   ├── LocalProtocolError            we tried to write something illegal
    │   └── RemoteProtocolError           the peer did
    │       ├── InvalidMessage            … status 30
    │       └── InvalidOperation          … status 54
    ├── OperationRefused                  the peer understood and said no; carries the status
    │   ├── NotPermitted                  … status 10
    │   └── PeerFailure                   … status 96
    ├── TransportError                    nothing was decided about the outcome by the protocol
    │   ├── NotSent                       certainly did not arrive: safe to repeat
    │   └── OutcomeUnknown                may have arrived: ask for the status, do not repeat
    ├── CallbackError                     an XMLOut or return URL that cannot be believed
    └── ConfigurationError

The branches answer the two questions a caller has: whose fault is it, and is the outcome known.
The first line of a class's docstring is its default message. No message ever holds card data.
"""

from __future__ import annotations

import inspect
from typing import ClassVar


class TKKPGError(Exception):
    """Something went wrong in tkkpg."""

    def __init__(self, message: str | None = None) -> None:
        """Take a message; without one the first line of the docstring speaks."""
        self.message = message or (inspect.getdoc(type(self)) or "").split("\n", 1)[0]
        super().__init__(self.message)


class ProtocolError(TKKPGError):
    """The bytes or the message break the TKKPG protocol."""


class LocalProtocolError(ProtocolError):
    """We tried to write a message that the protocol does not allow."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something that the protocol does not allow."""

    def __init__(self, message: str | None = None, *, operation: str = "") -> None:
        """Keep the operation that the peer named, so that the reply can repeat it.

        Args:
            message: What is wrong, and where; never a value from the message.
            operation: The `Operation` of the request, empty when it could not be read.
        """
        super().__init__(message)
        self.operation = operation


class InvalidMessage(RemoteProtocolError):
    """The message is malformed, incomplete or holds a value that is not allowed."""

    status: ClassVar[str] = "30"


class InvalidOperation(RemoteProtocolError):
    """The operation does not exist here."""

    status: ClassVar[str] = "54"


class OperationRefused(TKKPGError):
    """The gateway understood the request and refused it."""

    def __init__(self, message: str | None = None, *, status: str, operation: str = "") -> None:
        """Keep the request status.

        Args:
            message: Why it was refused.
            status: The reply's `Status`, such as `30` or `205`.
            operation: The operation that was refused.
        """
        super().__init__(message)
        self.status = status
        self.operation = operation


class NotPermitted(OperationRefused):
    """The merchant has no access to this operation, or is not registered."""

    def __init__(self, message: str | None = None, *, operation: str = "") -> None:
        """Refuse with status 10."""
        super().__init__(message, status="10", operation=operation)


class PeerFailure(OperationRefused):
    """The gateway failed inside; the outcome has to be asked for."""

    def __init__(
        self, message: str | None = None, *, status: str = "96", operation: str = ""
    ) -> None:
        """Refuse with status 96, or with 97 when the link to the host was down."""
        super().__init__(message, status=status, operation=operation)


class TransportError(TKKPGError):
    """The exchange with the gateway was not completed."""


class NotSent(TransportError):
    """The request certainly did not reach the gateway; it is safe to repeat it."""


class OutcomeUnknown(TransportError):
    """The request may have reached the gateway; ask for the order's status, do not repeat it."""

    def __init__(
        self, message: str | None = None, *, operation: str = "", order_id: int | None = None
    ) -> None:
        """Keep what may have happened.

        Args:
            message: What is known, and what to ask.
            operation: The operation that may have been carried out.
            order_id: The order it is about; `None` for a new one, whose number is lost.
        """
        super().__init__(message)
        self.operation = operation
        self.order_id = order_id


class CallbackError(TKKPGError):
    """The XMLOut or return URL cannot be read, or does not belong to this order."""


class ConfigurationError(TKKPGError):
    """A setting, a file or a port is not as it must be."""
