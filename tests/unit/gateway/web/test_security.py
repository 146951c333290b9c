"""Headers, form tokens and foreign forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from tests.gateway_fixtures import merchant
from tests.model_factories import order_in

from tkkpg.gateway.keys import Keys
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.web.security import (
    ANYWHERE,
    Action,
    Verdict,
    form_token,
    is_foreign,
    judge_token,
    page_headers,
)

NOW = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
KEYS = Keys({"page": {"k1": b"1" * 32}})
ORDER = order_in()


def test_a_token_is_fresh_for_its_own_form() -> None:
    for action in Action:
        token = form_token(KEYS, ORDER, action)
        assert judge_token(KEYS, ORDER, action, token) is Verdict.FRESH


def test_a_token_is_stale_once_the_order_has_moved() -> None:
    token = form_token(KEYS, ORDER, Action.PAY)
    assert judge_token(KEYS, replace(ORDER, version=2), Action.PAY, token) is Verdict.STALE


@pytest.mark.parametrize(
    ("other", "action"),
    [
        (ORDER, Action.CANCEL),
        (ORDER, Action.AUTHENTICATE),
        (replace(ORDER, order_id=1000002), Action.PAY),
        (replace(ORDER, session_id="0" * 32), Action.PAY),
    ],
)
def test_a_token_is_good_for_one_action_of_one_order_alone(other: Order, action: Action) -> None:
    token = form_token(KEYS, ORDER, Action.PAY)
    assert judge_token(KEYS, other, action, token) is Verdict.FORGED


def test_a_version_cannot_be_put_on_an_old_token() -> None:
    old = form_token(KEYS, ORDER, Action.PAY)
    moved = replace(ORDER, version=2)
    raised = "2." + old.partition(".")[2]
    assert judge_token(KEYS, moved, Action.PAY, raised) is Verdict.FORGED


def test_a_token_of_an_older_key_still_counts() -> None:
    token = form_token(KEYS, ORDER, Action.PAY)
    rotated = Keys({"page": {"k1": b"1" * 32, "k2": b"2" * 32}})
    assert judge_token(rotated, ORDER, Action.PAY, token) is Verdict.FRESH
    assert form_token(rotated, ORDER, Action.PAY) != token


@given(st.text() | st.from_regex(r"[0-9]\.k1\.[0-9a-f]{64}", fullmatch=True))
def test_whatever_else_is_sent_as_a_token_is_forged(token: str) -> None:
    assert judge_token(KEYS, ORDER, Action.PAY, token) is Verdict.FORGED


@pytest.mark.parametrize(
    ("site", "foreign"),
    [
        (None, False),
        ("same-origin", False),
        ("none", False),
        ("same-site", True),
        ("cross-site", True),
        ("", True),
        ("something new", True),
    ],
)
def test_a_form_is_foreign_when_the_browser_says_so(site: str | None, *, foreign: bool) -> None:
    headers = Headers({} if site is None else {"Sec-Fetch-Site": site})
    assert is_foreign(headers) is foreign


def directives(headers: dict[str, str]) -> dict[str, str]:
    policy = headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in policy)}


def test_a_page_loads_nothing_but_its_own() -> None:
    policy = directives(page_headers(sandbox=False))
    assert policy == {
        "default-src": "'none'",
        "img-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }


def test_only_a_page_that_hands_over_may_send_a_form_anywhere() -> None:
    policy = directives(page_headers(sandbox=False, form_action=ANYWHERE))
    assert "form-action" not in policy
    assert "frame-src" not in policy


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://acs.bank.example/3ds?a=1;b=2,c#d", "https://acs.bank.example"),
        ("https://acs.bank.example", "https://acs.bank.example"),
        ("https://acs.bank.example?next=https://else.example", "https://acs.bank.example"),
        ("HTTPS://ACS.bank.example:8443/", "HTTPS://ACS.bank.example:8443"),
        ("http://127.0.0.1:6445/acs", "http://127.0.0.1:6445"),
        ("http://localhost/acs", "http://localhost"),
    ],
)
def test_a_form_or_a_frame_may_lead_to_the_origin_of_one_address(address: str, origin: str) -> None:
    assert directives(page_headers(sandbox=False, form_action=address))["form-action"] == (
        f"'self' {origin}"
    )
    framing = directives(page_headers(sandbox=False, frame=address))
    assert framing["frame-src"] == f"'self' {origin}"
    assert framing["form-action"] == "'self'"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/acs",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///acs",
        "https://*/",
        "https://*.bank.example/",
        "https://bank.example;script-src",
        "https://bank.example; script-src *",
        "https://bank.example,https://else.example",
        "https://bank.example\r\nA: b",
        "https://bank.example\n",
        "https://user@bank.example/",
        "https://bank.example:1234@else.example/",
        "https://bank.example\\@else.example/",
        "https://bank.example:*/",
        "https://bank.example:/",
        "https://bank.example:123456/",
        "https://b\N{LATIN SMALL LETTER DOTLESS I}nk.example/",
        "https://.bank.example/",
        "https://bank.example./",
        "https://[::1]/",
        " https://bank.example/",
    ],
)
def test_an_address_that_could_open_the_policy_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="policy cannot name it"):
        page_headers(sandbox=False, form_action=address)
    with pytest.raises(ValueError, match="policy cannot name it"):
        page_headers(sandbox=False, frame=address)


def test_nobody_may_frame_a_page_unless_its_merchant_says_who() -> None:
    for headers in (
        page_headers(sandbox=False, merchant=merchant()),
        page_headers(sandbox=False, merchant=merchant(frame_ancestors=" ;, ")),
        page_headers(sandbox=False),  # a refusal: whose order it was is not known
    ):
        assert directives(headers)["frame-ancestors"] == "'none'"
        assert "X-Frame-Options" not in headers
    listed = merchant(frame_ancestors="https://shop.example  https://www.shop.example")
    policy = directives(page_headers(sandbox=False, merchant=listed))
    assert policy["frame-ancestors"] == "https://shop.example https://www.shop.example"


def test_a_merchants_setting_cannot_open_the_policy() -> None:
    sly = merchant(frame_ancestors="https://shop.example; script-src *, default-src *\r\nA: b")
    policy = page_headers(sandbox=False, merchant=sly)["Content-Security-Policy"]
    assert "\n" not in policy
    assert "," not in policy
    assert [part.split()[0] for part in policy.split("; ")].count("script-src") == 1


def test_a_browser_keeps_nothing_and_tells_nobody() -> None:
    headers = page_headers(sandbox=False)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "payment=()" in headers["Permissions-Policy"]


def test_only_a_real_gateway_binds_the_browser_to_https() -> None:
    assert page_headers(sandbox=False)["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in page_headers(sandbox=True)
