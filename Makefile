# Sluice: `make demo` shows what it does, `make test` proves it. Both set up all they need in .venv.
# How the pieces hang together: docs/development.md.

SHELL := /bin/sh
.DEFAULT_GOAL := demo
.DELETE_ON_ERROR:
.PHONY: demo test unit integration contract manifests services check format bench crash rescans lock image clean help install-run install-dev

VENV := .venv
BIN := $(VENV)/bin
# Packages come from the locks alone: a machine's own pip settings must not change what is installed.
PIP := env PIP_FIND_LINKS= PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off $(BIN)/python -m pip
# The stamps carry the locks' content in their name, so a changed lock installs again and an unchanged one costs nothing.
digest = $(shell cat pyproject.toml $(1) 2>/dev/null | cksum | tr -c '0-9\n' '-')
RUN_LOCKS := requirements/build.txt requirements/run.txt
DEV_LOCKS := $(RUN_LOCKS) requirements/dev.txt
RUN_STAMP := $(VENV)/.run-$(call digest,$(RUN_LOCKS))
DEV_STAMP := $(VENV)/.dev-$(call digest,$(DEV_LOCKS))
TIERS ?= unit integration contract manifests
PYTEST := $(BIN)/python -m pytest
PYTEST_ARGS ?=
# Tests wait more than they compute, save for the unit tier: twice as many at once as there are cores.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
AT_ONCE ?= $(shell echo $$(( 2 * $(CORES) )))
unit: AT_ONCE := $(CORES)
manifests: AT_ONCE := $(CORES)

## demo: take a release to production and a bad one back, here, in about a minute
demo: $(RUN_STAMP)
	@$(BIN)/sluice demo $(DEMO_ARGS)

## test: all tiers, the quick ones first
test: $(DEV_STAMP)
	@for tier in $(TIERS); do $(MAKE) --no-print-directory $$tier || exit 1; done

## unit, integration, contract, manifests: one tier of tests
unit integration contract manifests: $(DEV_STAMP)
	@echo "== $@ =="
	@$(PYTEST) tests/$@ -n $(AT_ONCE) --dist worksteal $(PYTEST_ARGS)

## services: build the demo services, follow requests through them, a Collector and Jaeger; about five minutes at first
services: $(DEV_STAMP)
	@echo "== $@ =="
	@$(PYTEST) tests/services $(PYTEST_ARGS)

## check: lint, format, types, import contracts
check: $(DEV_STAMP)
	@echo "== ruff check ==" && $(BIN)/ruff check .
	@echo "== ruff format ==" && $(BIN)/ruff format --check .
	@echo "== mypy --strict ==" && $(BIN)/mypy --strict $(wildcard bot handlers config bench scripts) tests
	@echo "== import contracts ==" && $(BIN)/lint-imports --no-logo

## format: mend what ruff can mend by itself
format: $(DEV_STAMP)
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

## bench: each promised figure beside its target, as ratios within one run
bench: $(DEV_STAMP)
	@$(BIN)/python -m bench $(BENCH_ARGS)

## crash: kill or pause at every write, on both databases, and ten minutes without GitLab; about an hour
crash: $(DEV_STAMP)
	@SLUICE_CRASH_POINTS=all $(PYTEST) tests/integration -m crash $(PYTEST_ARGS)

## rescans: a thousand looks of image automation at every kind of image policy, after a rollback
rescans: $(DEV_STAMP)
	@SLUICE_RESCANS=all $(PYTEST) tests/integration/test_running_rescans.py $(PYTEST_ARGS)

## lock: write requirements/*.txt anew from pyproject.toml; UPGRADE=1 also moves to the newest versions
LOCK := $(BIN)/uv pip compile --no-config --system-certs --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(if $(UPGRADE),--upgrade)
BUILD_REQUIRES := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
lock:
	@test -x $(BIN)/uv || { echo "make lock needs uv: run make check once, or $(PIP) install uv"; exit 1; }
	@$(BIN)/python -c '$(BUILD_REQUIRES)' | $(LOCK) --no-annotate - --output-file requirements/build.txt
	@$(LOCK) --group tracing --constraints requirements/build.txt --output-file requirements/tracing.txt
	@$(LOCK) pyproject.toml --constraints requirements/build.txt --constraints requirements/tracing.txt \
		--output-file requirements/run.txt
	@$(LOCK) --group dev --constraints requirements/build.txt --constraints requirements/run.txt \
		--output-file requirements/dev.txt

## image: the container image, with the engine at hand
image:
	@$(or $(shell command -v docker),$(shell command -v podman),docker) build --tag sluice:dev .

## clean: forget the environment and the caches
clean:
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find bot handlers config scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

## help: this list
help:
	@sed -n 's/^## //p' Makefile

install-run: $(RUN_STAMP)
install-dev: $(DEV_STAMP)

$(BIN)/python:
	@scripts/create-venv $(VENV)

$(RUN_STAMP): | $(BIN)/python
	@echo "installing what Sluice runs on (locked, by hash) into $(VENV) …"
	@$(PIP) install --quiet --require-hashes $(RUN_LOCKS:%=--requirement %)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.run-* && touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@echo "installing what the tests and checks need (locked, by hash) into $(VENV) …"
	@$(PIP) install --quiet --require-hashes $(DEV_LOCKS:%=--requirement %)
	@rm -f $(VENV)/.dev-* && touch $@
