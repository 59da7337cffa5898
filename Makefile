# make demo   the main job, on simulated visits
# make example  a Django application with a React page and one experiment, to click through
# make example-signup  a Flask application with an experiment on its sign-up page, to click through
# make test   the linters, the types, the imports and all tests, as CI has them
# make coverage  the tests once more, and which lines and branches of abkit they do not reach; takes twice as long
# make drivers  the analysis through the drivers of warehouses, in an environment of their own
# make floors  the tests with the lowest versions that pyproject.toml allows; takes long
# make bench  what a call costs, beside the peers; what is delivered; level and power of the default test
# make docs   the documentation, as HTML in docs/_build
# make pictures  the pictures of the documentation, taken again of a panel that runs
# make wheel  what is distributed, in dist; installed without extras, to see that it works

# The tests start hundreds of processes; each would compile abkit, and each worker all tests, where the
# environment says that Python keeps nothing.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The first pip that knows dependency groups; a new environment may have an older one.
PIP_WITH_GROUPS := pip>=25.1
# Installs what the tests need in a fifth of the time.
UV := uv>=0.13

# What the tests need besides Python: a command, and the Debian package that has it, or another of its own name.
SYSTEM := java:default-jre-headless node:nodejs pg_lsclusters:postgresql redis-server:redis-server \
  npm:npm chromium:chromium-headless-shell mariadbd:mariadb-server

.PHONY: demo example example-signup test coverage bench docs pictures wheel system lint types imports unit drivers floors clean

demo: .venv/demo.installed
	$(BIN)/abkit demo

EXAMPLE := examples/integration_directory
PORT ?= 8000
MANAGE := $(CURDIR)/$(BIN)/python manage.py

example: .venv/example.installed
	@command -v npm >/dev/null || { echo "make example needs npm, and Node.js 20 or later" >&2; exit 1; }
	cd $(EXAMPLE) && $(MANAGE) abkit typescript --out page/src/experiments
	cd $(EXAMPLE)/page && npm install --no-audit --no-fund --no-package-lock --ignore-scripts && npm run build
	@echo; echo "Open http://127.0.0.1:$(PORT)/, sign in as several organizations, and click links."; \
	echo "Ctrl-C stops the server and says what the experiment has found."; echo; \
	cd $(EXAMPLE); trap : INT; \
	$(MANAGE) runserver --noreload $(PORT) || exit; \
	test -d data/events/exposures || { echo "Nobody has seen the directory yet: nothing to analyze."; exit 0; }; \
	echo; set -x; $(MANAGE) abkit analyze ShowPluginsExperiment --events data/events --html report.html

SIGNUP := examples/signup_page

example-signup: .venv/example-signup.installed
	@echo; echo "Open http://127.0.0.1:$(PORT)/, let it recognize your browser, and sign up. Private windows are other visitors."; \
	echo "Ctrl-C stops the server and says what the experiment has found."; echo; \
	cd $(SIGNUP); trap : INT; \
	$(CURDIR)/$(BIN)/flask --app signup.app run --debug --no-reload --port $(PORT) || exit; \
	test -d data/events/exposures || { echo "No visitor has been exposed yet: nothing to analyze."; exit 0; }; \
	echo; set -x; $(CURDIR)/$(BIN)/abkit analyze SignupWithGitHub --html report.html

# While the tests of two workers wait, the types are checked, and then the drivers are tested.
test: system .venv/dev.installed
	@$(MAKE) --no-print-directory lint imports
	@$(MAKE) --no-print-directory --jobs=2 unit types drivers

system:
	@missing=; \
	for each in $(SYSTEM); do \
	  command -v $${each%%:*} >/dev/null || command -v $${each##*:} >/dev/null || missing="$$missing $${each##*:}"; \
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
	@# Outside of src, where abkit is what is installed, and no file of a project.
	@cd .venv && PATH="$(CURDIR)/$(BIN):$$PATH" pyright --verifytypes abkit --ignoreexternal >types.txt \
	  && grep completeness types.txt || { cat types.txt; exit 1; }

imports: .venv/dev.installed
	$(BIN)/lint-imports --no-cache

unit: .venv/dev.installed
	$(BIN)/pytest --numprocesses 2 --dist loadfile --max-worker-restart 4

# Counting lines and branches doubles what Python takes, so that `make test` does without. This run is the
# thorough one: Hypothesis tries more examples.
coverage: system .venv/dev.installed
	ABKIT_EXAMPLES=200 $(BIN)/pytest --numprocesses 2 --dist loadfile --cov

drivers: .venv/drivers.installed
	.venv/drivers/bin/pytest tests/drivers

# Old releases warn about newer ones of others: here a warning is no failure.
floors: system .venv/floors.installed
	.venv/floors/bin/pytest -W default

bench: .venv/bench.installed
	$(BIN)/python -m tests.benchmarks

docs: .venv/dev.installed
	$(BIN)/sphinx-build -W -n -q docs docs/_build
	@echo "docs/_build/index.html"

pictures: system .venv/dev.installed
	$(BIN)/python -m tests.pictures
	@ls docs/images

wheel: | .venv/bin/python
	$(PIP) build
	rm -rf dist .venv/bare
	$(BIN)/python -m build --outdir dist >/dev/null
	$(BIN)/python -m venv .venv/bare
	.venv/bare/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	.venv/bare/bin/abkit --version
	.venv/bare/bin/python -c 'import abkit'
	@ls dist/*

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "abkit needs Python 3.11 or later; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/demo.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[analysis,charts,cli,files,panel]'
	@touch $@

.venv/example.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[analysis,charts,cli,django,files]'
	@touch $@

.venv/example-signup.installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[analysis,charts,cli,files,flask]'
	@touch $@

.venv/dev.installed: pyproject.toml | .venv/bin/python
	$(PIP) '$(UV)'
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[all]' --group dev
	@touch $@

.venv/drivers.installed: pyproject.toml .venv/dev.installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/drivers
	$(BIN)/uv pip install --quiet --python .venv/drivers --editable '.[analysis,files,sql,warehouse]' --group drivers
	@touch $@

.venv/floors.installed: pyproject.toml .venv/dev.installed
	$(BIN)/uv pip compile --quiet --python $(BIN)/python --resolution lowest-direct --extra all \
	  --output-file .venv/floors.txt pyproject.toml
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/floors
	$(BIN)/uv pip install --quiet --python .venv/floors --constraints .venv/floors.txt \
	  --editable '.[all]' --group dev
	@touch $@

.venv/bench.installed: pyproject.toml | .venv/bin/python
	$(PIP) '$(PIP_WITH_GROUPS)'
	$(PIP) --editable '.[all]' --group bench
	@touch $@

clean:
	rm -rf .venv dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
