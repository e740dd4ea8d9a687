# One venv holds everything; its stamps tell what is installed. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# The tests mostly wait for servers: three modules at a time, the long ones (e2e, faults) first.
SIDE_BY_SIDE ?= --numprocesses 3 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo up down test check lint types unit bench bench-scheduling lock clean

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Genvej needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.local-stamp: requirements/local.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Genvej runs on (pinned and hashed) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/local.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-stamp: requirements/dev.txt $(VENV)/.local-stamp
	@echo "Installing what the tests need (pinned and hashed) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.local-stamp ## Starts the stack, sends a morning's 200 documents through it and prints what happened
	@$(BIN)/genvej demo

up: $(VENV)/.local-stamp ## Starts the stack and keeps it running; Ctrl-C stops it
	@$(BIN)/genvej up

down: $(VENV)/.local-stamp ## Stops a stack that runs in the background
	@$(BIN)/genvej down

test: $(VENV)/.dev-stamp ## Runs lint, types and every test
	@$(MAKE) --no-print-directory lint types
	@$(BIN)/pytest $(SIDE_BY_SIDE)

check: lint types unit ## The fast inner loop: lint, types and unit tests

lint: $(VENV)/.dev-stamp ## Runs ruff and the import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(VENV)/.dev-stamp ## Runs mypy --strict on everything
	@$(BIN)/mypy

unit: $(VENV)/.dev-stamp ## Runs the quick ones of the tests that need no server
	@$(BIN)/pytest -q --numprocesses 2 -m "not examples" tests/unit tests/contract tests/architecture

$(VENV)/.bench-stamp: requirements/bench.txt $(VENV)/.dev-stamp
	@echo "Installing the peers that are measured beside us (pinned and hashed) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

bench: $(VENV)/.dev-stamp ## Measures the runtime beside its peers, then the whole path (about half an hour)
	@$(BIN)/python -m tests.benchmarks.runtime
	@$(BIN)/python -m tests.benchmarks.path

bench-scheduling: $(VENV)/.bench-stamp ## Measures the scheduling engine and writes docs/scheduling-figures.md (hours)
	@$(BIN)/python -m tests.benchmarks.scheduling

lock: $(VENV)/.dev-stamp ## Writes requirements/*.txt anew: newest allowed versions, hashed, without addresses
	@for extra in dev bench local gateway referral scheduling notifications; do \
	  $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra $$extra \
	    $$(test $$extra = dev || echo --constraint requirements/dev.txt) --output-file requirements/$$extra.txt || exit 1; done

clean: ## Removes the venv and the caches, never a stack's state
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
