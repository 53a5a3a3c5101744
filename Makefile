# `make run` needs Python 3.11+ with venv, and nothing else. Every target makes what it needs.
PYTHON ?= python3
VENV ?= .venv
DEV ?= requirements/dev.txt
TESTS ?= -n 3
TIMES ?= 1
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run telegram slack telemetry demo test faults check docs ship litellm bench lock clean
.DELETE_ON_ERROR:

run: $(VENV)/run   ## talk to Errand on its page and in this terminal
	@$(BIN)/errand chat

telegram: $(VENV)/telegram ## serve the Telegram bot of ERRAND_TELEGRAM_TOKEN
	@$(BIN)/errand serve

slack: $(VENV)/slack ## serve the Slack app of ERRAND_SLACK_BOT_TOKEN
	@$(BIN)/errand serve

telemetry: $(VENV)/telemetry ## add what traces and metrics need to what is there

demo: $(VENV)/run  ## watch the whole flow, played with a scripted model
	@$(BIN)/errand demo

test: $(VENV)/dev  ## all tests
	$(BIN)/python -m pytest $(TESTS)

faults: $(VENV)/dev ## what must hold whatever dies, fills up, is cut off or jumps; TIMES=20 again and again
	for time in $$(seq $(TIMES)); do echo "time $$time"; $(BIN)/python -m pytest $(TESTS) -q -m faults || exit 1; done

check: $(VENV)/dev ## lint, types, import rules, and all tests but the slow ones
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 3 -m "not slow"

docs: $(VENV)/dev  ## write what follows from the code: docs/reference, docs/settings.md, the newest schema
	$(BIN)/python -m tests.newest_schema
	$(BIN)/python -m tests.reference

ship: $(VENV)/dev  ## carry out the Dockerfile in a Debian root, as root and with mmdebstrap
	ERRAND_SHIP=1 $(BIN)/python -m pytest tests/shipping/test_image.py

litellm:           ## LiteLLM's tests, in an environment of their own: it wants an older openai than the lock has
	@$(MAKE) VENV=$(VENV)-litellm DEV=requirements/dev-litellm.txt TESTS="-W ignore -k litellm tests/orchestrator" test

bench: $(VENV)/dev ## speed and memory, as ratios in one run
	$(BIN)/python -m benchmarks

lock: $(VENV)/dev  ## pin what pyproject.toml asks for, with hashes
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra build --extra openai --extra time -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra build --extra openai --extra time --extra telegram \
	  -o requirements/telegram.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra build --extra openai --extra time --extra slack \
	  -o requirements/slack.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra telemetry -o requirements/telemetry.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml --extra openai --extra ollama --extra cluster --extra slack --extra telegram \
	  --extra telemetry --extra time -o requirements/container.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 --override requirements/dev-overrides.in pyproject.toml --extra dev -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 --override requirements/dev-overrides.in pyproject.toml --extra dev --extra litellm \
	  -o requirements/dev-litellm.txt

clean:
	rm -rf $(VENV) $(VENV)-litellm build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r requirements/run.txt
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/telegram $(VENV)/slack $(VENV)/telemetry: $(VENV)/%: requirements/%.txt pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r $<
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: $(DEV) pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r $(DEV)
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@
