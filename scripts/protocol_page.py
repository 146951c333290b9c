"""Writes docs/protocol.md from the tables of the code: python -m scripts.protocol_page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from tkkpg.gateway.model.lifecycle import EXPIRING, RULES, Rule
from tkkpg.protocol import schema
from tkkpg.protocol.codes import listed, status_text
from tkkpg.protocol.messages import OrderInformation, UnpaidOrderInformation, XMLOut
from tkkpg.protocol.profiles import PROFILES
from tkkpg.protocol.schema import REQUIRED, Field, Group, Leaves, Part, Row, Table
from tkkpg.protocol.values import Language, Operation, OperationStatus, OrderStatus

PAGE: Final = Path(__file__).parents[1] / "docs" / "protocol.md"
COMMAND: Final = "python -m scripts.protocol_page"

INTRODUCTION: Final = f"""\
# The protocol

Every operation, field, status and code, as the code has them. Do not edit this page: it is made by
`{COMMAND}` from the [field tables](../src/tkkpg/protocol/schema/), the
[steps of an order](../src/tkkpg/gateway/model/lifecycle.py) and the
[catalogue of codes](../src/tkkpg/protocol/codes.toml).

A request is `POST /Exec` with an XML document in UTF-8 as its body. The reply is one line of XML
without a declaration, with HTTP status 200 whatever it says. A path below starts inside
`TKKPG/Request` or `TKKPG/Response`, unless another root is named; `Param@name` is an attribute.
Both begin with `Operation`, the name of the operation, which the tables leave out.

Elements may stand in any order, text is trimmed, an empty element counts as an absent one, and an
element that no table names is passed over. An element of a table that stands twice is refused,
unless it is one value in both its spellings. So is a value with an element, a comment or a
processing instruction in it. A document that is no UTF-8 is read in UTF-16, windows-1251 or
ISO-8859-1 where it says so, and else refused.
Amounts are whole minor units: 30.00 AZN is `3000`. Times are local times of the gateway (Asia/Baku)
without a zone.
"""
FAILURE: Final = """\
## Refusals

Any request may be refused. The reply then has the root `TKKPG/Response`, whatever root a success
has, and consists of these fields; a GetOrderStatus refused with status 30 has an empty
`Order/OrderID` and `Order/OrderStatus` besides. A refusal that says more, from another gateway, is
read as a refusal all the same.
"""
CALLBACK: Final = """\
## XMLOut

What the gateway tells the merchant: the form field `xmlmsg`, which the payer's browser posts to the
return URL, and the gateway to the merchant's notification URL, where one is configured. The root is
`XMLOut/Message`, or `Message` alone, as the merchant is configured. It is not signed: confirm it
with GetOrderStatus.
"""
BANKS: Final = """\
## Other banks

Gateways of this family differ. `tkkpg merchant set MERCHANT --bank-profile NAME` has a merchant's
replies written as another bank's, to try a client against; `kapital` is what this page describes
and the default. `--xmlout bare` and `--xmlout-base64` are settings of their own.
"""
STATUSES: Final = """\
## Statuses of a request

`Status` of the reply says what became of the request, never what became of a card: `00` is success
here and nothing else is.
"""
LIFE: Final = """\
## The life of an order

`OrderStatus` says where an order is. Whatever step is not listed here is refused, with status 30.
Only {expiring} expire: once a message was sent to the host, its outcome is found out
instead of timed out.
"""
CODES: Final = """\
## Response codes

`ResponseCode` says what became of a card transaction: {approving}
approve. `reverse` means that only a part succeeded, which the gateway undoes and declines. A code
that is not listed declines.
"""

CITATION: Final = re.compile(r" \((?:protocol )?description, [^)]*\)")


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def plain(text: str) -> str:
    """Keep a text from being read as Markdown or HTML."""
    return re.sub(r"([|<>*_])", r"\\\1", text)


def sentences(documented: object) -> str:
    """The docstring's first paragraph, as one line and without citations."""
    return prose((documented.__doc__ or "").split("\n\n")[0])


def prose(text: str) -> str:
    """One line of a docstring, without citations."""
    text = CITATION.sub("", " ".join(text.split()))
    return text.replace("`None`", "nothing").replace("|", r"\|")


