"""The card issuer behind the host link: accounts, holds, charges, and a journal of all of them.

A process of its own that speaks the dialect of `gateway.host.fields` over TCP. It knows nothing of
orders and merchants' accounts, so its journal is an independent witness of what was really done.
"""
