"""One message of each kind, and what they are made of."""

from __future__ import annotations

from typing import Final

from tkkpg.gateway.threeds.messages import (
    AReq,
    ARes,
    CardRange,
    Component,
    CReq,
    CRes,
    Erro,
    Message,
    MethodCompleted,
    PReq,
    PRes,
    RReq,
    RRes,
    TransStatus,
)
from tkkpg.protocol.masking import Secret

OURS: Final = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
DIRECTORYS: Final = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
ISSUERS: Final = "d7c1ee99-9478-44a6-b1f2-391e29c6b340"
PAN: Final = "4169733213495869"
CAVV: Final = "MTIzNDU2Nzg5MDA5ODc2NTQzMjE="

PREQ: Final = PReq(three_ds_server_trans_id=OURS, three_ds_server_ref_number="TKKPG_3DSS")
PRES: Final = PRes(
    three_ds_server_trans_id=OURS,
    ds_trans_id=DIRECTORYS,
    serial_num="7",
    card_ranges=(
        CardRange(
            start="4169730000000000",
            end="4169739999999999",
            method_url="https://acs.example/method",
        ),
    ),
)
AREQ: Final = AReq(
    three_ds_server_trans_id=OURS,
    three_ds_server_ref_number="TKKPG_3DSS",
    three_ds_server_url="https://localhost:9443/results",
    three_ds_requestor_id="E1000010",
    three_ds_requestor_name="Nar",
    three_ds_requestor_url="https://shop.example",
    three_ds_comp_ind=MethodCompleted.UNAVAILABLE,
    acct_number=Secret(PAN),
    card_expiry_date=Secret("3005"),
    purchase_amount="3000",
    purchase_currency="944",
    purchase_exponent="2",
    purchase_date="20261124080000",
    merchant_name="Nar mağazası",
    mcc="5999",
    merchant_country_code="031",
    acquirer_bin="416973",
    acquirer_merchant_id="E1000010",
    notification_url="https://pay.example/threeds",
    browser_accept_header="text/html",
    browser_user_agent="Mozilla/5.0",
    browser_language="az",
    browser_javascript_enabled=False,
)
ARES: Final = ARes(
    three_ds_server_trans_id=OURS,
    ds_trans_id=DIRECTORYS,
    acs_trans_id=ISSUERS,
    trans_status=TransStatus.PROVED,
    eci="05",
    authentication_value=Secret(CAVV),
)
CREQ: Final = CReq(three_ds_server_trans_id=OURS, acs_trans_id=ISSUERS)
CRES: Final = CRes(
    three_ds_server_trans_id=OURS, acs_trans_id=ISSUERS, trans_status=TransStatus.PROVED
)
RREQ: Final = RReq(
    three_ds_server_trans_id=OURS,
    ds_trans_id=DIRECTORYS,
    acs_trans_id=ISSUERS,
    trans_status=TransStatus.PROVED,
    eci="05",
    authentication_value=Secret(CAVV),
    interaction_counter="01",
)
RRES: Final = RRes(three_ds_server_trans_id=OURS, ds_trans_id=DIRECTORYS, acs_trans_id=ISSUERS)
ERRO: Final = Erro(
    error_code="203",
    error_component=Component.DIRECTORY,
    error_description="Elements are not as they must be.",
    error_detail="acctNumber",
)
ALL: Final[tuple[Message, ...]] = (PREQ, PRES, AREQ, ARES, CREQ, CRES, RREQ, RRES, ERRO)
