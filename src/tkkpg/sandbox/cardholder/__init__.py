"""A cardholder without a browser: walks the real pages, as a browser without scripts would.

Whatever is sent is read from the page first, so a page that a browser could not pay on cannot be
paid on here either.
"""

from tkkpg.sandbox.cardholder.browser import CardholderStopped, browser
from tkkpg.sandbox.cardholder.challenge import Challenge, Conduct
from tkkpg.sandbox.cardholder.forms import Form, form_with
from tkkpg.sandbox.cardholder.walk import Journey, Landing, pay

__all__ = (
    "CardholderStopped",
    "Challenge",
    "Conduct",
    "Form",
    "Journey",
    "Landing",
    "browser",
    "form_with",
    "pay",
)
