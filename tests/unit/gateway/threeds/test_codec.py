"""Messages of 3-D Secure in JSON: what is written is read back, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gateway.threeds.examples import (
    ALL,
    AREQ,
    ARES,
    CAVV,
    CREQ,
    CRES,
    ERRO,
    OURS,
    PAN,
    PRES,
)

from tkkpg.gateway.threeds.codec import error_of, from_form, read, to_form, write
from tkkpg.gateway.threeds.messages import (
    AReq,
    ARes,
    Component,
    CRes,
    Erro,
    Message,
    MethodCompleted,
    PReq,
    PRes,
    RReq,
    TransStatus,
)
from tkkpg.gateway.threeds.tables import TABLES
from tkkpg.gateway.threeds.wire import LIMIT_BYTES, LIMIT_DEPTH, ErrorCode, MessageError
from tkkpg.protocol.errors import LocalProtocolError
from tkkpg.protocol.masking import Secret


def changed(message: Message, **elements: object) -> bytes:
    """Write a message, then change elements on the wire; `None` takes one away."""
    found = json.loads(write(message)) | elements
    return json.dumps({name: value for name, value in found.items() if value is not None}).encode()


def refusal(body: bytes, kind: type[Any]) -> MessageError:
    with pytest.raises(MessageError) as caught:
        read(body, kind)
    return caught.value


@pytest.mark.parametrize("message", ALL, ids=lambda message: type(message).__name__)
def test_each_message_is_read_as_it_was_written(message: Message) -> None:
    kind: type[Any] = type(message)
    assert read(write(message), kind) == message


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_a_table_has_a_row_for_each_attribute(kind: type[Any]) -> None:
    rows = {field.attribute for field in TABLES[kind]}
    assert rows == {field.name for field in dataclasses.fields(kind)}


def test_names_on_the_wire_are_those_of_the_specification() -> None:
    found = json.loads(write(AREQ))
    assert found["messageType"] == "AReq"
    assert found["messageVersion"] == "2.2.0"
    assert found["threeDSServerTransID"] == OURS
    assert found["acctNumber"] == PAN
    assert found["deviceChannel"] == "02"
    assert found["browserJavascriptEnabled"] is False
    assert "browserJavaEnabled" not in found


@pytest.mark.parametrize("message", ALL, ids=lambda message: type(message).__name__)
def test_nothing_of_a_card_shows(message: Message) -> None:
    assert PAN not in repr(message)
    assert CAVV not in repr(message)


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@given(
    name=TEXT,
    pan=st.from_regex(r"\A[0-9]{13,19}\Z"),
    amount=st.integers(0, 10**48 - 1),
    completed=st.sampled_from(MethodCompleted),
)
def test_an_areq_of_any_values_is_read_as_it_was_written(
    name: str, pan: str, amount: int, completed: MethodCompleted
) -> None:
    message = dataclasses.replace(
        AREQ,
        merchant_name=name,
        acct_number=Secret(pan),
        purchase_amount=str(amount),
        three_ds_comp_ind=completed,
    )
    assert read(write(message), AReq) == message


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_code(body: bytes) -> None:
    assert refusal(body, ARes).code in ErrorCode


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(name=st.sampled_from([field.name for field in TABLES[ARes]]), value=ANY_JSON)
def test_any_value_in_any_place_is_read_or_refused(name: str, value: object) -> None:
    body = json.dumps(json.loads(write(ARES)) | {name: value}).encode()
    with suppress(MessageError):
        assert isinstance(read(body, ARes), ARes)


def test_unknown_elements_are_passed_over() -> None:
    body = changed(ARES, broadInfo={"a": [1, 2]}, messageExtension=[{"name": "x"}])
    assert read(body, ARes) == ARES


def test_missing_elements_are_all_named() -> None:
    error = refusal(changed(ARES, dsTransID=None, acsTransID=None), ARes)
    assert (error.code, error.detail) == (ErrorCode.MISSING, "dsTransID, acsTransID")


def test_wrong_elements_are_all_named_and_never_repeated() -> None:
    error = refusal(changed(AREQ, acctNumber="41697332134958690000", mcc=5999), AReq)
    assert (error.code, error.detail) == (ErrorCode.FORMAT, "acctNumber, mcc")
    assert "4169" not in str(error)


def test_a_challenge_needs_an_address_and_a_proof_its_value() -> None:
    assert refusal(changed(ARES, authenticationValue=None), ARes).detail == "authenticationValue"
    error = refusal(changed(ARES, transStatus="C"), ARes)
    assert error.detail == "acsURL, acsChallengeMandated"


def test_with_javascript_the_browser_says_more() -> None:
    error = refusal(changed(AREQ, browserJavascriptEnabled=True), AReq)
    assert error.code is ErrorCode.MISSING
    assert "browserTZ" in error.detail


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://acs.example/",
        "http://localhost.example/",
        "http://127.0.0.1@acs.example/",
        "https://user@acs example/",
        "https:///x",
        'https://acs.example/"><script>\n',
        "https://acs.example/" + "x" * 2048,
    ],
)
def test_the_payer_is_sent_to_no_odd_address(url: str) -> None:
    body = changed(ARES, transStatus="C", acsChallengeMandated="Y", acsURL=url)
    assert refusal(body, ARes).detail == "acsURL"


@pytest.mark.parametrize("url", ["https://acs.example:8443/c?x=1", "http://127.0.0.1:8080/c"])
def test_https_and_this_machine_are_addresses(url: str) -> None:
    body = changed(ARES, transStatus="C", acsChallengeMandated="Y", acsURL=url)
    answer = read(body, ARes)
    assert isinstance(answer, ARes)
    assert answer.acs_url == url


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", ErrorCode.NOT_A_MESSAGE),
        (b"[]", ErrorCode.NOT_A_MESSAGE),
        (b"\xff\xfe", ErrorCode.NOT_A_MESSAGE),
        (b'{"messageType":"ARes","x":NaN}', ErrorCode.NOT_A_MESSAGE),
        (b'{"messageType":"ARes","messageType":"ARes"}', ErrorCode.DUPLICATE),
        (b" " * (LIMIT_BYTES + 1), ErrorCode.FORMAT),
        (b'{"a":' + b"[" * LIMIT_DEPTH + b"]" * LIMIT_DEPTH + b"}", ErrorCode.FORMAT),
        (b'{"a":' + b"9" * 5000 + b"}", ErrorCode.NOT_A_MESSAGE),
        (write(CREQ), ErrorCode.NOT_A_MESSAGE),
        (changed(ARES, messageVersion="2.1.0"), ErrorCode.VERSION),
    ],
    ids=["empty", "list", "bytes", "nan", "twice", "long", "deep", "digits", "other", "version"],
)
def test_what_is_no_such_message_has_its_code(body: bytes, code: ErrorCode) -> None:
    assert refusal(body, ARes).code is code


def test_brackets_in_a_text_are_not_depth() -> None:
    body = changed(ERRO, errorDetail='"' + "[" * 100)
    assert isinstance(read(body, ARes), Erro)


@pytest.mark.parametrize("unit", [rb"\"", b'"', b"[]", b"\\"])
def test_a_hostile_text_takes_no_time(unit: bytes) -> None:
    body = b'{"a":"' + unit * ((LIMIT_BYTES - 10) // len(unit))
    begun = time.process_time()
    refusal(body, CRes)
    assert time.process_time() - begun < 1  # seconds; looked at again from each place it took 10


def test_an_erro_may_always_come_whatever_its_version() -> None:
    assert read(changed(ERRO, messageVersion="2.1.0"), PRes) == ERRO


def test_a_message_that_is_not_allowed_is_not_written() -> None:
    with pytest.raises(LocalProtocolError, match=r"PReq cannot be sent.*threeDSServerTransID"):
        write(PReq(three_ds_server_trans_id="7", three_ds_server_ref_number="R"))


def test_a_wrong_record_in_a_list_is_named_by_its_element() -> None:
    body = changed(PRES, cardRangeData=[{"startRange": "4169730000000000", "endRange": 7}])
    assert refusal(body, PRes).detail == "endRange"
    assert refusal(changed(PRES, cardRangeData=["x"]), PRes).detail == "cardRangeData"


def test_forms_carry_base64url_without_padding() -> None:
    value = to_form(CREQ)
    assert "=" not in value
    assert from_form(to_form(CRES) + "==", CRes) == CRES


@pytest.mark.parametrize("value", ["", "a", "*", "ab cd", "é", "A" * 100_000, "A==A", "AB"])
def test_what_is_not_base64url_is_refused(value: str) -> None:
    with pytest.raises(MessageError):
        from_form(value, CRes)


def test_a_refusal_makes_an_erro_that_can_be_sent() -> None:
    erro = error_of(refusal(b"[]", RReq), Component.SERVER, RReq)
    assert read(write(erro), RReq) == erro
    assert (erro.error_code, erro.error_message_type) == ("101", "RReq")


def test_every_status_can_be_sent() -> None:
    for status in TransStatus:
        message = dataclasses.replace(
            ARES, trans_status=status, acs_url="https://acs.example/c", acs_challenge_mandated="N"
        )
        assert read(write(message), ARes) == message
