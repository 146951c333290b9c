"""The sandbox: the gateway, a scripted host, test cards and a demo shop in one command."""
