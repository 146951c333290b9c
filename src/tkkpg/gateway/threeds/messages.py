"""Messages of EMV 3-D Secure 2.2 for payments in a browser, as both of its sides use them.

Classes are named by their `messageType`; their elements on the wire stand in `tables.py`, and
`codec.py` writes and reads them. All of it is pure, so that a directory or an access control server
may share it. Times are UTC, amounts whole minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tkkpg.protocol.masking import Secret


class TransStatus(StrEnum):
    """`transStatus`: what became of an authentication."""

    PROVED = "Y"
    REFUSED = "N"
    UNAVAILABLE = "U"
    ATTEMPTED = "A"
    CHALLENGE = "C"
    DECOUPLED = "D"
    REJECTED = "R"
    INFORMATION = "I"


class MethodCompleted(StrEnum):
    """`threeDSCompInd`: whether the issuer's method page was called before the AReq."""

    YES = "Y"
    NO = "N"
    UNAVAILABLE = "U"


class Component(StrEnum):
    """`errorComponent`: who found the error."""

    SDK = "C"
    SERVER = "S"
    DIRECTORY = "D"
    ACS = "A"


class ResultsStatus(StrEnum):
    """`resultsStatus` of an RRes."""

    RECEIVED = "01"
    NOT_SENT_ON = "02"
    CANCELLED = "03"


class ChallengeCancel(StrEnum):
    """`challengeCancel`: why a challenge ended without a verdict."""

    CARDHOLDER = "01"
    TIMED_OUT_DECOUPLED = "03"
    TIMED_OUT_ACS = "04"
    TIMED_OUT_ACS_FIRST = "05"
    TRANSACTION_ERROR = "06"
    UNKNOWN = "07"
    TIMED_OUT_SDK = "08"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRange:
    """Card numbers of one issuer, from the first to the last, that take part."""

    start: str
    end: str
    method_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PReq:
    """Our server asks the directory for the card ranges."""

    three_ds_server_trans_id: str
    three_ds_server_ref_number: str
    serial_num: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PRes:
    """The directory's card ranges, whole; none means that those of `serial_num` still hold."""

    three_ds_server_trans_id: str
    ds_trans_id: str
    serial_num: str | None = None
    card_ranges: tuple[CardRange, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AReq:
    """Our server asks for an authentication; `deviceChannel` is 02, `messageCategory` 01.

    Attributes:
        card_expiry_date: `YYMM`.
        purchase_amount: Minor units, digits.
        purchase_currency: Numeric code.
        purchase_date: `YYYYMMDDHHMMSS`, UTC.
        browser_tz: Minutes that UTC is ahead of the browser, as JavaScript says it.
    """

    three_ds_server_trans_id: str
    three_ds_server_ref_number: str
    three_ds_server_url: str
    three_ds_requestor_id: str
    three_ds_requestor_name: str
    three_ds_requestor_url: str
    three_ds_comp_ind: MethodCompleted
    acct_number: Secret
    card_expiry_date: Secret
    purchase_amount: str
    purchase_currency: str
    purchase_exponent: str
    purchase_date: str
    merchant_name: str
    mcc: str
    merchant_country_code: str
    acquirer_bin: str
    acquirer_merchant_id: str
    notification_url: str
    browser_accept_header: str
    browser_user_agent: str
    browser_language: str
    browser_javascript_enabled: bool
    browser_ip: str | None = None
    browser_java_enabled: bool | None = None
    browser_color_depth: str | None = None
    browser_screen_height: str | None = None
    browser_screen_width: str | None = None
    browser_tz: str | None = None
    device_channel: str = "02"
    message_category: str = "01"
    three_ds_requestor_authentication_ind: str = "01"
    trans_type: str = "01"


@dataclass(frozen=True, slots=True, kw_only=True)
class ARes:
    """The issuer's answer, by way of the directory; with C the payer is sent to `acs_url`."""

    three_ds_server_trans_id: str
    ds_trans_id: str
    acs_trans_id: str
    trans_status: TransStatus
    trans_status_reason: str | None = None
    eci: str | None = None
    authentication_value: Secret | None = None
    acs_url: str | None = None
    acs_challenge_mandated: str | None = None
    authentication_type: str | None = None
    acs_reference_number: str | None = None
    ds_reference_number: str | None = None
    cardholder_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CReq:
    """What the payer's browser carries to the access control server, as the field `creq`.

    Attributes:
        challenge_window_size: 01 250×400, 02 390×400, 03 500×600, 04 600×400, 05 the whole window.
    """

    three_ds_server_trans_id: str
    acs_trans_id: str
    challenge_window_size: str = "05"


@dataclass(frozen=True, slots=True, kw_only=True)
class CRes:
    """What the browser carries back, as the field `cres`: unsigned, so it proves nothing."""

    three_ds_server_trans_id: str
    acs_trans_id: str
    trans_status: TransStatus
    challenge_completion_ind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RReq:
    """The result of a challenge, by way of the directory; the only one that counts."""

    three_ds_server_trans_id: str
    ds_trans_id: str
    acs_trans_id: str
    trans_status: TransStatus
    trans_status_reason: str | None = None
    eci: str | None = None
    authentication_value: Secret | None = None
    challenge_cancel: ChallengeCancel | None = None
    interaction_counter: str | None = None
    authentication_method: str | None = None
    authentication_type: str | None = None
    message_category: str = "01"


@dataclass(frozen=True, slots=True, kw_only=True)
class RRes:
    """Our server has the result."""

    three_ds_server_trans_id: str
    ds_trans_id: str
    acs_trans_id: str
    results_status: ResultsStatus = ResultsStatus.RECEIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Erro:
    """A message could not be understood; the description never repeats a value."""

    error_code: str
    error_component: Component
    error_description: str
    error_detail: str
    error_message_type: str | None = None
    three_ds_server_trans_id: str | None = None
    ds_trans_id: str | None = None
    acs_trans_id: str | None = None


Message: TypeAlias = PReq | PRes | AReq | ARes | CReq | CRes | RReq | RRes | Erro
