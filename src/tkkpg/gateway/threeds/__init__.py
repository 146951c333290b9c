"""3-D Secure 2: our server, its messages, and the listener for results."""
