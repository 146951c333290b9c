#!/bin/sh
# Pins every dependency, direct or not, with its hashes, for Linux and macOS and every
# supported Python: requirements/run.txt (the sandbox) and requirements/dev.txt (all of it).
# Keeps what is pinned already; `make pins ARGS=--upgrade` moves everything to today's
# releases. No address of a registry goes into the files: they install from any.
set -eu
cd "$(dirname "$0")/.."

compile() {
    target=$1
    shift
    .venv/bin/uv --quiet --no-config pip compile --universal --python-version 3.11 \
        --generate-hashes --no-header --no-emit-index-url --annotation-style line \
        --extra sandbox --output-file "requirements/$target.txt" "$@" pyproject.toml \
        requirements/run.in
}

compile run "$@"
compile dev "$@" --constraint requirements/run.txt requirements/dev.in
