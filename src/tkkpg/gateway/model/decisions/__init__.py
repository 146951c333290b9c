"""Decisions: facts and a command become a plan, or a refusal."""
