"""Questions about orders: status, everything, and lists."""
