# Everything a newcomer needs is behind `make run` and `make test`; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HTTPBIN := .venv-httpbin
BENCH := .venv-bench
FASTIFY := benchmarks/targets/fastify
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet
# Who has nothing left to do takes over tests of others; more than eight would want more connections than there are.
PARALLEL := -n auto --maxprocesses 8 --dist worksteal
INSTALL := PYTHON="$(PYTHON)" tools/install.sh

export PIP_REQUIRE_VIRTUALENV := 1

.DEFAULT_GOAL := help
.PHONY: help run setup test test-fast test-fresh test-contract test-chaos test-model test-hostile test-mutation bench bench-scale bench-clients bench-engine bench-fairness bench-retention bench-limits check format contract contract-diff mock sdk docs lock wheel clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/demo ## Start the service with demo data on 127.0.0.1:8080; Ctrl-C stops all of it.
	@exec $(BIN)/automation demo

setup: $(VENV)/development ## Create the virtual environment with everything that development needs.

test: $(VENV)/development $(HTTPBIN)/installed ## Run the tests on an embedded PostgreSQL, on all cores; ARGS="-k name" runs some.
	@tools/provide.sh curl git
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-fast: $(VENV)/development ## Run the tests that start no process, PostgreSQL's neither: about a minute.
	$(BIN)/python -m pytest $(PARALLEL) -n $$(getconf _NPROCESSORS_ONLN) -m "not process and not database" --ignore=tests/outside --ignore=tests/system $(ARGS)

test-fresh: ## Follow the README on machines where nothing was prepared, as root and as an ordinary user; needs root, takes minutes.
	@[ "$$(id -u)" != 0 ] || tools/provide.sh curl git mmdebstrap unshare
	@$(PYTHON) -m tests.fresh $(ARGS)

test-contract: $(VENV)/development node_modules/.package-lock.json outside ## Prove the contract with outside tools: SDKs, 10,000 attacks, a judging proxy, a browser; takes minutes.
	AUTOMATION_TEST_STARTS=real $(BIN)/python -m pytest $(PARALLEL) --dist loadfile --no-loadscope-reorder tests/outside $(ARGS)

test-chaos: $(VENV)/development ## Run 1,000 executions and 1,300 due times while workers are killed and frozen; takes minutes.
	$(BIN)/python -m pytest tests/system/chaos_in_full.py tests/system/schedules_in_full.py --log-cli-level=INFO

test-model: $(VENV)/development ## Play with runs and faults at random for three minutes, and check what they promise; AUTOMATION_TEST_SEED=18 repeats.
	$(BIN)/python -m pytest tests/system/model/at_length.py --log-cli-level=INFO

test-hostile: $(VENV)/development ## Attack a service that runs, for minutes, and look what an innocent tenant notices; AUTOMATION_TEST_SEED=18 repeats.
	$(BIN)/python -m pytest tests/system/hostile/at_length.py --log-cli-level=INFO

test-mutation: $(VENV)/development ## Set faults into the code that matters most, and say which no test notices; ARGS="--some --minutes 5".
	@$(BIN)/python -m tools.mutation $(ARGS)

bench: $(VENV)/development $(BENCH)/installed fastify ## Measure the hot operation against its peers and the floor; ARGS="--rounds 1 --seconds 1" is short.
	@tools/provide.sh wrk
	@$(BIN)/python -m benchmarks.comparison $(ARGS)

bench-scale: $(VENV)/development ## Measure the hot operation at up to 10 million executions, and memory after 1 million requests.
	@tools/provide.sh wrk
	@$(BIN)/python -m benchmarks.scale $(ARGS)

bench-clients: $(VENV)/development ## Measure what idle, slow, deaf and greedy clients cost the others; ARGS="--rounds 1 --seconds 2" is short.
	@tools/provide.sh wrk
	@$(BIN)/python -m benchmarks.clients $(ARGS)

bench-engine: $(VENV)/development $(BENCH)/installed ## Measure the engine against Procrastinate and Celery; ARGS="--rounds 1 --executions 50" is short.
	@tools/provide.sh redis-server
	@$(BIN)/python -m benchmarks.engines $(ARGS)

bench-retention: $(VENV)/development ## Measure what reads notice while a worker removes a million executions; ARGS="--executions 100000" is short.
	@tools/provide.sh wrk
	@$(BIN)/python -m benchmarks.retention $(ARGS)

bench-limits: $(VENV)/development ## Measure what rate limits cost the hot operation; ARGS="--turns 10" is short.
	@$(BIN)/python -m benchmarks.rate_limits $(ARGS)

bench-fairness: $(VENV)/development ## Measure what tenants notice of each other; ARGS="--backlog 1000 --each 100" is short.
	@$(BIN)/python -m benchmarks.fairness $(ARGS)

check: $(VENV)/development node_modules/.package-lock.json ## Lint, format, types, import layers, dependencies where they are used, what nothing uses, what stands twice, and the contract.
	@$(SIDE_BY_SIDE) $(CONTRACT) check-types check-style check-layers check-uses

