"""Messages to bytes and back, by walking the tables of `schema`; it knows no message by name."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tkkpg.protocol import schema, xml
from tkkpg.protocol.errors import (
    CallbackError,
    InvalidMessage,
    InvalidOperation,
    LocalProtocolError,
    ProtocolError,
)
from tkkpg.protocol.messages import (
    Failure,
    OrderStatusFailure,
    Request,
    Response,
    XMLOut,
)
from tkkpg.protocol.schema import REQUIRED, Field, Group, Table
from tkkpg.protocol.values import Operation, OperationStatus
from tkkpg.protocol.xml import REPLY_LIMITS, REQUEST_LIMITS, Node

if TYPE_CHECKING:
    from tkkpg.protocol.converters import Converter


def encode(message: Request | Response) -> bytes:
    """Write a request or a reply: one compact UTF-8 line without a declaration.

    Raises:
        LocalProtocolError: A value is missing or is one that no peer would read.
    """
    return xml.write(_write(message, schema.ENCODINGS[type(message)])).encode()


def decode_request(body: bytes) -> Request:
    """Read a request.

    Raises:
        InvalidMessage: Malformed, incomplete, or a value that is not allowed; status 30.
        InvalidOperation: An operation that does not exist here; status 54.
    """
    root = xml.read(body, REQUEST_LIMITS)
    operation = ""
    try:
        envelope = _at(root, ("TKKPG", "Request"))
        named = envelope.child("Operation")
        operation = named.text if named else ""
        message: Request = _read(envelope, schema.REQUESTS[_operation(operation)])
    except InvalidMessage as error:
        error.operation = operation
        raise
    return message


def decode_response(body: bytes, operation: Operation) -> Response:
    """Read the reply to an operation; a refusal is a `Failure`, not an exception.

    Raises:
        InvalidMessage: The reply cannot be read.
    """
    root = xml.read(body, REPLY_LIMITS)
    status = root.find(("Response", "Status"))
    refused = status is not None and status.text != OperationStatus.OK
    table = schema.FAILURE if refused else schema.RESPONSES[operation]
    reply: Response = _read(_at(root, table.root), table)
    return reply


def failure(operation: str, status: str) -> Failure | OrderStatusFailure:
    """Make the refusal of an operation; GetOrderStatus has an empty order beside 30."""
    if (operation, status) == (Operation.GET_ORDER_STATUS, OperationStatus.INVALID_MESSAGE):
        return OrderStatusFailure(status=OperationStatus(status))
    return Failure(operation=operation, status=status)


def encode_callback(message: XMLOut, *, wrapped: bool, as_base64: bool) -> str:
    """Write the value of the form field `xmlmsg`.

    Args:
        message: What to say.
        wrapped: `Message` inside a root `XMLOut` (Kapital since 2022), else `Message` alone.
        as_base64: Base64 of the UTF-8 text, else the text (protocol description, 3.2).

    Raises:
        LocalProtocolError: A value is missing or is one that no peer would read.
    """
    table = schema.WRAPPED_CALLBACK if wrapped else schema.BARE_CALLBACK
    text = xml.write(_write(message, table))
    return base64.b64encode(text.encode()).decode("ascii") if as_base64 else text


def decode_callback(xmlmsg: str) -> XMLOut:
    """Read an `xmlmsg` in every recorded shape: wrapped in any root or bare, plain or base64.

    Raises:
        CallbackError: It is no XMLOut.
    """
    text = xmlmsg.strip()
    try:
        body = text.encode() if text.startswith("<") else base64.b64decode(text, validate=True)
        root = xml.read(body, REQUEST_LIMITS)
        message: XMLOut = _read(root.child("Message") or _at(root, ("Message",)), _CALLBACK)
    except (ValueError, ProtocolError) as error:
        reason = error.message if isinstance(error, ProtocolError) else "It is no XML or base64."
        message_text = f"The field xmlmsg is not an XMLOut: {reason}"
        raise CallbackError(message_text) from None
    return message


_CALLBACK = schema.BARE_CALLBACK


def _operation(name: str) -> Operation:
    if not name:
        message = "Request/Operation is missing or empty."
        raise InvalidMessage(message)
    try:
        return Operation(name)
    except ValueError:
        known = ", ".join(Operation)
        message = f"There is no such operation. The operations are {known}."
        raise InvalidOperation(message, operation=name[:64]) from None


def _at(root: Node, path: tuple[str, ...]) -> Node:
    found = root.find(path[1:]) if root.tag == path[0] else None
    if found is None:
        message = f"The message must stand in <{'><'.join(path)}>."
        raise InvalidMessage(message)
    return found


def _read(envelope: Node, table: Table) -> Any:  # noqa: ANN401 - the table says which class
    values: dict[str, Any] = {}
    for name, attribute, converter in table.attributes:
        text = envelope.attributes.get(name, "").strip()
        values[attribute] = _converted(converter, text, f"@{name}") if text else None
    for row in table.rows:
        if isinstance(row, Group):
            values[row.attribute] = _read_group(envelope, row)
        elif not row.written_only:
            values[row.attribute] = _read_field(envelope, row)
    return table.message(**values)


def _read_field(envelope: Node, row: Field) -> Any:  # noqa: ANN401 - the row says which type
    node = envelope.find(row.path)
    if node is not None and node.text:
        return _converted(row.converter, node.text, "/".join(row.path))
    if row.default is REQUIRED:
        message = f"{'/'.join(row.path)} is missing or empty."
        raise InvalidMessage(message)
    return row.default


def _converted(converter: Converter, text: str, path: str) -> Any:  # noqa: ANN401 - as above
    try:
        return converter.read(text)
    except ValueError as error:
        message = f"{path} {error}."
        raise InvalidMessage(message) from None


def _read_group(envelope: Node, group: Group) -> tuple[Any, ...]:
    parent = envelope.find(group.path[:-1])
    nodes = parent.children if parent is not None else []
    return tuple(_read(node, group.table) for node in nodes if node.tag == group.path[-1])


def _write(message: Any, table: Table) -> Node:  # noqa: ANN401 - the table says which class
    root = Node(table.root[0])
    envelope = _descend(root, table.root[1:])
    for name, attribute, converter in table.attributes:
        value = getattr(message, attribute)
        if value is not None:
            envelope.attributes[name] = _written(converter, value, f"@{name}")
    if table.operation is not None:
        envelope.children.append(Node("Operation", text=table.operation))
    for row in table.rows:
        if isinstance(row, Group):
            _write_group(envelope, row, message)
        else:
            _write_field(envelope, row, message)
    return root


def _write_field(envelope: Node, row: Field, message: Any) -> None:  # noqa: ANN401 - as above
    value = getattr(message, row.attribute)
    path = "/".join(row.path)
    text = row.nothing if value is None else _written(row.converter, value, path)
    if row.default is REQUIRED and not text:
        reason = f"{path} is missing or empty."
        raise LocalProtocolError(reason)
    if text is not None:
        _descend(envelope, row.path).text = text


def _written(converter: Converter, value: Any, path: str) -> str:  # noqa: ANN401 - as above
    try:
        return converter.write(value).strip()
    except ValueError as error:
        reason = f"{path} {error}."
        raise LocalProtocolError(reason) from None


def _write_group(envelope: Node, group: Group, message: Any) -> None:  # noqa: ANN401 - as above
    members = getattr(message, group.attribute)
    if members:
        parent = _descend(envelope, group.path[:-1])
        parent.children.extend(_write(member, group.table) for member in members)


def _descend(node: Node, path: tuple[str, ...]) -> Node:
    """Follow tags downwards, making the elements that are not there yet."""
    for tag in path:
        found = next((child for child in node.children if child.tag == tag), None)
        if found is None:
            found = Node(tag)
            node.children.append(found)
        node = found
    return node
