"""The elements of each message of 3-D Secure: names, formats, lengths (EMV 3DS 2.2, A.1)."""

from __future__ import annotations

from typing import Any, Final

from tkkpg.gateway.threeds.messages import (
    AReq,
    ARes,
    CardRange,
    ChallengeCancel,
    Component,
    CReq,
    CRes,
    Erro,
    MethodCompleted,
    PReq,
    PRes,
    ResultsStatus,
    RReq,
    RRes,
    TransStatus,
)
from tkkpg.gateway.threeds.wire import (
    BOOLEAN,
    IDENTIFIER,
    Field,
    digits,
    matching,
    one_of,
    records,
    secret,
    text,
    url,
)

MOST_CARD_RANGES: Final = 20_000
"""Ranges of one PRes; more than all issuers of a scheme have."""

_SERVER_ID: Final = Field("three_ds_server_trans_id", "threeDSServerTransID", IDENTIFIER)
_DS_ID: Final = Field("ds_trans_id", "dsTransID", IDENTIFIER)
_ACS_ID: Final = Field("acs_trans_id", "acsTransID", IDENTIFIER)
_SERVER_REF: Final = Field("three_ds_server_ref_number", "threeDSServerRefNumber", text(32))
_STATUS: Final = Field("trans_status", "transStatus", one_of(TransStatus))
_TWO: Final = digits(2)
_FLAG: Final = matching("[YN]")
_CAVV: Final = secret(matching(r"[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]="))
"""20 bytes in base64, 28 characters."""
_VERDICT: Final = (
    _STATUS,
    Field("trans_status_reason", "transStatusReason", _TWO, optional=True),
    Field("eci", "eci", _TWO, optional=True),
    Field(
        "authentication_value",
        "authenticationValue",
        _CAVV,
        optional=True,
        needed=("trans_status", frozenset({TransStatus.PROVED})),
    ),
    Field("authentication_type", "authenticationType", _TWO, optional=True),
)
_WITH_CHALLENGE: Final = ("trans_status", frozenset({TransStatus.CHALLENGE}))
_WITH_JAVASCRIPT: Final = ("browser_javascript_enabled", frozenset({True}))

_CARD_RANGE: Final = (
    Field("start", "startRange", digits(13, 19)),
    Field("end", "endRange", digits(13, 19)),
    Field("method_url", "threeDSMethodURL", url(256), optional=True),
)

TABLES: Final[dict[type[Any], tuple[Field, ...]]] = {
    PReq: (_SERVER_ID, _SERVER_REF, Field("serial_num", "serialNum", text(20), optional=True)),
    PRes: (
        _SERVER_ID,
        _DS_ID,
        Field("serial_num", "serialNum", text(20), optional=True),
        Field(
            "card_ranges",
            "cardRangeData",
            records(CardRange, _CARD_RANGE, MOST_CARD_RANGES),
            optional=True,
        ),
    ),
    AReq: (
        _SERVER_ID,
        _SERVER_REF,
        Field("three_ds_server_url", "threeDSServerURL", url(2048)),
        Field("three_ds_requestor_id", "threeDSRequestorID", text(35)),
        Field("three_ds_requestor_name", "threeDSRequestorName", text(40)),
        Field("three_ds_requestor_url", "threeDSRequestorURL", url(2048)),
        Field("three_ds_requestor_authentication_ind", "threeDSRequestorAuthenticationInd", _TWO),
        Field("three_ds_comp_ind", "threeDSCompInd", one_of(MethodCompleted)),
        Field("device_channel", "deviceChannel", matching("02")),
        Field("message_category", "messageCategory", matching("01")),
        Field("trans_type", "transType", _TWO),
        Field("acct_number", "acctNumber", secret(digits(13, 19))),
        Field("card_expiry_date", "cardExpiryDate", secret(matching("[0-9]{2}(0[1-9]|1[0-2])"))),
        Field("purchase_amount", "purchaseAmount", digits(1, 48)),
        Field("purchase_currency", "purchaseCurrency", digits(3)),
        Field("purchase_exponent", "purchaseExponent", digits(1)),
        Field("purchase_date", "purchaseDate", digits(14)),
        Field("merchant_name", "merchantName", text(40)),
        Field("mcc", "mcc", digits(4)),
        Field("merchant_country_code", "merchantCountryCode", digits(3)),
        Field("acquirer_bin", "acquirerBIN", digits(1, 11)),
        Field("acquirer_merchant_id", "acquirerMerchantID", text(35)),
        Field("notification_url", "notificationURL", url(256)),
        Field("browser_accept_header", "browserAcceptHeader", text(2048)),
        Field("browser_user_agent", "browserUserAgent", text(2048)),
        Field("browser_language", "browserLanguage", text(8)),
        Field("browser_ip", "browserIP", matching("[0-9a-fA-F:.]{2,45}"), optional=True),
        Field("browser_javascript_enabled", "browserJavascriptEnabled", BOOLEAN),
        *(
            Field(attribute, name, converter, optional=True, needed=_WITH_JAVASCRIPT)
            for attribute, name, converter in (
                ("browser_java_enabled", "browserJavaEnabled", BOOLEAN),
                ("browser_color_depth", "browserColorDepth", matching("1|4|8|15|16|24|32|48")),
                ("browser_screen_height", "browserScreenHeight", digits(1, 6)),
                ("browser_screen_width", "browserScreenWidth", digits(1, 6)),
                ("browser_tz", "browserTZ", matching("[+-]?[0-9]{1,4}")),
            )
        ),
    ),
    ARes: (
        _SERVER_ID,
        _DS_ID,
        _ACS_ID,
        *_VERDICT,
        Field("acs_url", "acsURL", url(2048), optional=True, needed=_WITH_CHALLENGE),
        Field(
            "acs_challenge_mandated",
            "acsChallengeMandated",
            _FLAG,
            optional=True,
            needed=_WITH_CHALLENGE,
        ),
        Field("acs_reference_number", "acsReferenceNumber", text(32), optional=True),
        Field("ds_reference_number", "dsReferenceNumber", text(32), optional=True),
        Field("cardholder_info", "cardholderInfo", text(128), optional=True),
    ),
    CReq: (
        _SERVER_ID,
        _ACS_ID,
        Field("challenge_window_size", "challengeWindowSize", matching("0[1-5]")),
    ),
    CRes: (
        _SERVER_ID,
        _ACS_ID,
        _STATUS,
        Field("challenge_completion_ind", "challengeCompletionInd", _FLAG, optional=True),
    ),
    RReq: (
        _SERVER_ID,
        _DS_ID,
        _ACS_ID,
        *_VERDICT,
        Field("challenge_cancel", "challengeCancel", one_of(ChallengeCancel), optional=True),
        Field("interaction_counter", "interactionCounter", _TWO, optional=True),
        Field("authentication_method", "authenticationMethod", _TWO, optional=True),
        Field("message_category", "messageCategory", matching("01")),
    ),
    RRes: (
        _SERVER_ID,
        _DS_ID,
        _ACS_ID,
        Field("results_status", "resultsStatus", one_of(ResultsStatus)),
    ),
    Erro: (
        Field("error_code", "errorCode", digits(3)),
        Field("error_component", "errorComponent", one_of(Component)),
        Field("error_description", "errorDescription", text(2048)),
        Field("error_detail", "errorDetail", text(2048)),
        Field("error_message_type", "errorMessageType", text(4), optional=True),
        *(field._replace(optional=True) for field in (_SERVER_ID, _DS_ID, _ACS_ID)),
    ),
}
"""For each message its elements; `messageType` and `messageVersion` go before them."""
