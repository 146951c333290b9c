# Every verb sets up what it needs; `make` alone lists them.
# ARGS is handed on: make sandbox ARGS=--fresh, make test ARGS="tests/unit -x".

BIN := .venv/bin
ARGS ?=
WORKERS ?= auto
# Read by scripts/find-python.sh; empty means the first fitting one on PATH.
PYTHON ?=
export PYTHON

.PHONY: help setup sandbox test check format crash codes mutants bench pins clean
.DEFAULT_GOAL := help

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: .venv/dev.stamp ## Make .venv with everything that work on the project needs
	@echo "Ready: .venv holds everything."

sandbox: .venv/run.stamp ## Start a gateway to try things on; Ctrl-C stops it
	@exec $(BIN)/tkkpg sandbox $(ARGS)

test: .venv/dev.stamp ## Run the whole test suite, in real Chromium too
	@$(BIN)/python scripts/chromium.py
	@$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

check: .venv/dev.stamp ## Lint, format, types, import contracts, licences of what is pinned
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pip-licenses --summary

format: .venv/dev.stamp ## Write the code the way `make check` wants it
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

codes: .venv/dev.stamp ## Produce every response code in three ways, and follow each to the ledgers
	@$(BIN)/python -m scripts.codes $(ARGS)

bench: .venv/dev.stamp ## Measure; results as JSON
	@$(BIN)/python benchmarks/run.py $(ARGS)

crash: .venv/dev.stamp ## Kill the gateway at every crash point and compare three ledgers
	@$(BIN)/python -m scripts.crash $(ARGS)

mutants: .venv/dev.stamp ## Plant known bugs and show that tests find each; ARGS names some
	@$(BIN)/python -m scripts.mutants $(ARGS)

pins: .venv/dev.stamp ## Pin the dependencies again; ARGS=--upgrade moves them to today's
	@sh scripts/pins.sh $(ARGS)

clean: ## Remove .venv and everything else that can be made again
	rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: requirements/run.txt pyproject.toml scripts/install.sh
	@sh scripts/install.sh run

.venv/dev.stamp: requirements/dev.txt requirements/run.txt pyproject.toml scripts/install.sh
	@sh scripts/install.sh dev
