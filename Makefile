# Every target works alone on a fresh clone: it makes .venv, installs the project into it, then does its work.
# `make help` lists the targets; `make test ARGS="-k loss"` hands options to pytest.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
COMPILED := $(VENV)/.compiled
OLDEST := .venv-oldest
ARGS   ?=
OUT    ?= demo

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format test-slow test-oldest docs bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tsrep needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

$(READY): pyproject.toml constraints.txt | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[anomaly,dask,excel,export,index,parquet,serve,vision,zarr,dev,docs]'
	@touch $@

$(COMPILED): $(READY)  # the tests start many interpreters, which need not compile the packages one by one
	-@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib
	@touch $@

setup: $(READY)  ## make .venv and install everything into it

demo: $(READY)  ## train, score and draw on bundled data: one HTML page
	$(BIN)/tsrep demo --out $(OUT)

test: lint $(COMPILED)  ## lint, type checks and the test suite
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)  ## style and type checks only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## fix what the style checks can fix by themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-slow: $(READY)  ## the tests marked slow or gpu (gpu ones skip without an accelerator)
	$(BIN)/python -m pytest -m "slow or gpu" $(ARGS)

test-oldest: $(BIN)/uv  ## the test suite with the oldest direct dependencies allowed
	test -d $(OLDEST) || $(PYTHON) -m venv $(OLDEST)
	$(BIN)/uv pip install --python $(OLDEST)/bin/python --resolution lowest-direct -e '.[anomaly,excel,export,parquet,vision,dev]'
	$(OLDEST)/bin/python -m pytest $(ARGS)

docs: $(READY)  ## the examples in the documentation, then the site in site/
	$(BIN)/python -m pytest -q tests/test_readme.py
	$(BIN)/mkdocs build --strict

bench: $(READY)  ## the published tables, measured again (hours; finished cells are kept)
	$(BIN)/tsrep bench ucr --all --max-length 600
	$(BIN)/tsrep bench uea --all
	$(BIN)/tsrep bench ts2vec-ablation
	$(BIN)/tsrep bench forecasting
	$(BIN)/tsrep bench anomaly --all
	$(BIN)/tsrep bench imputation

clean:  ## remove the environments, caches and built pages
	rm -rf $(VENV) $(OLDEST) build site .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find tsrep tsrep_vision tests -name __pycache__ -type d -prune -exec rm -rf {} +
