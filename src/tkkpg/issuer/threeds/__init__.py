"""The other side of 3-D Secure 2 for tests: a directory server and an access control server.

They speak the messages of `gateway.threeds.messages` and know of a payment only what these say.
What becomes of an authentication is data, one `Scenario` a card. All state is in memory, bounded,
and holds nothing of a card but its masked number.
"""
