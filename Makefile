# Everything a developer runs. A bare `make` prints the targets.

VENV    := .venv
PY      := $(VENV)/bin/python
STAMP   := $(VENV)/.gatelet-ready
COUNTRY := evaluator/country_table.py

CONFORMANCE ?= ../shared/conformance
# All but the exposures: one of their events holds a hash map as text, in random order. pytest compares those parsed.
FAMILIES ?= $(filter-out %.exposures %.exposures_env,$(patsubst %.jsonl.gz,%,$(notdir $(wildcard $(CONFORMANCE)/vectors/*.jsonl.gz $(CONFORMANCE)/*_cases.jsonl.gz))))

.DEFAULT_GOAL := help
.PHONY: help bench setup build build-tools serve check lint types test clients viceroy test-viceroy conform cold-long conform-long events-long publish-long apis mutations schemathesis-long coverage fuel fuel-accept fuel-evaluator bench-evaluator clean

help: ## Print the targets.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) $(COUNTRY) ## Make .venv with everything the other targets need (they do this themselves).

$(STAMP): pyproject.toml devhost/bootstrap.sh
	@sh devhost/bootstrap.sh $(VENV)
	@touch $@

$(COUNTRY): devhost/country_table.py $(STAMP)
	@echo "gatelet: writing the country table"
	@$(PY) -m devhost.country_table
	@touch $@

build: setup ## Build the component bin/main.wasm (FALLBACK=spec.json builds a spec in; FAST=0, MERGE=0, OPTIMIZE=0, WITHOUT=packing,... leave measures out).
	@$(PY) -m devhost.build

build-tools: setup ## Fetch what merges and validates the component of a build: wasm-tools (cargo, minutes) and binaryen (npm).
	@$(PY) -m devhost.after_link.programs

serve: $(if $(filter native,$(HOST)),setup,build) ## Serve on 127.0.0.1:7676 (PORT, SPEC, HOST, EVENTS_PORT, EVENTS_URL, LAYOUT, REUSE, FAULTS change it).
	@exec $(PY) -m devhost.serve

lint: setup ## Check style and formatting.
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

types: setup ## Check types, tests included.
	@$(VENV)/bin/mypy

test: build ## Run every test that needs no server from outside.
	@$(VENV)/bin/pytest

check: lint types test ## Run what CI runs: lint, types and test.

viceroy: setup ## Find Viceroy, Fastly's local server, or build it with cargo (about ten minutes, once a machine).
	@$(PY) -m devhost.viceroy install

clients: setup ## Install the real clients that tests/clients runs, from npm (needs Node.js) and PyPI.
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev,clients]'
	@command -v npm >/dev/null || { echo "gatelet: install Node.js with npm for the clients of browsers"; exit 1; }
	@command -v chromium >/dev/null || echo "gatelet: the test with a browser needs Chromium as well; on Debian: apt install chromium"
	@cd tests/clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

test-viceroy: build viceroy ## Run the tests that need Viceroy.
	@$(VENV)/bin/pytest -m viceroy

conform: setup ## Compare with the shared conformance vectors (CONFORMANCE names their folder).
	@test -f "$(CONFORMANCE)/check" || { echo "gatelet: no vectors in $(CONFORMANCE); set CONFORMANCE to their folder"; exit 1; }
	@$(PY) "$(CONFORMANCE)/check" $(FAMILIES:%=--only %) -- $(VENV)/bin/gatelet evaluate

events-long: build viceroy ## Show that no exposure is lost while the event sink goes through its troubles (minutes).
	@$(PY) -m tests.events_long

publish-long: setup ## Kill fifty pushes at random moments while clients ask, and push again (about ten minutes).
	@$(PY) -m tests.publisher.killed

apis: setup ## Serve the APIs of Fastly's and Cloudflare's stores on loopback, to publish to without an account.
	@exec $(PY) -m devhost.apis

cold-long: setup viceroy ## Show that the fast and the plain build give the same replies (REQUESTS, 200,000 unless told: an hour).
	@$(PY) -m tests.cold_long --requests $(or $(REQUESTS),200000)

conform-long: setup ## Compare a million generated cases with the official core.
	@$(PY) -m tests.conform_long

mutations: setup ## Break 100,000 requests at random and have each answered, without an exception (half a minute).
	@GATELET_MUTATIONS=100000 $(VENV)/bin/pytest -q -s tests/edge/test_mutated_requests.py

schemathesis-long: clients ## Send 20,000 requests made of the OpenAPI document (EXAMPLES of each operation, HOST=embedded, viceroy).
	@test "$(or $(HOST),native)" = native || $(MAKE) build
	@GATELET_EXAMPLES=$(or $(EXAMPLES),170) $(VENV)/bin/pytest -q -s -m "" -k $(or $(HOST),native) tests/clients/test_mutations.py

coverage: setup ## Run what is in the component on this Python and print which of its lines the tests reach.
	@$(VENV)/bin/coverage run -m pytest -q tests/edge tests/evaluator tests/native tests/specstore
	@$(VENV)/bin/coverage report

fuel: setup ## Count the instructions that requests cost, and compare with the accepted figures.
	@$(PY) -m benchmarks.fuel

fuel-accept: setup ## Count, and accept the figures.
	@$(PY) -m benchmarks.fuel --accept

fuel-evaluator: setup ## Count what the evaluator costs in the component (SPEC names another spec).
	@$(PY) -m benchmarks.evaluator_fuel

bench-evaluator: setup ## Compare the speed of gate checks on this Python with Statsig's own SDKs (SPEC names another spec).
	@$(PY) -m benchmarks.evaluator_speed $(if $(SPEC),--spec "$(SPEC)")

bench: setup viceroy ## Compare the service with Statsig's packages for JavaScript under one Viceroy (Node.js; about twenty minutes).
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@$(PY) -m benchmarks.comparison $(if $(SPEC),--spec "$(SPEC)" $(if $(GATE),--gate "$(GATE)"),--docs)

clean: ## Remove what the other targets made, except the cache outside the checkout.
	rm -rf tests/clients/node_modules benchmarks/peers/node_modules benchmarks/peers/bin $(VENV) $(COUNTRY) bin pkg build dist .local .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
