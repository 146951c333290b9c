"""The port for outgoing deliveries: `Courier`, over HTTP (`http`) or in memory (`recorded`)."""
