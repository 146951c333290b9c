"""The reader takes what clients send, refuses attacks before they cost anything; one writer."""

from __future__ import annotations

import itertools
import string
import tracemalloc

import pytest

from tkkpg.protocol.errors import InvalidMessage, LocalProtocolError
from tkkpg.protocol.xml import REPLY_LIMITS, REQUEST_LIMITS, Limits, Node, escape_text, read, write

SMALL = Limits(size=200, depth=3, elements=5, attributes=4)
MEMORY_BYTES_MAX = 1_000_000
NAMES = ["".join(letters) for letters in itertools.product(string.ascii_lowercase, repeat=3)]


@pytest.mark.parametrize(
    "body",
    [
        b"<a>x</a>",
        b"<?xml version='1.0' encoding='UTF-8'?><a>x</a>",
        b'<?xml version="1.0" encoding="utf8" standalone="yes"?><a>x</a>',
        b'<?xml version="1.0" encoding="windows-1251"?><a>x</a>',
        b'<?xml version="1.0" encoding="rot13"?><a>x</a>',
        b'\n  \t\r\n<?xml version="1.0"?><a>x</a>',
        b"\xef\xbb\xbf<a>x</a>",
        b"\xef\xbb\xbf\n<a>x</a>\n\n",
        b"<a> \n x\t</a>",
        b"<a\n>x</a >",
        b"<a><![CDATA[x]]></a>",
        b"<a> <![CDATA[ x ]]> </a>",
        b"<a>&#120;</a>",
        b"<!-- y --><a>x</a><?shop build?>",
        "<a>\u00a0x\u2003</a>".encode(),
        "<a>x</a>".encode("utf-16"),
    ],
)
def test_a_text_is_read_however_it_is_wrapped(body: bytes) -> None:
    assert read(body, REQUEST_LIMITS) == Node("a", text="x")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<a>a &amp; b &lt;c&gt; &quot;d&apos;</a>", "a & b <c> \"d'"),
        (b"<a><![CDATA[?a=1&b=2]]></a>", "?a=1&b=2"),
        (b"<a><![CDATA[<!DOCTYPE html>]]></a>", "<!DOCTYPE html>"),
        (b"<a>1<![CDATA[2]]>3</a>", "123"),
        (b"<a>one\r\ntwo</a>", "one\ntwo"),
        (b"<a>one&#13;&#10;two</a>", "one\r\ntwo"),
        ("<a>Ödəniş &#8470; 😀</a>".encode(), "Ödəniş № 😀"),
    ],
)
def test_a_text_is_what_the_document_means(body: bytes, text: str) -> None:
    assert read(body, REQUEST_LIMITS).text == text


def test_an_element_is_marked_in_which_a_comment_or_an_instruction_stands() -> None:
    for inside in (b"3<!-- -->000", b"<!-- -->", b"3<?shop build?>000", b"3000<!---->"):
        root = read(b"<a><b>" + inside + b"</b><c>1</c></a>", REQUEST_LIMITS)
        assert [node.interrupted for node in root.children] == [True, False], inside
        assert not root.interrupted


CYRILLIC = "<a>Оплата заказа № 5</a>"


def test_a_document_that_is_no_utf8_is_read_in_the_encoding_that_it_declares() -> None:
    for text, encoding in (
        (CYRILLIC, "windows-1251"),
        (CYRILLIC, "Windows-1251"),
        ("<a>Öde</a>", "ISO-8859-1"),
        (CYRILLIC, "utf-16"),
    ):
        for quote in "'\"":
            declared = f"<?xml version='1.0' encoding = {quote}{encoding}{quote}?>{text}"
            root = read(declared.encode(encoding), REQUEST_LIMITS)
            assert root == Node("a", text=text[3:-4]), encoding


def test_what_is_utf8_is_read_as_utf8_whatever_it_declares() -> None:
    for encoding in ("utf8", "utf-16", "windows-1251", "iso-8859-1", "koi8-r", "rot13"):
        body = f'<?xml version="1.0" encoding="{encoding}"?>{CYRILLIC}'.encode()
        assert read(body, REQUEST_LIMITS) == Node("a", text=CYRILLIC[3:-4]), encoding


