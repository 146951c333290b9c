#!/bin/sh
# Usage: scripts/install.sh run|dev - makes .venv and installs one set of pins into it, then
# the project itself, editable. $PYTHON, if set, names the Python to make it with.
set -eu
cd "$(dirname "$0")/.."
set_of_pins=$1
python=.venv/bin/python

if ! "$python" -m pip --version >/dev/null 2>&1; then
    base=$(sh scripts/find-python.sh)
    echo "Making .venv with $base ..."
    "$base" -m venv --clear .venv || {
        echo "$base cannot make a virtual environment; on Debian or Ubuntu:" \
            "apt-get install python3-venv, then try again." >&2
        exit 1
    }
fi

pip() {
    # Errors only: what a machine's own pip settings warn about is no news of this project.
    "$python" -m pip --quiet --quiet --disable-pip-version-check install "$@"
}

echo "Installing the pinned packages of requirements/$set_of_pins.txt ..."
pip --require-hashes --requirement "requirements/$set_of_pins.txt"
pip --no-deps --no-build-isolation --editable .

# The set for development holds all that the sandbox needs.
touch .venv/run.stamp
if [ "$set_of_pins" = dev ]; then
    touch .venv/dev.stamp
fi