def meanings(message: type) -> dict[str, str]:
    """What a class says of its attributes and properties."""
    found: dict[str, str] = {}
    for kind in reversed(message.__mro__[:-1]):
        _, _, section = (kind.__doc__ or "").partition("Attributes:\n")
        found |= dict(re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", section, re.MULTILINE))
        properties = {name: it for name, it in vars(kind).items() if isinstance(it, property)}
        found |= {name: it.__doc__ or "" for name, it in properties.items()}
    return {name: prose(text) for name, text in found.items()}


def link(table: Table) -> str:
    """Name the section where a part is described."""
    name = table.message.__name__
    if issubclass(table.message, OrderInformation):
        return "[row of an order](#getorderinformation)"
    return f"[{name}](#{name.lower()})"


def value_of(row: Row) -> str:
    """Say what stands in an element."""
    if isinstance(row, Group):
        return f"any number of {link(row.table)}"
    if isinstance(row, Part):
        return link(row.table)
    if isinstance(row, Leaves):
        return f"any other element, at most {row.most}: its name and text"
    return plain(row.converter.name)


def shown(value: object) -> str:
    """Write a default."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "" if value in {None, ""} else f"`{value}`"


def without_in_request(row: Row) -> str:
    """Say what a request without the element means."""
    if not isinstance(row, Field):
        return ""
    return "refused" if row.default is REQUIRED else shown(row.default)


def without_in_reply(row: Row) -> str:
    """Say what a reply has where there is nothing to say."""
    if not isinstance(row, Field):
        return "always there" if isinstance(row, Group) and row.required else "left out"
    if row.written_only:
        return "only written"
    if row.default is REQUIRED:
        return "always there"
    if row.default is not None:
        return shown(row.default) or "empty"
    return "left out" if row.nothing is None else f"`{row.nothing}`" if row.nothing else "empty"


def fields_of(table: Table, *, asked: bool) -> str:
    """Write the rows of one message."""
    meaning = meanings(table.message)
    without = without_in_request if asked else without_in_reply
    attributes = [(f"{table.root[-1]}@{row.path[0]}", row) for row in table.attributes]
    rows = [*attributes, *(("/".join(row.path), row) for row in table.rows)]
    return table_of(
        ["path", "value", "without it" if asked else "when there is nothing", "meaning"],
        (
            [path_of(path, row), value_of(row), without(row), meaning.get(row.attribute, "")]
            for path, row in rows
        ),
    )


def path_of(path: str, row: Row) -> str:
    """Write a path in the spellings that are read."""
    path = f"{path}/*" if isinstance(row, Leaves) else path
    alias = isinstance(row, Field) and row.alias
    return f"`{path}`, also `{'/'.join(alias)}`" if alias else f"`{path}`"


def root_of(table: Table) -> str:
    """Say where a message stands, unless it is where messages stand."""
    root = "/".join(table.root)
    return "" if root.startswith("TKKPG/") else f" The root is `{root}`."


def operation(asked: Operation) -> str:
    """Describe an operation: its request and its replies."""
    request, reply = schema.REQUESTS[asked], schema.RESPONSES[asked]
    text = f"### {asked}\n\n{sentences(request.message)}\n\n{fields_of(request, asked=True)}"
    for table in filter(None, (reply, schema.ENVELOPED.get(asked))):
        text += f"\nReply: {sentences(table.message)}{root_of(table)}\n\n"
        text += fields_of(table, asked=False)
        if table is schema.INFORMATION:
            text += f"\n{sentences(UnpaidOrderInformation)}\n"
    return text


def parts() -> str:
    """Describe what stands inside messages, each once."""
    tables = [*schema.REQUESTS.values(), *schema.RESPONSES.values(), schema.BARE_CALLBACK]
    found: dict[type, tuple[Table, bool]] = {}
    for table in tables:  # which grows on the way
        asked = table in schema.REQUESTS.values() or found.get(table.message, (table, False))[1]
        for row in table.rows:
            inner = row.table if isinstance(row, Group | Part) else None
            if inner and inner.message not in {OrderInformation, XMLOut, *found}:
                found[inner.message] = (inner, asked)
                tables.append(inner)
    return "\n".join(
        f"### {message.__name__}\n\n{sentences(message)}\n\n{fields_of(table, asked=asked)}"
        for message, (table, asked) in found.items()
    )


def banks() -> str:
    """List what each profile does differently."""
    return table_of(
        ["profile", "what differs", "seen in"],
        (
            [f"`{profile.name}`", one.about, one.source]
            for profile in PROFILES.values()
            for one in profile.variants
        ),
    )


def statuses() -> str:
    """List every status of a request."""
    return table_of(
        ["status", *Language],
        ([f"`{it}`", *(plain(status_text(it, one)) for one in Language)] for it in OperationStatus),
    )


def words(rule: Rule) -> str:
    """Say an event in words."""
    return rule.event.replace("_", " ").lower()


def diagram() -> str:
    """Draw every step of an order."""
    lines = [f'    state "{status}" as {status.name}' for status in OrderStatus]
    lines.append("    [*] --> CREATED")
    ordered = sorted(RULES, key=attrgetter("source", "target"))
    for (source, target), rules in groupby(ordered, attrgetter("source", "target")):
        lines.append(f"    {source.name} --> {target.name}: {', '.join(map(words, rules))}")
    final = set(OrderStatus) - {rule.source for rule in RULES}
    lines += [f"    {status.name} --> [*]" for status in OrderStatus if status in final]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def steps() -> str:
    """List every step of an order, with what the ledger books."""
    return table_of(
        ["from", "event", "to", "ledger"],
        (
            [f"`{it.source}`", words(it), f"`{it.target}`", f"`{it.posting}`" if it.posting else ""]
            for it in RULES
        ),
    )


def codes() -> str:
    """List every response code."""
    return table_of(
        ["code", "outcome", "said by", *Language],
        (
            [f"`{it.code}`", it.outcome, it.origin, *(plain(it.text(one)) for one in Language)]
            for it in listed()
        ),
    )


def page() -> str:
    """Write the whole page."""
    expiring = " and ".join(f"`{it}`" for it in OrderStatus if it in EXPIRING)
    approving = ", ".join(f"`{code.code}`" for code in listed() if code.approved)
    sections = [
        INTRODUCTION,
        "## Operations\n",
        *map(operation, Operation),
        FAILURE,
        fields_of(schema.FAILURE, asked=False),
        "## Parts of messages\n",
        parts(),
        CALLBACK,
        fields_of(schema.BARE_CALLBACK, asked=False),
        BANKS,
        banks(),
        STATUSES,
        statuses(),
        LIFE.format(expiring=expiring),
        diagram(),
        steps(),
        CODES.format(approving=approving),
        codes(),
    ]
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
