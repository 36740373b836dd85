# Two commands on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-slow test-all lint install install-test constraints clean

demo: install
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo.sh demo

test: install-test lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# What takes minutes and fits a check of every change: trainings of the starters and on public data, simulations, malformed requests.
test-slow: install-test
	$(BIN)/python -m pytest -n $(JOBS) -m "slow and not s3_real" --timeout 1200 tests/e2e tests/unit/benchmarks tests/unit/serving/server

# Everything, with the whole matrix of Git operations and crashes at a hundred moments: more than an hour.
test-all: install-test lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not s3_real" --timeout 3600

lint: install-test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/.installed

install-test: $(VENV)/.installed-test

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

# After raising a version in pyproject.toml: pin the whole tree again. `+cpu` is a local build that PyPI does not have.
constraints: install-test
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > constraints.txt

clean:
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
