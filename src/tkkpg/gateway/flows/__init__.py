"""Use cases: one file, one verb; each decides, commits, talks to the outside, and records."""
