"""The forms of a page, as a browser without scripts reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(slots=True)
class Form:
    """A form of a page.

    Attributes:
        action: Where it is sent, as written on the page.
        end: How a challenge ended, where the form says so; else empty.
        values: Its named fields as they stand there, but for the boxes to tick.
        boxes: Boxes to tick, with the value that each sends when ticked.
        ticked: Boxes that are ticked already.
    """

    action: str
    end: str = ""
    values: dict[str, str] = field(default_factory=dict, repr=False)
    boxes: dict[str, str] = field(default_factory=dict)
    ticked: set[str] = field(default_factory=set)


def form_with(page: str, name: str, value: str | None = None) -> Form | None:
    """Find the form of a page that has a field of this name, and with this value where given."""
    reader = _FormReader()
    reader.feed(page)
    found = (form for form in reader.forms if name in form.values)
    return next((form for form in found if value in {None, form.values[name]}), None)


class _FormReader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a form, or add a field to the one that is open."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(attributes.get("action", ""), attributes.get("data-end", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and (name := attributes.get("name")):
            if attributes.get("type") == "checkbox":
                self._open.boxes[name] = attributes.get("value", "on")
                self._open.ticked |= {name} if "checked" in attributes else set()
            else:
                self._open.values[name] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """End the form that is open."""
        if tag == "form":
            self._open = None
