#!/bin/sh
# Prints the first Python that tkkpg runs on: $PYTHON if set, else one on PATH. Each is started,
# not only looked up: version managers leave commands on PATH that answer only "not installed".
names=${PYTHON:-python3.13 python3.12 python3.11 python3}
for name in $names; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        command -v "$name"
        exit 0
    fi
done
echo "tkkpg needs Python 3.11 or newer, and there is none by the name of $names." \
    "Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2
exit 1
