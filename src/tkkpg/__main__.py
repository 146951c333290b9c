"""`python -m tkkpg`: the same program as the `tkkpg` command."""

from __future__ import annotations

from tkkpg.cli.main import main

if __name__ == "__main__":
    main(prog_name="tkkpg")
