# `make run` needs Python 3.11+ with venv, and nothing else. Every target makes what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run demo test check bench lock clean
.DELETE_ON_ERROR:

run: $(VENV)/run   ## talk to Errand in this terminal
	@$(BIN)/errand chat

demo: $(VENV)/run  ## watch the whole flow, played with a scripted model
	@$(BIN)/errand demo

test: $(VENV)/dev  ## all tests
	$(BIN)/python -m pytest -n 2

check: $(VENV)/dev ## lint, types, import rules, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

bench: $(VENV)/dev ## speed and memory, as ratios in one run
	$(BIN)/python -m benchmarks

lock: $(VENV)/dev  ## pin what pyproject.toml asks for, with hashes
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra build --extra openai --extra time -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra dev -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r requirements/run.txt
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r requirements/dev.txt
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@
