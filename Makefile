# Two commands on a fresh machine (Debian, Python 3.11, make): `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := gridward controller devices grid_model customers simulations console
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Where Python is told to keep no bytecode, each of the tests' many processes would compile all it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup setup-dev services demo test test-units test-e2e lint console bench soak lock clean

setup: $(VENV)/.run-stamp ## make .venv with the gridward command on it

setup-dev: $(VENV)/.dev-stamp

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); sh config/install_service.sh python3-venv; $(PYTHON) -m venv $(VENV); }

$(VENV)/.run-stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	$(PIP) install --no-compile --require-hashes -r requirements/run.lock
	$(PIP) install --no-compile --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev-stamp: requirements/dev.lock $(VENV)/.run-stamp
	$(PIP) install --no-compile --require-hashes -r requirements/dev.lock
	@touch $@

services: ## broker and browser for the tests, where we may install them; their tests say so loudly where not
	@sh config/install_service.sh mosquitto mosquitto-clients chromium postgresql prometheus mbpoll

demo: setup ## the whole loop, live, on http://127.0.0.1:8080
	$(BIN)/gridward demo

# Side by side: real processes mostly wait, and their tests give a loaded machine more time.
test: setup-dev services
	@$(MAKE) --no-print-directory --keep-going --jobs 2 test-e2e test-units

test-units:
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal -m "not e2e and not soak"

test-e2e: # the folders named hold all that is marked: tests/test_marks.py
	$(BIN)/python -m pytest -n logical --maxprocesses 2 -m "e2e and not soak" tests/e2e tests/simulations/test_mqtt_field.py

lint: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

console: setup-dev ## build the operators' pages into console/static; needs Node 20.19 or later
	@mkdir -p console/static
	$(BIN)/python -m tests.gridward.write_api_document console/web/openapi.json
	cd console/web && npm ci --no-audit --no-fund && npm run --silent api && npm run --silent build
	$(BIN)/python -m tests.console.sources console/static/sources.sha256

bench: setup
	$(BIN)/gridward bench

soak: setup-dev services
	$(BIN)/python -m pytest -m soak
	$(BIN)/python -m pytest -n logical --maxprocesses 8 -m "not e2e and not soak" --hypothesis-profile=explore
	$(BIN)/python -m tests.console.page_soak
	$(BIN)/gridward fuzz --planted --from 5000
	$(BIN)/gridward fuzz --total-hours 100000 --from 10000 --seeds 1000
	$(BIN)/gridward soak kill --kills 1000 --dir build/soak/kills
	$(BIN)/gridward soak kill --kills 20 --daemon --dir build/soak/daemon
	$(BIN)/gridward simulate simulations/scenarios/week.toml --out build/soak
	$(BIN)/gridward soak kill --kills 1000 --store postgres --dir build/soak/postgres
	$(BIN)/python -m tests.controller.lifecycle --planted --examples 200
	$(BIN)/python -m tests.controller.lifecycle --examples 1000 --steps 50

lock: setup-dev ## write the lock files anew
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" pyproject.toml requirements/build.in -o requirements/run.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --extra dev -c requirements/run.lock pyproject.toml requirements/build.in -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --extra postgres -c requirements/run.lock pyproject.toml requirements/build.in -o requirements/postgres.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
