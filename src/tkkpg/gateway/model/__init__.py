"""What is true and what may happen: pure values and decisions.

Nothing here can reach a socket, a clock, a database or a random number. A decision takes facts, a
command and the time, and returns a `Plan`, or raises a refusal.
"""
