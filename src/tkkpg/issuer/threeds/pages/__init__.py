"""What the cardholder's browser meets at the access control server: challenge and method page."""
