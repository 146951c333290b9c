"""The error tree answers whose fault it is, whether the outcome is known, and what to say."""

from __future__ import annotations

import pytest

from tkkpg.protocol import errors
from tkkpg.protocol.errors import (
    CallbackError,
    ConfigurationError,
    InvalidMessage,
    InvalidOperation,
    LocalProtocolError,
    NotPermitted,
    NotSent,
    OperationRefused,
    OutcomeUnknown,
    PeerFailure,
    ProtocolError,
    RemoteProtocolError,
    TKKPGError,
    TransportError,
)

EVERY_ERROR = [kind for kind in vars(errors).values() if isinstance(kind, type)]
PLAIN = [
    TKKPGError,
    ProtocolError,
    LocalProtocolError,
    RemoteProtocolError,
    InvalidMessage,
    InvalidOperation,
    NotPermitted,
    PeerFailure,
    TransportError,
    NotSent,
    OutcomeUnknown,
    CallbackError,
    ConfigurationError,
]


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (ProtocolError, TKKPGError),
        (LocalProtocolError, ProtocolError),
        (RemoteProtocolError, ProtocolError),
        (InvalidMessage, RemoteProtocolError),
        (InvalidOperation, RemoteProtocolError),
        (OperationRefused, TKKPGError),
        (NotPermitted, OperationRefused),
        (PeerFailure, OperationRefused),
        (TransportError, TKKPGError),
        (NotSent, TransportError),
        (OutcomeUnknown, TransportError),
        (CallbackError, TKKPGError),
        (ConfigurationError, TKKPGError),
    ],
    ids=lambda kind: kind.__name__,
)
def test_an_error_stands_where_the_tree_draws_it(kind: type, parent: type) -> None:
    assert kind.__bases__ == (parent,)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    drawn = errors.__doc__ or ""

    assert [kind.__name__ for kind in EVERY_ERROR if kind.__name__ not in drawn] == []


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_without_a_message_the_first_line_of_the_docstring_speaks(kind: type[TKKPGError]) -> None:
    first_line = (kind.__doc__ or "").splitlines()[0]

    assert str(kind()) == kind().message == first_line


def test_a_message_is_what_the_error_says() -> None:
    assert str(NotSent("Nobody listens on port 5443.")) == "Nobody listens on port 5443."


@pytest.mark.parametrize(("kind", "status"), [(InvalidMessage, "30"), (InvalidOperation, "54")])
def test_a_wrong_message_knows_the_status_that_answers_it(
    kind: type[InvalidMessage | InvalidOperation], status: str
) -> None:
    assert kind.status == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotPermitted(), "10"),
        (PeerFailure(), "96"),
        (PeerFailure(status="97"), "97"),
        (OperationRefused(status="205"), "205"),
    ],
)
def test_a_refusal_carries_the_status_of_the_reply(error: OperationRefused, status: str) -> None:
    assert error.status == status


def test_an_error_names_the_operation_where_it_is_known() -> None:
    assert InvalidMessage("…", operation="Refund").operation == "Refund"
    assert OperationRefused("…", status="30", operation="Refund").operation == "Refund"
    assert InvalidMessage("…").operation == ""
