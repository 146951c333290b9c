"""The port to the database: commits plans atomically, loads facts, knows no rules."""
