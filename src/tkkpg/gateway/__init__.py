"""The bank's side: the gateway that shops and payers talk to."""
