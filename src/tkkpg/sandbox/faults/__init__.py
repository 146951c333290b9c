"""Faults on demand and repeatable: what goes wrong between gateway, issuer and merchant.

    dice = Dice(seed=7, rates={"silence": 0.01, "exec-reset": 0.005})
    dice.trigger("late-reply")

A fault strikes at one of three places: `host_line` holds the line to the issuer, `http_faults` the
merchant's notification address and the Exec listener. The same seed and rates give the same faults
at the same messages. `wishes` keeps the response codes that were asked for, and `stand_in` has
payments end with them.
"""

from __future__ import annotations

from tkkpg.sandbox.faults.catalogue import FAULTS, Fault, Place, find_fault
from tkkpg.sandbox.faults.dice import Dice
from tkkpg.sandbox.faults.host_line import faulty_line
from tkkpg.sandbox.faults.http_faults import HttpFaults
from tkkpg.sandbox.faults.stand_in import Wishing, WishingAuthenticator
from tkkpg.sandbox.faults.verbs import fault_verbs, outcome_verbs
from tkkpg.sandbox.faults.wishes import Wishes

__all__ = [
    "FAULTS",
    "Dice",
    "Fault",
    "HttpFaults",
    "Place",
    "Wishes",
    "Wishing",
    "WishingAuthenticator",
    "fault_verbs",
    "faulty_line",
    "find_fault",
    "outcome_verbs",
]
