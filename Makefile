# make demo   the main job, on simulated visits
# make test   everything that CI runs
# make bench  what a call costs, beside the peers; what is delivered

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What the tests need besides Python: a command, and the Debian package that has it.
SYSTEM := java:default-jre-headless node:nodejs pg_lsclusters:postgresql redis-server:redis-server

.PHONY: demo test bench system lint types imports unit clean

demo: .venv/demo.installed
	$(BIN)/abkit demo

test: system lint types imports unit

system:
	@missing=; \
	for each in $(SYSTEM); do \
	  command -v $${each%%:*} >/dev/null || missing="$$missing $${each##*:}"; \
	done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	else echo "not installed; tests that need it are skipped:$$missing"; fi

lint: .venv/dev.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/dev.installed
	$(BIN)/mypy

imports: .venv/dev.installed
	$(BIN)/lint-imports --no-cache

unit: .venv/dev.installed
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: .venv/bench.installed
	$(BIN)/python -m tests.benchmarks

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "abkit needs Python 3.11 or later; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/demo.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[analysis,cli,files]'
	@touch $@

.venv/dev.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[dev]'
	@touch $@

.venv/bench.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[bench]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
