"""Messages to bytes and back, by walking the tables of `schema`; it knows no message by name."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol import schema, xml
from tkkpg.protocol.errors import (
    CallbackError,
    InvalidMessage,
    InvalidOperation,
    LocalProtocolError,
    ProtocolError,
)
from tkkpg.protocol.masking import mask_card_data
from tkkpg.protocol.messages import (
    Failure,
    OrderStatusFailure,
    Request,
    Response,
    XMLOut,
)
from tkkpg.protocol.profiles import KAPITAL
from tkkpg.protocol.schema import REQUIRED, Field, Group, Leaves, Part, Table
from tkkpg.protocol.values import Operation, OperationStatus
from tkkpg.protocol.xml import REPLY_LIMITS, REQUEST_LIMITS, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from tkkpg.protocol.converters import Converter
    from tkkpg.protocol.profiles import BankProfile
    from tkkpg.protocol.schema import Path, Place


def encode(message: Request | Response, profile: BankProfile = KAPITAL) -> bytes:
    """Write a request or a reply: one compact UTF-8 line without a declaration.

    Args:
        message: What to write.
        profile: Whose way of writing a reply follows.

    Raises:
        LocalProtocolError: A value is missing or is one that no peer would read.
    """
    return xml.write(_write(message, profile.encodings[type(message)])).encode()


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
        operation = _text(named, ("Request", "Operation")) if named else ""
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
    declined = status is not None and status.text == OperationStatus.SYSTEM_ERROR
    if declined and operation in schema.OUTCOMES:  # where the host has spoken, the reply says what
        refused = root.find(schema.OUTCOMES[operation]) is None
    table = schema.FAILURE if refused else schema.RESPONSES[operation]
    if not refused and root.tag != table.root[0]:
        table = schema.ENVELOPED.get(operation, table)
    reply: Response = _read(_at(root, table.root), table)
    return reply


def failure(
    operation: str, status: str, profile: BankProfile = KAPITAL
) -> Failure | OrderStatusFailure:
    """Make the refusal of an operation; GetOrderStatus has an empty order beside 30."""
    status, details = profile.told(status)
    if (operation, status) == (Operation.GET_ORDER_STATUS, OperationStatus.INVALID_MESSAGE):
        return OrderStatusFailure(status=OperationStatus(status))
    return Failure(operation=operation, status=status, details=details)


def encode_callback(
    message: XMLOut, *, wrapped: bool, as_base64: bool, profile: BankProfile = KAPITAL
) -> str:
    """Write the value of the form field `xmlmsg`.

    Args:
        message: What to say.
        wrapped: `Message` inside a root `XMLOut` (Kapital since 2022), else `Message` alone.
        as_base64: Base64 of the UTF-8 text, else the text (protocol description, 3.2).
        profile: Whose way of writing it follows.

    Raises:
        LocalProtocolError: A value is missing or is one that no peer would read.
    """
    text = xml.write(_write(message, profile.callbacks[wrapped]))
    if as_base64:
        return base64.b64encode(text.encode()).decode("ascii")
    return text.translate(profile.signs) if profile.signs else text


def decode_callback(xmlmsg: str) -> XMLOut:
    """Read an `xmlmsg` in every recorded shape: wrapped in any root or bare, plain or base64.

    What happened to it on the way is undone: in some forms spaces arrive as plus signs, in others
    the plus signs of base64 as spaces (protocol description, 3.2).

    Raises:
        CallbackError: It is no XMLOut.
    """
    text = xmlmsg.strip()
    try:
        body = _with_spaces(text) if text.startswith("<") else _decoded(text)
        root = xml.read(body, REQUEST_LIMITS)
        message: XMLOut = _read(root.child("Message") or _at(root, ("Message",)), _CALLBACK)
    except (ValueError, ProtocolError) as error:
        reason = error.message if isinstance(error, ProtocolError) else "It is no XML or base64."
        message_text = f"The field xmlmsg is not an XMLOut: {reason}"
        raise CallbackError(message_text) from None
    return message


_CALLBACK = schema.BARE_CALLBACK

_DOUBLY_ENCODED: Final = "<Message+date="
"""Spaces were encoded twice, so that each of them is still a plus sign (description, 3.2)."""

_THREE_OF_FOUR: Final = 3
"""Base64 has groups of four characters."""


def _with_spaces(text: str) -> bytes:
    return (text.replace("+", " ") if _DOUBLY_ENCODED in text else text).encode()


def _decoded(text: str) -> bytes:
    """Decode base64 whose plus signs a form that was not encoded has turned into spaces."""
    encoded = text.replace(" ", "+")
    lost = "+" if len(encoded) % 4 == _THREE_OF_FOUR else ""  # the last one went as white space
    return base64.b64decode(encoded + lost, validate=True)


def _operation(name: str) -> Operation:
    if not name:
        message = "Request/Operation is missing or empty."
        raise InvalidMessage(message)
    try:
        return Operation(name)
    except ValueError:
        known = ", ".join(Operation)
        message = f"There is no such operation. The operations are {known}."
        raise InvalidOperation(message, operation=mask_card_data(name)[:64]) from None


def _at(root: Node, path: tuple[str, ...]) -> Node:
    found = root.find(path[1:]) if root.tag == path[0] else None
    if found is None:
        message = f"The message must stand in <{'><'.join(path)}>."
        raise InvalidMessage(message)
    return found


def _read(envelope: Node, table: Table) -> Any:  # noqa: ANN401 - the table says which class
    values = dict(table.absent)
    for place, node in _found(envelope, table):
        for row in place.rows:
            values[row.attribute] = _READERS[type(row)](node, row)
    for field in table.attributes:
        text = envelope.attributes.get(field.path[0], "").strip()
        values[field.attribute] = _value(field, text)
    for required in table.required:
        if values[required.attribute] is REQUIRED:
            message = f"{_shown(required.path)} is missing or empty."
            raise InvalidMessage(message)
    return table.message(**values)


def _found(envelope: Node, table: Table) -> list[tuple[Place, Node]]:
    """Find the element of every row in one pass.

    Raises:
        InvalidMessage: One of them stands twice, so that nobody can say which one counts.
    """
    found = [(table.places[()], envelope)]
    seen: dict[Path, Node] = {}
    for outer, parent in found:  # which grows on the way
        for node in parent.children:
            place = table.places.get((*outer.path, node.tag))
            if place is None:
                continue
            first = seen.setdefault(place.path, node)
            if first is node:
                found.append((place, node))
            elif first.tag == node.tag or first.text != node.text:  # else in both its spellings
                message = f"Element <{node.tag}> stands twice inside <{parent.tag}>."
                raise InvalidMessage(message)
    return found


def _read_field(node: Node, row: Field) -> Any:  # noqa: ANN401 - the row says which type
    return _value(row, _text(node, row.path))


def _text(node: Node, path: Path) -> str:
    """Return the text of an element that holds a value.

    Raises:
        InvalidMessage: Something stands in it that a reader could miss: `3<!-- -->000` is 3000 to
            one and 3 to another.
    """
    if node.children or node.interrupted:
        message = f"{_shown(path)} must hold a text alone, without elements or comments in it."
        raise InvalidMessage(message)
    return node.text


def _value(row: Field, text: str) -> Any:  # noqa: ANN401 - as above
    return _converted(row.converter, text, row.path) if text else row.default


def _converted(converter: Converter, text: str, path: Path) -> Any:  # noqa: ANN401 - as above
    try:
        return converter.read(text)
    except ValueError as error:
        message = f"{_shown(path)} {error}."
        raise InvalidMessage(message) from None


def _shown(path: Path) -> str:
    return "/".join(path)


def _read_group(parent: Node, group: Group) -> Any:  # noqa: ANN401 - as above
    tag = group.path[-1]
    members = [_read(node, group.table) for node in parent.children if node.tag == tag]
    return REQUIRED if group.required and not members else tuple(members)


def _read_part(node: Node, part: Part) -> Any:  # noqa: ANN401 - as above
    return _read(node, part.table)


def _read_leaves(parent: Node, leaves: Leaves) -> tuple[Any, ...]:
    nodes = [n for n in parent.children if n.tag not in leaves.known and not n.children]
    if len(nodes) > leaves.most:
        message = f"{_shown(leaves.path)} holds more than {leaves.most} parameters."
        raise InvalidMessage(message)
    return tuple([_read_leaf(node, leaves) for node in nodes])


def _read_leaf(node: Node, leaves: Leaves) -> Any:  # noqa: ANN401 - as above
    path = (*leaves.path, node.tag)
    return leaves.message(
        name=_converted(as_.tag, node.tag, (*leaves.path, "*")),
        value=_converted(_LEAF, _text(node, path), path),
    )


_LEAF: Final = as_.free_text(as_.DESCRIPTION_MAX)
_READERS: Final[dict[type, Callable[[Node, Any], Any]]] = {
    Field: _read_field,
    Group: _read_group,
    Part: _read_part,
    Leaves: _read_leaves,
}


def _write(message: Any, table: Table) -> Node:  # noqa: ANN401 - the table says which class
    root = Node(table.root[0])
    envelope = _descend(root, table.root[1:])
    for field in table.attributes:
        value = getattr(message, field.attribute)
        if value is not None:
            envelope.attributes[field.path[0]] = _written(field.converter, value, field.path)
    if table.operation is not None:
        envelope.children.append(Node("Operation", text=table.operation))
    for row in table.rows:
        _WRITERS[type(row)](envelope, row, message)
    return root


def _write_field(envelope: Node, row: Field, message: Any) -> None:  # noqa: ANN401 - as above
    value = getattr(message, row.attribute)
    if row.brief and value == row.default:
        return
    text = row.nothing if value is None else _written(row.converter, value, row.path)
    if row.default is REQUIRED and not text:
        reason = f"{_shown(row.path)} is missing or empty."
        raise LocalProtocolError(reason)
    if text is not None:
        _descend(envelope, row.path).text = text


def _written(converter: Converter, value: Any, path: Path) -> str:  # noqa: ANN401 - as above
    try:
        return converter.write(value).strip()
    except ValueError as error:
        reason = f"{_shown(path)} {error}."
        raise LocalProtocolError(reason) from None


def _write_group(envelope: Node, group: Group, message: Any) -> None:  # noqa: ANN401 - as above
    members = getattr(message, group.attribute)
    if group.required and not members:
        reason = f"{_shown(group.path)} is missing or empty."
        raise LocalProtocolError(reason)
    if members:
        nodes = [_write(member, group.table_of(member)) for member in members]
        for node in nodes:
            node.tag = group.path[-1]
        _descend(envelope, group.path[:-1]).children.extend(nodes)


def _write_part(envelope: Node, part: Part, message: Any) -> None:  # noqa: ANN401 - as above
    written = _write(getattr(message, part.attribute), part.table)
    _descend(envelope, part.path).children.extend(written.children)


def _write_leaves(envelope: Node, leaves: Leaves, message: Any) -> None:  # noqa: ANN401 - as above
    members = getattr(message, leaves.attribute)
    if len(members) > leaves.most:
        reason = f"{_shown(leaves.path)} holds at most {leaves.most} parameters."
        raise LocalProtocolError(reason)
    for member in members:
        tag = _written(as_.tag, member.name, (*leaves.path, "*"))
        if tag in leaves.known:
            reason = f"{_shown((*leaves.path, tag))} is an attribute of the message: set it there."
            raise LocalProtocolError(reason)
        text = _written(_LEAF, member.value, (*leaves.path, tag))
        _descend(envelope, leaves.path).children.append(Node(tag, text=text))


_WRITERS: Final[dict[type, Callable[[Node, Any, Any], None]]] = {
    Field: _write_field,
    Group: _write_group,
    Part: _write_part,
    Leaves: _write_leaves,
}


def _descend(node: Node, path: tuple[str, ...]) -> Node:
    """Follow tags downwards, making the elements that are not there yet."""
    for tag in path:
        found = next((child for child in node.children if child.tag == tag), None)
        if found is None:
            found = Node(tag)
            node.children.append(found)
        node = found
    return node
