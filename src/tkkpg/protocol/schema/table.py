"""What a table is: rows that say which XML path holds which attribute, and how."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tkkpg.protocol.converters import Converter
    from tkkpg.protocol.values import Operation

Path: TypeAlias = tuple[str, ...]
"""Tags from the outer element to the inner one."""

REQUIRED: Final = object()
"""Marks a field without which the message is refused."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table.

    Attributes:
        attribute: Name in the Python message.
        path: Tags below the message's root.
        converter: How the text is read and written.
        default: Value of an absent or empty element, or `REQUIRED`.
        nothing: What is written for `None`: a text, or `None` to leave the element out.
        written_only: The element repeats another attribute and is not read.
        brief: The element is left out while the attribute has its default.
        alias: Another spelling of the path, which is read only.
    """

    attribute: str
    path: Path
    converter: Converter
    default: Any = REQUIRED
    nothing: str | None = None
    written_only: bool = False
    brief: bool = False
    alias: Path | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A row that repeats: every element at `path` is a message of its own.

    Attributes:
        table: Of each element.
        others: Tables that write messages of other classes in the same place.
        required: One at least must stand there.
    """

    attribute: str
    path: Path
    table: Table
    others: tuple[Table, ...] = ()
    required: bool = False

    def table_of(self, member: object) -> Table:
        """Give the table that writes a member."""
        return next((one for one in self.others if one.message is type(member)), self.table)


@dataclass(frozen=True, slots=True)
class Part:
    """A row that is a message of its own, made of defaults where the element is absent."""

    attribute: str
    path: Path
    table: Table


@dataclass(frozen=True, slots=True)
class Leaves:
    """A row of every element inside `path` that has no row of its own: name and text.

    Attributes:
        message: Class with `name` and `value`.
        known: Tags that have a row of their own.
        most: Elements that are read at most.
    """

    attribute: str
    path: Path
    message: type
    known: frozenset[str]
    most: int


@dataclass(frozen=True, slots=True)
class Table:
    """How one message stands on the wire.

    Attributes:
        message: The Python class.
        root: Tags from the document's root down to the message.
        operation: Written as the first element, where the message has one.
        rows: The fields in the order in which they are written.
        attributes: XML attributes of the last tag of `root`, which their rows have as path.
        places: Where the rows stand, by path; derived from them, as what follows.
        absent: What each attribute is without its element.
        required: Rows whose element may not be absent.
    """

    message: type
    root: Path
    rows: tuple[Row, ...]
    operation: Operation | None = None
    attributes: tuple[Field, ...] = ()
    places: dict[Path, Place] = dataclasses.field(init=False, repr=False, compare=False)
    absent: dict[str, Any] = dataclasses.field(init=False, repr=False, compare=False)
    required: tuple[Row, ...] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive from the rows what reads them in one pass."""
        read = [row for row in self.rows if not (isinstance(row, Field) and row.written_only)]
        object.__setattr__(self, "places", _places(read))
        absent = {row.attribute: _absent(row) for row in read}
        required = tuple(row for row in read if absent[row.attribute] is REQUIRED)
        object.__setattr__(self, "absent", absent)
        object.__setattr__(self, "required", required)


class Place(NamedTuple):
    """An element that may stand once: its path, in the spelling that counts, and its rows."""

    path: Path
    rows: tuple[Row, ...]


def _places(rows: list[Row]) -> dict[Path, Place]:
    at: dict[Path, tuple[Row, ...]] = {(): ()}
    for row in rows:
        path = row.path[:-1] if isinstance(row, Group) else row.path
        way = {path[:end]: () for end in range(1, len(path))}
        at = way | at | {path: (*at.get(path, ()), row)}
    places = {path: Place(path, found) for path, found in at.items()}
    aliases = {row.alias: places[row.path] for row in rows if isinstance(row, Field) and row.alias}
    return places | aliases


def _absent(row: Row) -> Any:  # noqa: ANN401 - whatever the attribute's type is
    if isinstance(row, Field):
        return row.default
    if isinstance(row, Part):
        return row.table.message()
    return REQUIRED if isinstance(row, Group) and row.required else ()


def field(
    attribute: str,
    path: str,
    converter: Converter,
    *,
    default: Any = REQUIRED,  # noqa: ANN401 - whatever the attribute's type is
    nothing: str | None = None,
    written_only: bool = False,
    brief: bool = False,
) -> Field:
    """Make a row; the path is written with slashes."""
    default = None if written_only else default
    path_of_tags = tuple(path.split("/"))
    return Field(attribute, path_of_tags, converter, default, nothing, written_only, brief)


Row = Field | Group | Part | Leaves
"""A row of a table."""