def test_an_encoding_that_is_not_read_is_named() -> None:
    for encoding in ("koi8-r", "ibm866", "windows-1254"):
        body = f"<?xml version='1.0' encoding='{encoding}'?><a>".encode() + b"\xcf\xd0</a>"
        with pytest.raises(InvalidMessage, match=f"is in {encoding}, .* Send UTF-8"):
            read(body, REQUEST_LIMITS)


def test_a_document_that_is_not_in_the_encoding_it_declares_is_refused() -> None:
    body = b"<?xml version='1.0' encoding='windows-1251'?><a>\x98</a>"
    with pytest.raises(InvalidMessage, match="says that it is in windows-1251, and is not"):
        read(body, REQUEST_LIMITS)


def test_elements_are_read_in_order_with_attributes() -> None:
    assert read(b"<a b='1'><c/><d e='2'>x</d><c>y</c></a>", REQUEST_LIMITS) == Node(
        "a", {"b": "1"}, "", [Node("c"), Node("d", {"e": "2"}, "x"), Node("c", text="y")]
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "The message is empty."),
        (b"\xef\xbb\xbf \n", "The message is empty."),
        (b"x", "The XML is broken: syntax error, line 1."),
        (b"<a>", "The XML is broken: no element found, line 1."),
        (b"<a></b>", "The XML is broken: mismatched tag, line 1."),
        (b"<a>\n&</a>", "The XML is broken: not well-formed (invalid token), line 2."),
        (b"<a b='1' b='2'/>", "The XML is broken: duplicate attribute, line 1."),
        (b"<a>&nbsp;</a>", "The XML is broken: undefined entity, line 1."),
        (b"<a>\x00</a>", "The XML is broken: not well-formed (invalid token), line 1."),
        (b"<a>&#0;</a>", "The XML is broken: reference to invalid character number, line 1."),
        (b"<a>\xff</a>", "The XML is broken: not well-formed (invalid token), line 1."),
        (b"<!DOCTYPE a><a/>", "The XML has a DOCTYPE"),
        (b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/'><a/>", "The XML has a DOCTYPE"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "The XML has a DOCTYPE"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "The XML has a DOCTYPE"),
    ],
)
def test_what_is_no_plain_xml_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        read(body, REQUEST_LIMITS)

    assert refusal.value.message.startswith(reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<a>" + b"x" * 200 + b"</a>", "larger than 200 bytes"),
        (b"<a>" * 4 + b"</a>" * 4, "nested deeper than 3 levels"),
        (b"<a>" + b"<b/>" * 5 + b"</a>", "more than 5 elements"),
        (b"<a b='' c='' d='' e='' f=''/>", "more than 4 attributes"),
    ],
)
def test_what_goes_beyond_a_limit_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessage, match=reason):
        read(body, SMALL)


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" + b"x" * 193 + b"</a>",
        b"<a>" * 3 + b"</a>" * 3,
        b"<a>" + b"<b/>" * 4 + b"</a>",
        b"<a b='' c='' d='' e=''/>",
    ],
    ids=["size", "depth", "elements", "attributes"],
)
def test_what_just_reaches_a_limit_is_read(body: bytes) -> None:
    assert read(body, SMALL).tag == "a"


def entity_bomb() -> bytes:
    """Ten entities, each ten times the one before."""
    lines = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    return f'<!DOCTYPE a [<!ENTITY e0 "ha">{"".join(lines)}]><a>&e9;</a>'.encode()


