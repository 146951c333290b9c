"""One frozen value per request, response and callback, with clean Python names.

Which XML path holds which attribute is the business of `schema`. Secrets of an order stay out of
every `repr` here.
"""

from tkkpg.protocol.messages.callback import (
    XMLOut,
)
from tkkpg.protocol.messages.parts import (
    CardRegistrationResponse,
    CustomField,
    OperationRow,
    OrdersFilter,
    Param,
    POSField,
    Position,
)
from tkkpg.protocol.messages.replies import (
    ClassicOrderInformation,
    CompletionResponse,
    CreateOrderResponse,
    EnvelopedPurchaseResponse,
    Failure,
    GetOrdersResponse,
    GetOrderStatusResponse,
    OrderInformation,
    OrderStatusFailure,
    PurchaseResponse,
    RefundResponse,
    Response,
    ReverseResponse,
    UnpaidOrderInformation,
)
from tkkpg.protocol.messages.requests import (
    CompletionRequest,
    CreateOrderRequest,
    GetOrderInformationRequest,
    GetOrdersRequest,
    GetOrderStatusRequest,
    OrderRequest,
    PurchaseRequest,
    RefundRequest,
    Request,
    ReverseRequest,
)

__all__ = [
    "CardRegistrationResponse",
    "ClassicOrderInformation",
    "CompletionRequest",
    "CompletionResponse",
    "CreateOrderRequest",
    "CreateOrderResponse",
    "CustomField",
    "EnvelopedPurchaseResponse",
    "Failure",
    "GetOrderInformationRequest",
    "GetOrderStatusRequest",
    "GetOrderStatusResponse",
    "GetOrdersRequest",
    "GetOrdersResponse",
    "OperationRow",
    "OrderInformation",
    "OrderRequest",
    "OrderStatusFailure",
    "OrdersFilter",
    "POSField",
    "Param",
    "Position",
    "PurchaseRequest",
    "PurchaseResponse",
    "RefundRequest",
    "RefundResponse",
    "Request",
    "Response",
    "ReverseRequest",
    "ReverseResponse",
    "UnpaidOrderInformation",
    "XMLOut",
]
