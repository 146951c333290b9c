"""An operator resolves a transaction whose outcome the host never told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.model.decisions.resolution import Resolution, plan_resolution
from tkkpg.gateway.model.errors import PolicyRefusal

if TYPE_CHECKING:
    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.runtime import Gateway

OPERATOR = "operator"
"""Actor of what is done on the command line."""


async def resolve(gateway: Gateway, tran_id: int, resolution: Resolution, reason: str) -> int:
    """Record the operator's word for the outcome, and give the order's number.

    Raises:
        PolicyRefusal: There is no such transaction, it has an outcome already, its kind cannot be
            resolved like this, or the reason will not do.
    """
    tran = await gateway.store.transaction(tran_id)
    if tran is None:
        raise PolicyRefusal(
            f"There is no transaction {tran_id}. `tkkpg tran list --unresolved` lists those that "
            "wait for an outcome."
        )

    def planner(context: Context, facts: Facts) -> Plan:
        return plan_resolution(context, facts, tran_id, resolution, reason)

    await decide(gateway, tran.order_id, OPERATOR, planner)
    return tran.order_id