ATTACKS = {
    "200,000 levels": b"<a>" * 200_000,
    "20,000 levels within the size": b"<a>" * 20_000,
    "a value of 7 MB": b"<a>" + b"x" * 7_000_000 + b"</a>",
    "entity bomb": entity_bomb(),
    "quadratic blow-up": b'<!DOCTYPE a [<!ENTITY e "'
    + b"x" * 30_000
    + b'">]><a>'
    + b"&e;" * 8_000
    + b"</a>",
    "a DTD as large as allowed": b"<!DOCTYPE a ["
    + b"".join(f'<!ENTITY {name} "x">'.encode() for name in NAMES[:3400])
    + b"]><a/>",
    "a DOCTYPE without end": b"<!DOCTYPE " + b"x" * 65_000,
    "elements without end": b"<a>" + b"<b/>" * 16_000,
    "names that all differ": b"<a>" + b"".join(f"<{name}/>".encode() for name in NAMES[:9000]),
    "attributes without end": b"<a "
    + b" ".join(f'{name}=""'.encode() for name in NAMES[:9000])
    + b"/>",
    "a tag without end": b"<" + b"x" * 65_000,
    "comments without end": b"<a>" + b"<!---->" * 9_000,
    "the largest value": b"<a>" + "😀".encode() * 16_000 + b"</b>",
    "the most references": b"<a>" + b"&#128512;" * 7_000 + b"</b>",
    "the most text beside comments": b"<a>" + "😀<!---->".encode() * 5_900 + b"</b>",
    "the most lines": b"<a>" + b"\n" * 65_000 + b"</b>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_with_little_memory(attack: str) -> None:
    body = ATTACKS[attack]
    tracemalloc.start()
    try:
        with pytest.raises(InvalidMessage):
            read(body, REQUEST_LIMITS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak <= MEMORY_BYTES_MAX


def test_the_largest_documents_within_every_limit_take_little_memory() -> None:
    attributes = " ".join(f'{name}=""' for name in NAMES[:500])
    children = "".join(f"<{name * 10}>1</{name * 10}>" for name in NAMES[:450])
    body = f"<a {attributes}>{children}</a>".encode()
    tracemalloc.start()
    try:
        root = read(body, REQUEST_LIMITS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (len(root.attributes), len(root.children)) == (500, 450)
    assert peak <= MEMORY_BYTES_MAX


def test_a_reply_may_be_larger_than_a_request() -> None:
    body = b"<a>" + b"<b>1</b>" * 20_000 + b"</a>"

    assert len(read(body, REPLY_LIMITS).children) == 20_000
    with pytest.raises(InvalidMessage, match="larger than 65536 bytes"):
        read(body, REQUEST_LIMITS)


def test_a_child_is_found_by_its_tag() -> None:
    root = read(b"<a><b>1</b><c><d>2</d></c></a>", REQUEST_LIMITS)

    assert root.child("b") == Node("b", text="1")
    assert root.find(("c", "d")) == Node("d", text="2")
    assert root.find(()) is root


@pytest.mark.parametrize("path", [("B",), ("x",), ("b", "c"), ("x", "y", "z")])
def test_a_path_that_ends_early_leads_nowhere(path: tuple[str, ...]) -> None:
    assert read(b"<a><b>1</b></a>", REQUEST_LIMITS).find(path) is None


def test_an_element_that_stands_twice_is_refused_when_it_is_asked_for() -> None:
    root = read(b"<a><b>1</b><b>2</b><c>3</c></a>", REQUEST_LIMITS)

    assert root.child("c") == Node("c", text="3")
    with pytest.raises(InvalidMessage, match="Element <b> stands twice inside <a>"):
        root.child("b")


def test_nodes_are_written_compactly_with_open_and_close_tags() -> None:
    node = Node("a", {"b": "1"}, "", [Node("c"), Node("d", text="x")])

    assert write(node) == '<a b="1"><c></c><d>x</d></a>'


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a & b", "a &amp; b"),
        ("<c> ]]>", "&lt;c&gt; ]]&gt;"),
        ("one\r\ntwo", "one&#13;&#10;two"),
        ("a\tb \"c\" 'd'", "a\tb \"c\" 'd'"),
        ("&amp;", "&amp;amp;"),
        ("Ödəniş № 😀", "Ödəniş № 😀"),
    ],
)
def test_a_text_is_escaped_and_stays_on_one_line(text: str, escaped: str) -> None:
    assert escape_text(text) == escaped


def test_a_value_in_quotes_has_its_quotes_and_tabs_escaped() -> None:
    assert escape_text('a "b"\t<c>', quote=True) == "a &quot;b&quot;&#9;&lt;c&gt;"


@pytest.mark.parametrize("code", [0, 8, 11, 12, 14, 31, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF], ids=hex)
def test_a_character_that_xml_cannot_carry_is_not_written(code: int) -> None:
    with pytest.raises(LocalProtocolError, match="XML cannot carry"):
        escape_text(f"a{chr(code)}b")


@pytest.mark.parametrize("text", ["\x7f", "\x85", "\u2028", "\ufdd0", "\ufffd", "\U0010ffff"])
def test_odd_characters_that_xml_allows_are_read_back(text: str) -> None:
    written = write(Node("a", {"b": text}, f"x{text}x")).encode()

    assert read(written, REQUEST_LIMITS) == Node("a", {"b": text}, f"x{text}x")
