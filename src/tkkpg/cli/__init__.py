"""The command line: `tkkpg`, one file per command in `commands`.

What a command prints is for people, and with `--json` one JSON value on one line for programs.
Exit status: 0 done, 1 refused or failed, 2 the command itself was mistyped.
"""
