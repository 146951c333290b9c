"""What the gateway does by itself, round after round: expire, settle, deliver, reconcile."""
