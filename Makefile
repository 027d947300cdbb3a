# What people and CI run. `make` alone says what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# Where cargo puts its artefacts, for the suites that start the binaries.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
VENV ?= $(CURDIR)/.venv

# How long each fuzz target runs, and where their builds and corpora are kept: other compiler flags, so not with the rest.
export FUZZ_SECONDS ?= 60
FUZZ_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/compute/fuzz
FUZZ_TARGETS ?= request reply pointer payload headers log tokens stream

.PHONY: help test install lint rust-test web web-check python-test deploy-check deploy-calls page-test fuzz bench bench-scenarios bench-kernel dist compat

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

test: install lint rust-test web-check python-test page-test ## Everything CI runs; installs what it needs
	@echo "make test: everything passed"

install: ## Installs what the tests need: Debian's Chromium, certutil, libfaketime and valgrind, Node packages, a Python environment, cargo-deny
	@.ci/install "$(VENV)"

lint: ## Formatting, lints, documentation, licences of dependencies
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	cargo deny --locked --workspace check bans licenses sources

rust-test: ## Unit tests, documentation tests, and the end-to-end tests in one process
	cargo test --workspace --locked

web: ## Rebuilds the page's bundle in web/dist, prints its size, fails above its budget
	cd web
	npm ci --no-audit --no-fund
	npm run --silent build

web-check: web ## Checks the page and the API's .proto, and that the committed bundle is what its sources give
	npm --prefix web run --silent check
	npm --prefix web run --silent lint:proto
	npm --prefix web run --silent test
	@changed=$$(git status --porcelain -- web/dist)
	if [ -n "$$changed" ]; then
		echo "web/dist is not what its sources give; run 'make web' and commit:" >&2
		echo "$$changed" >&2
		exit 1
	fi

python-test: ## The system from outside: real processes, moto, Python clients and workers, oracles
	cargo build --workspace --bins --examples --locked
	PATH="$(VENV)/bin:$$PATH" python -m pytest -m "not heavy" local/tests/python

deploy-check: ## The deployment on emulators of AWS and in a clean Debian, some minutes; installs what it needs. Not a part of `make test`
	@.ci/install "$(VENV)"
	.ci/install-deploy-check "$(VENV)"
	cargo build --workspace --bins --locked
	shellcheck deploy/deploy deploy/install deploy/dist deploy/debian/*/postinst
	PATH="$(VENV)/bin:$$PATH" python -m pytest local/tests/python/test_deploy_*.py

bench: ## The system beside the floor that SQS sets, some 15 minutes; redraws bench/latency-by-load.svg. Not a part of `make test`
	bench/run-fast

dist: ## Archives and Debian packages of gateway and worker, in dist/; installs cargo-deb. See deploy/README.md
	deploy/dist dist

# One from before payloads, which its gateway and its worker do not know, and one that sends large lists through S3.
EARLIER ?= abe1ce6 ce5cb84
EARLIER_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/compute/earlier

compat: ## Gateway of today with workers of EARLIER commits, and the reverse; builds those. Not a part of `make test`
	@.ci/install "$(VENV)"
	.ci/build-earlier "$(EARLIER_DIR)" $(EARLIER)
	cargo build --workspace --bins --locked
	folders=$$(printf '$(EARLIER_DIR)/%s:' $(EARLIER))
	PATH="$(VENV)/bin:$$PATH" COMPUTE_EARLIER="$$folders" python -m pytest local/tests/python/test_compat.py

bench-scenarios: ## Load and survival at full length, an hour and more: bench/README.md. Not a part of `make test`
	bench/run-all

bench-kernel: ## The statistics kernel against NumPy and against one summing pass: bench/README.md. Not a part of `make test`
	cargo build --release --locked -p compute-worker --example kernel
	mkdir -p bench-reports
	"$(VENV)/bin/python" bench/kernel.py --json bench-reports/kernel.json

deploy-calls: ## Both suites of the system with every call to SQS and S3 recorded, and compared with deploy/policies
	@.ci/install "$(VENV)"
	cargo build --workspace --bins --examples --locked
	export COMPUTE_RECORDED_CALLS=$$(mktemp)
	cargo test --workspace --locked --test e2e
	PATH="$(VENV)/bin:$$PATH" python -m pytest -m "not heavy" local/tests/python
	PATH="$(VENV)/bin:$$PATH" python local/tests/python/recorded_calls.py "$$COMPUTE_RECORDED_CALLS"

page-test: ## The page in a real browser, and Google's gRPC-Web client
	cargo build --workspace --bins --locked
	npm --prefix web run --silent test:stack

fuzz: ## Makes up what arrives from outside, FUZZ_SECONDS (60) for each target; installs cargo-fuzz. See fuzz/README.md
	@export CARGO_TARGET_DIR="$(FUZZ_DIR)"
	cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
	python3 fuzz/seeds.py "$(FUZZ_DIR)/corpus"
	for target in $(FUZZ_TARGETS); do
		# No sanitizer: what unsafe code there is reads and writes whole arrays by reference; without one twice as much is tried.
		cargo +nightly fuzz run --sanitizer none "$$target" "$(FUZZ_DIR)/corpus/$$target" -- \
			-dict=fuzz/words.dict -max_len=8192 -timeout=10 -max_total_time="$$FUZZ_SECONDS" -print_final_stats=1
	done
	npm --prefix web ci --no-audit --no-fund
	npm --prefix web run --silent fuzz
	echo "make fuzz: nothing found"