contract: $(VENV)/development node_modules/.package-lock.json ## Check openapi.yaml alone: validator, linter, and the service's own rules.
	@$(SIDE_BY_SIDE) $(CONTRACT)

# Checkers run on all cores, each one's output in one piece where make can do that; all of them, whatever one has found.
SIDE_BY_SIDE = $(MAKE) --no-print-directory --keep-going --jobs=$$(getconf _NPROCESSORS_ONLN) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
CONTRACT := contract-form contract-redocly contract-spectral contract-rules
.PHONY: $(CONTRACT) check-types check-style check-layers check-uses

contract-form:
	$(BIN)/python -m openapi_spec_validator openapi.yaml

contract-redocly:
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true node_modules/.bin/redocly lint openapi.yaml

contract-spectral:
	node_modules/.bin/spectral lint --fail-severity=warn openapi.yaml

contract-rules:
	$(BIN)/automation contract check

check-types:
	$(BIN)/mypy

check-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-layers:
	$(BIN)/lint-imports --no-cache

check-uses:
	$(BIN)/python -m tools.dependencies
	$(BIN)/python -m tools.unused
	$(BIN)/python -m tools.duplicates

contract-diff: $(VENV)/development ## Tell breaking from compatible changes of openapi.yaml since the last entry, or since BASE=<git ref>.
	@$(BIN)/python -m tools.contract_diff $(BASE)

mock: node_modules/.package-lock.json ## Serve the contract's examples on 127.0.0.1:4010, without a database.
	node_modules/.bin/prism mock --host 127.0.0.1 --port 4010 openapi.yaml

sdk: $(VENV)/development node_modules/.package-lock.json ## Generate the Python and TypeScript clients into dist/sdk/.
	@tools/provide.sh java
	$(BIN)/python -m tools.sdk

docs: $(VENV)/development ## Write docs/errors.md anew from the contract.
	$(BIN)/python -m tools.error_catalogue

format: $(VENV)/development ## Format the code, and mend what the linter can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/development ## Write the lock files anew from pyproject.toml.
	$(COMPILE) --group build pyproject.toml -o locks/runtime.txt
	$(COMPILE) --group build --extra demo --constraints locks/runtime.txt pyproject.toml -o locks/demo.txt
	$(COMPILE) --group dev --extra demo --constraints locks/runtime.txt pyproject.toml -o locks/development.txt
	$(COMPILE) --group bench --constraints locks/runtime.txt -o locks/bench.txt

wheel: $(VENV)/development ## Build the wheel into dist/.
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove the virtual environment and what tools left behind; demo data in .data stays.
	rm -rf $(VENV) $(HTTPBIN) $(BENCH) node_modules $(FASTIFY)/node_modules dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp a set of locked packages: installed again only when its lock or the project's metadata changes, and where the
# environment is lost: its interpreter is gone, or an installation into it was broken off.
LOST := $(shell { [ -e $(VENV)/whole ] && $(BIN)/python -c ''; } 2>/dev/null || echo environment)
.PHONY: environment

$(VENV)/runtime: locks/runtime.txt pyproject.toml $(LOST)
	@$(INSTALL) ./$(VENV) locks/runtime.txt --editable .
	@touch $@

$(VENV)/demo: locks/demo.txt pyproject.toml $(LOST)
	@$(INSTALL) ./$(VENV) locks/demo.txt --editable .
	@touch $@ $(VENV)/runtime

$(VENV)/development: locks/development.txt pyproject.toml $(LOST)
	@$(INSTALL) ./$(VENV) locks/development.txt --editable .
	@touch $@ $(VENV)/demo $(VENV)/runtime

# What the service is compared with; it can't share the project's environment, which would no longer be lean.
$(BENCH)/installed: locks/bench.txt
	@$(INSTALL) ./$(BENCH) locks/bench.txt
	@touch $@

# The one peer in JavaScript; where there is no Node the benchmark says so and goes on without it.
.PHONY: fastify
fastify:
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory $(FASTIFY)/node_modules/.package-lock.json

$(FASTIFY)/node_modules/.package-lock.json: $(FASTIFY)/package-lock.json
	npm ci --prefix $(FASTIFY) --no-audit --no-fund --loglevel=error

# A receiver for the tests that no one here wrote; it can't share the project's environment.
$(HTTPBIN)/installed: locks/httpbin.txt
	@$(INSTALL) ./$(HTTPBIN) locks/httpbin.txt
	@touch $@

.PHONY: outside
outside: # What no language's package registry has.
	@tools/provide.sh curl java chromium pgbouncer

node_modules/.package-lock.json: package-lock.json
	@command -v npm >/dev/null || { echo "make check needs Node 20 or later, with npm, for the contract's linter: install it from your system's packages" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "make check needs Node 20 or later; this is $$(node --version)" >&2; exit 1; }
	npm ci --no-audit --no-fund --loglevel=error
