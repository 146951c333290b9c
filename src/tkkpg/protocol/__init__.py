"""The TKKPG wire, shared by both sides: values, messages, field tables and the codec.

Pure: standard library only, and nothing that can reach a socket, a clock, a database or a random
number. Read it from the bottom: `values` and `errors`, then `messages`, `schema`, `codec`.
"""
