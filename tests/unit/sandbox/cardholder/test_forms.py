"""What is read of a page's forms."""

from __future__ import annotations

from tkkpg.sandbox.cardholder import form_with

PAGE = """<form action="/pay" data-end="passed"><input type="hidden" name="TOKEN" value="t&quot;1">
<input name="pan"><input type="checkbox" name="register" checked><input type="checkbox" name="x"
value="y"></form><form action="/cancel"><input name="TOKEN" value="other"></form>"""


def test_a_form_is_known_by_a_field_of_its() -> None:
    form = form_with(PAGE, "pan")

    assert form is not None
    assert (form.action, form.end) == ("/pay", "passed")
    assert form.values == {"TOKEN": 't"1', "pan": ""}
    assert 't"1' not in repr(form)
    assert form_with(PAGE, "xmlmsg") is None


def test_a_form_is_known_by_a_field_and_its_value() -> None:
    form = form_with(PAGE, "TOKEN", "other")

    assert form is not None
    assert form.action == "/cancel"
    assert form_with(PAGE, "TOKEN", "") is None


def test_a_box_sends_its_value_when_it_is_ticked() -> None:
    form = form_with(PAGE, "pan")

    assert form is not None
    assert form.boxes == {"register": "on", "x": "y"}
    assert form.ticked == {"register"}
