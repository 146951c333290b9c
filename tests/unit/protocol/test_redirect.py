"""Addresses of the hosted page are read as real clients write them; hostile ones lead nowhere."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from tkkpg.protocol.redirect import (
    payment_url,
    read_order_ref,
    read_payment_url,
    resolve_return_url,
)
from tkkpg.protocol.values import OrderRef

SESSION = "277F3E926B1FADDA45E449B0C0E8CF76"
REF = OrderRef(14008766, SESSION)
BASE = "https://shop.example/pay/"


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("https://tstpg.kapitalbank.az/index.jsp", "https://tstpg.kapitalbank.az/index.jsp?"),
        ("https://bank.example:443/index.jsp", "https://bank.example:443/index.jsp?"),
        ("https://bank.example/", "https://bank.example/?"),
        ("https://bank.example/p?shop=7", "https://bank.example/p?shop=7&"),
        ("https://bank.example/p#top", "https://bank.example/p?"),
    ],
)
def test_the_payment_url_carries_number_and_session(page: str, url: str) -> None:
    assert payment_url(page, REF) == f"{url}ORDERID=14008766&SESSIONID={SESSION}"
    assert read_payment_url(payment_url(page, REF)) == REF


@pytest.mark.parametrize(
    "query",
    [
        f"ORDERID=14008766&SESSIONID={SESSION}",
        f"SessionID={SESSION}&OrderID=14008766",
        f"OrderID=14008766&SessionID={SESSION}",
        f"orderid=14008766&sessionid={SESSION}",
        f"ORDERID=14008766&SESSIONID={SESSION}&",
        f"ORDERID=14008766&SESSIONID={SESSION}&expm=05&expy=17",
        f"&&ORDERID=14008766&&=&SESSIONID={SESSION}",
        f"ORDERID=14008766&ORDERID=14008766&SESSIONID={SESSION}",
        f"ORDERID=&orderid=14008766&SESSIONID={SESSION}",
        f"ORDERID=+14008766+&SESSIONID=%20{SESSION}%0A",
    ],
)
def test_number_and_session_are_found_however_clients_write_them(query: str) -> None:
    assert read_order_ref(parse_qsl(query, keep_blank_values=True)) == REF


def test_query_and_form_are_read_together() -> None:
    assert read_order_ref([("ORDERID", "14008766"), ("SessionID", SESSION)]) == REF


@pytest.mark.parametrize(
    "query",
    [
        "",
        "ORDERID=14008766",
        f"SESSIONID={SESSION}",
        f"ORDERID=&SESSIONID={SESSION}",
        f"ORDERID=14008766&ORDERID=14008767&SESSIONID={SESSION}",
        f"ORDERID=14008766&SESSIONID={SESSION}&sessionid=0",
        f"ORDERID=abc&SESSIONID={SESSION}",
        f"ORDERID=-1&SESSIONID={SESSION}",
        f"ORDERID=1.0&SESSIONID={SESSION}",
        f"ORDERID=%D9%A1%D9%A2&SESSIONID={SESSION}",
        f"ORDERID={'1' * 19}&SESSIONID={SESSION}",
        f"ORDERID={'1' * 5000}&SESSIONID={SESSION}",
        f"ORDER_ID=14008766&SESSION_ID={SESSION}",
    ],
    ids=lambda query: query[:40] or "nothing",
)
def test_no_order_is_found_where_a_part_is_missing_or_doubtful(query: str) -> None:
    assert read_order_ref(parse_qsl(query, keep_blank_values=True)) is None


@pytest.mark.parametrize("base", [BASE, ""], ids=["base", "no base"])
@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/ok",
        "http://shop.example:8080/ok?a=1&b=2#end",
        "HTTPS://SHOP.example/Ok",
        "https://mağaza.example/ödəniş",
        "https://[::1]:8080/",
        "http://127.0.0.1",
        "https://shop.example/a@b",
        "https://shop.example/?back=javascript:alert(1)",
        "https://shop.example/#@elsewhere.example",
    ],
)
def test_an_absolute_address_stays_as_it_is(url: str, base: str) -> None:
    assert resolve_return_url(url, base) == url


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("/testshopPageReturn.jsp", "https://shop.example/testshopPageReturn.jsp"),
        ("app.com", "https://shop.example/pay/app.com"),
        ("?state=ok", "https://shop.example/pay/?state=ok"),
        ("../ok", "https://shop.example/ok"),
        ("../../../../ok", "https://shop.example/ok"),
        ("", "https://shop.example/pay/"),
        ("//other.example/ok", "https://other.example/ok"),
        ("/javascript:alert(1)", "https://shop.example/javascript:alert(1)"),
    ],
)
def test_a_relative_address_is_resolved_against_the_shops_base(url: str, resolved: str) -> None:
    assert resolve_return_url(url, BASE) == resolved


@pytest.mark.parametrize(
    "url", ["/testshopPageReturn.jsp", "app.com", "?state=ok", "", "//other.example/ok"]
)
def test_a_relative_address_without_a_base_leads_nowhere(url: str) -> None:
    assert resolve_return_url(url, "") is None


@pytest.mark.parametrize("base", [BASE, ""], ids=["base", "no base"])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("javascript:alert(1)", "must begin with"),
        ("JaVaScRiPt:alert(1)", "must begin with"),
        ("javascript://shop.example/%0Aalert(1)", "must begin with"),
        ("data:text/html,<script>alert(1)</script>", "must begin with"),
        ("vbscript:msgbox(1)", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("ftp://shop.example/", "must begin with"),
        ("blob:https://shop.example/1", "must begin with"),
        ("intent://shop.example/#Intent;end", "must begin with"),
        ("localhost:8080/ok", "must begin with"),
        ("shop.example:8080/ok", "must begin with"),
        ("http:shop.example", "must begin with"),
        ("http:/shop.example", "must begin with"),
        ("https:///shop.example", "must begin with"),
        ("https://", "must begin with"),
        ("https://:443/", "must begin with"),
        ("https://user@shop.example/", "holds a user name"),
        ("https://user:word@shop.example/", "holds a user name"),
        ("https://@shop.example/", "holds a user name"),
        ("https://shop.example@elsewhere.example/", "holds a user name"),
        ("//user@shop.example/", "holds a user name"),
        ("https://shop.example\\@elsewhere.example/", "holds a space"),
        ("https:\\\\shop.example/", "holds a space"),
        ("/\\elsewhere.example", "holds a space"),
        ("\\\\elsewhere.example", "holds a space"),
        ("java\tscript:alert(1)", "holds a space"),
        ("java\nscript:alert(1)", "holds a space"),
        ("\x01javascript:alert(1)", "holds a space"),
        (" javascript:alert(1)", "holds a space"),
        ("https://shop.example/a b", "holds a space"),
        ("https://shop.example/\r\nSet-Cookie:a=b", "holds a space"),
        ("https://shop.example/\x00", "holds a space"),
        ("https://shop.example/\x7f", "holds a space"),
        ("https://shop.example/\x85", "holds a space"),
        ("https://shop.example:99999/", "cannot be read"),
        ("https://shop.example:port/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://shop.example／elsewhere.example/", "cannot be read"),
        ("//[", "cannot be read"),
    ],
)
def test_a_hostile_address_is_refused(url: str, reason: str, base: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}"):
        resolve_return_url(url, base)


def test_an_app_s_address_stays_as_it_is_where_its_scheme_is_listed() -> None:
    for url in ("myapp://paid?order=1", "MyApp:paid", "myapp:/paid"):
        assert resolve_return_url(url, BASE, frozenset({"myapp"})) == url
        with pytest.raises(ValueError, match="must begin with"):
            resolve_return_url(url, BASE, frozenset({"other"}))
    with pytest.raises(ValueError, match="holds a user name"):
        resolve_return_url("myapp://user@paid", BASE, frozenset({"myapp"}))
