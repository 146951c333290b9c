"""The one bounded XML reader and the one writer.

The reader drives expat directly, since the accelerated `ElementTree` parser offers no hook to
refuse a DOCTYPE or a depth. It accepts what real clients send (a byte order mark, leading white
space, single-quoted or missing declarations, CDATA; protocol description, 1.4) and refuses DTDs,
entities, and anything beyond its limits before it has cost anything.

The wire is UTF-8, and whatever can be read as UTF-8 is, since peers declare `utf8`, `utf-16` or
whatever their library puts there and send UTF-8 all the same. What cannot be is read as it declares
itself, if that is one of `ENCODINGS`, or as its byte order mark says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from tkkpg.protocol.errors import InvalidMessage, LocalProtocolError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a document is read.

    Attributes:
        size: Bytes of the whole document.
        depth: Elements inside elements; the deepest documented message has six levels.
        elements: Elements in all.
        attributes: Attributes in all, counted by equals signs before anything is read, since expat
            builds all attributes of a tag before it tells of the tag.
    """

    size: int
    depth: int
    elements: int
    attributes: int


REQUEST_LIMITS: Final = Limits(size=65_536, depth=16, elements=500, attributes=500)
"""A request: the largest real one, with fifty fiscal positions, has 420 elements in 20 kB."""

REPLY_LIMITS: Final = Limits(size=4_194_304, depth=16, elements=100_000, attributes=100_000)
"""A reply that the client reads: a list of orders is longer than any request."""


MARKUP: Final = 100
"""Signs `<` beyond those of tags: a declaration, comments, CDATA and what stands in it."""

ENCODINGS: Final = frozenset({"windows-1251", "iso-8859-1"})
"""What is read besides UTF-8 and UTF-16: the older shops' Cyrillic, and what HTTP once took for
granted. No source has a shop that sends either; another is refused by its name."""
_DECLARED: Final = re.compile(
    rb"""<\?xml[^<>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']"""
)


@dataclass(slots=True)
class Node:
    """An element with its trimmed text and its children, by tag and in order.

    Attributes:
        tag: The element's name, exact in case.
        attributes: XML attributes.
        text: Character data directly inside the element, trimmed.
        children: Child elements in document order.
        interrupted: A comment or a processing instruction stands directly inside.
    """

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)
    interrupted: bool = False

    def child(self, tag: str) -> Node | None:
        """Give the only child with this tag, or `None`.

        Raises:
            InvalidMessage: The tag stands twice, so that nobody can say which one counts.
        """
        found = None
        for node in self.children:
            if node.tag == tag:
                if found is not None:
                    message = f"Element <{tag}> stands twice inside <{self.tag}>."
                    raise InvalidMessage(message)
                found = node
        return found

    def find(self, path: tuple[str, ...]) -> Node | None:
        """Follow tags downwards; `None` where the path ends early."""
        node: Node | None = self
        for tag in path:
            if node is None:
                return None
            node = node.child(tag)
        return node


class _Builder:
    """Collects expat's events into nodes and stops at the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.document = Node("")
        self.open = [self.document]
        self.texts: list[list[str]] = []
        self.count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) > self.limits.depth:
            message = f"The XML is nested deeper than {self.limits.depth} levels."
            raise InvalidMessage(message)
        if self.count > self.limits.elements:
            message = f"The XML has more than {self.limits.elements} elements."
            raise InvalidMessage(message)
        node = Node(tag, attributes)
        self.open[-1].children.append(node)
        self.open.append(node)
        self.texts.append([])

    def end(self, _tag: str) -> None:
        self.open.pop().text = "".join(self.texts.pop()).strip()

    def data(self, text: str) -> None:
        self.texts[-1].append(text)

    def interrupt(self, *_: str) -> None:
        self.open[-1].interrupted = True

    @staticmethod
    def refuse_doctype(*_: object) -> None:
        message = "The XML has a DOCTYPE, which is never accepted. Send the elements alone."
        raise InvalidMessage(message)


def read(body: bytes, limits: Limits) -> Node:
    """Read a document into nodes.

    Args:
        body: The bytes as received; a byte order mark and white space in front are dropped.
        limits: How much is read at most.

    Raises:
        InvalidMessage: Not well-formed, has a DOCTYPE, or goes beyond a limit.
    """
    if len(body) > limits.size:
        message = f"The message is larger than {limits.size} bytes."
        raise InvalidMessage(message)
    body = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        message = "The message is empty. Send the XML document as the body of the request."
        raise InvalidMessage(message)
    if body.count(b"=") > limits.attributes:
        message = f"The XML has more than {limits.attributes} attributes or equals signs."
        raise InvalidMessage(message)
    if body.count(b"<") > 2 * limits.elements + MARKUP:
        message = f"The XML has more than {limits.elements} elements."
        raise InvalidMessage(message)
    body = _in_utf8(body)
    builder = _Builder(limits)
    parser = expat.ParserCreate("UTF-8")  # whatever is declared
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.CommentHandler = builder.interrupt
    parser.ProcessingInstructionHandler = builder.interrupt
    parser.StartDoctypeDeclHandler = builder.refuse_doctype
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat takes no keyword
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        message = f"The XML is broken: {reason}, line {error.lineno}. Escape & and <, use UTF-8."
        raise InvalidMessage(message) from None
    return builder.document.children[0]


def _in_utf8(body: bytes) -> bytes:
    """Return the document in UTF-8; one in UTF-16 has its byte order mark and stays as it is.

    Raises:
        InvalidMessage: It is no UTF-8 and declares an encoding that is not read, or is not in it.
    """
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        declared = _DECLARED.match(body)
        encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
    else:
        return body
    if encoding.startswith("utf"):
        return body  # broken, or UTF-16: expat says
    if encoding not in ENCODINGS:
        message = f"The XML is in {encoding}, as it says itself, which is not read. Send UTF-8."
        raise InvalidMessage(message)
    try:
        return body.decode(encoding).encode()
    except UnicodeDecodeError:
        message = f"The XML says that it is in {encoding}, and is not. Send UTF-8."
        raise InvalidMessage(message) from None


def write(node: Node) -> str:
    """Write nodes as one compact line without a declaration.

    White space or a declaration would break real clients (protocol description, 1.5). An element
    without content is written as an open and a close tag, as in the bank's document.

    Raises:
        LocalProtocolError: A text holds a character that XML cannot carry.
    """
    parts: list[str] = []
    _write(node, parts)
    return "".join(parts)


def _write(node: Node, parts: list[str]) -> None:
    parts.append(f"<{node.tag}")
    for name, value in node.attributes.items():
        parts.append(f' {name}="{escape_text(value, quote=True)}"')
    parts.append(">")
    if node.text:
        parts.append(escape_text(node.text))
    for child in node.children:
        _write(child, parts)
    parts.append(f"</{node.tag}>")


_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IN_TEXT: Final = {"\r": "&#13;", "\n": "&#10;"}
_IN_ATTRIBUTE: Final = _IN_TEXT | {"\t": "&#9;", '"': "&quot;"}


def escape_text(text: str, *, quote: bool = False) -> str:
    """Escape a text for XML, ends of lines too, so that a message stays one line.

    Args:
        text: Any text.
        quote: For an attribute's value, where quotation marks are escaped too.

    Raises:
        LocalProtocolError: The text holds a character that XML cannot carry.
    """
    if _ILLEGAL.search(text):
        message = "A text holds a control character, which XML cannot carry. Remove it."
        raise LocalProtocolError(message)
    return escape(text, _IN_ATTRIBUTE if quote else _IN_TEXT)
