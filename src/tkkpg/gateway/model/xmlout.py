"""Building the XMLOut that the browser carries and the notification repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.authentication import BY_VERDICT
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.protocol.codec import encode_callback
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.masking import mask_pan_wire
from tkkpg.protocol.messages import CardRegistrationResponse, XMLOut
from tkkpg.protocol.values import Language, OrderStatus
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.transaction import Transaction

AUTHORISED: Final = "01"
"""`AuthorizationResponseCode` of an approved payment (protocol description, 3.3)."""

NEVER_LEFT: Final = frozenset({TranState.RESERVED, TranState.ABANDONED})

STATUS_TEXTS: Final = {
    OrderStatus.CREATED: ("Yaradılıb", "Created", "Создан"),
    OrderStatus.ON_PAYMENT: ("Ödəniş gedir", "Payment in progress", "Идёт оплата"),
    OrderStatus.ON_LOCK: ("Yoxlanılır", "Being checked", "Проверяется"),
    OrderStatus.APPROVED: ("Ödənilib", "Paid", "Оплачен"),
    OrderStatus.PREAUTH_APPROVED: ("Məbləğ bloklanıb", "Amount held", "Сумма заблокирована"),
    OrderStatus.DECLINED: ("Rədd edilib", "Declined", "Отклонён"),
    OrderStatus.CANCELED: ("Ödəyici imtina edib", "Cancelled by the payer", "Отменён плательщиком"),
    OrderStatus.REVERSED: ("Ləğv edilib", "Reversed", "Операция отменена"),
    OrderStatus.ON_REFUND: ("Geri qaytarılır", "Refund in progress", "Идёт возврат"),
    OrderStatus.REFUNDED: ("Geri qaytarılıb", "Refunded", "Возвращён"),
    OrderStatus.EXPIRED: ("Vaxtı bitib", "Expired", "Истёк срок оплаты"),
    OrderStatus.ERROR: ("Xəta baş verib", "Error", "Ошибка"),
}
"""Order statuses in Azerbaijani, English and Russian."""


def local(moment: datetime | None) -> datetime | None:
    """Turn UTC into the wire's local time without a zone."""
    return None if moment is None else moment.astimezone(BAKU).replace(tzinfo=None)


def status_text(status: OrderStatus, language: Language) -> str:
    """Say an order's status in a language."""
    return STATUS_TEXTS[status][(Language.AZ, Language.EN, Language.RU).index(language)]


def payment_of(transactions: Iterable[Transaction]) -> Transaction | None:
    """Find the authorisation that decides or decided the order.

    It is the last one. One that never left decides nothing, unless 3-D Secure declined the order.
    """
    found = None
    for tran in transactions:
        passed_over = tran.state in NEVER_LEFT and tran.response_code is None
        if tran.kind is TranKind.AUTHORISATION and not passed_over:
            found = tran
    return found


def xmlout(
    order: Order,
    merchant: Merchant,
    tran: Transaction | None,
    now: datetime,
    payment: Transaction | None = None,
) -> XMLOut:
    """Say what happened to an order.

    OrderStatus and ResponseDescription are always there, in the order's language: the bank's FAQ
    tells merchants to read these two.

    Args:
        order: As committed; its status is told as it is.
        merchant: Whose order it is.
        tran: The transaction that led here, if any: without one (cancelled, expired) there is
            no card, code or number to tell, and the moment is that of the order's last step
            (protocol description, 3.3: TranDateTime must be there, and shops convert it unasked).
        now: Business time.
        payment: The payment, where `tran` is about it. TwoId is always the payment's: the
            document has merchants send it back as TranId, which names what is refunded.
    """
    numbered = payment or tran
    happened_at = tran.finished_at if tran else order.updated_at
    code = tran.response_code if tran else None
    text = status_text(order.status, order.language)
    return XMLOut(
        date=local(now),
        order_id=order.order_id,
        session_id=order.session_id,
        transaction_type=operation_name(tran.kind, order) if tran else order.order_type,
        rrn=tran.rrn if tran and tran.sent_at else None,
        pan=mask_pan_wire(tran.pan_masked) if tran and tran.pan_masked else None,
        amount_minor=order.amount_minor,
        currency=order.currency,
        operation_minor=tran.amount_minor if tran else None,
        tran_date_time=local(happened_at or now),
        response_code=code,
        response_description=response_code(code).text(order.language) if code else text,
        brand=tran.brand if tran else None,
        order_status=order.status,
        approval_code=tran.approval_code or None if tran else None,
        order_description=order.description,
        fee_minor=order.fee_minor,
        status_text=text,
        two_id=numbered.two_id if numbered else None,
        language=order.language,
        shop_name=merchant.name,
        registrations=_registrations(tran),
        three_ds_verification=_verification(numbered),
        three_ds_status=_went_on(numbered),
        authorization_response_code=AUTHORISED if _is_approved(numbered) else None,
    )


def _verification(payment: Transaction | None) -> str | None:
    verdict = payment.authentication.verdict if payment and payment.authentication else None
    return BY_VERDICT[verdict].verification if verdict else None


def _went_on(payment: Transaction | None) -> str | None:
    if payment is None or _verification(payment) is None:
        return None
    return "Approved" if payment.sent_at else "Declined"


def _is_approved(payment: Transaction | None) -> bool:
    return payment is not None and payment.state is TranState.APPROVED


OPERATION_NAMES: Final = {
    TranKind.COMPLETION: "Completion",
    TranKind.REVERSAL: "Reverse",
    TranKind.REFUND: "Refund",
}
"""Names of operations on a paid order, in `TransactionType` and `OperName`."""


def operation_name(kind: TranKind, order: Order) -> str:
    """Name an operation: an authorisation by the order's type, Purchase or PreAuth."""
    return OPERATION_NAMES.get(kind, order.order_type)


def _registrations(tran: Transaction | None) -> tuple[CardRegistrationResponse, ...]:
    """Tell of the card that was saved with a payment."""
    card_uid = tran.saved_card_uid if tran else None
    if tran is None or card_uid is None:
        return ()
    pan_masked, brand = mask_pan_wire(tran.pan_masked or ""), tran.brand or ""
    return (CardRegistrationResponse(pan_masked=pan_masked, card_uid=card_uid, brand=brand),)


def xmlmsg(
    order: Order,
    merchant: Merchant,
    tran: Transaction | None,
    now: datetime,
    payment: Transaction | None = None,
) -> str:
    """Write the form field `xmlmsg` in the shape that the merchant is configured for."""
    return encode_callback(
        xmlout(order, merchant, tran, now, payment),
        wrapped=merchant.xmlout_wrapped,
        as_base64=merchant.xmlout_base64,
        profile=merchant.profile,
    )
