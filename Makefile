# Two commands matter: `make run` and `make test`. Everything else is a part of one of them.
SHELL := /bin/bash
PYTHON := .venv/bin/python
.DEFAULT_GOAL := help

.PHONY: help run test test-fast check bench conformance casts doctor clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/ready ## Start Slipway on this machine; Ctrl-C ends it
	@exec $(PYTHON) manage.py serve

test: .venv/ready ## Everything: style, types, units, the real engine, the real browser
	@$(PYTHON) manage.py prepare --for-tests
	@$(MAKE) --no-print-directory check
	@$(PYTHON) -m pytest

test-fast: .venv/ready check ## The part of the tests without an engine and a browser
	@$(PYTHON) -m pytest -m "not engine and not browser"

check: .venv/ready ## Style, types and imports; the unit tests of TypeScript and Go
	@./tools/check

bench: .venv/ready ## Measure starts, clusters, memory, terminals and checks on this machine
	@$(PYTHON) manage.py prepare
	@PYTHONPATH=platform:. $(PYTHON) -m tests.bench

conformance: .venv/ready ## Run Kubernetes' own tests against a sandbox's cluster (FOCUS=…, RESUME=1)
	@nice -n 10 $(PYTHON) manage.py prepare --for-tests
	@PYTHONPATH=platform:. $(PYTHON) -m tests.conformance

casts: .venv/ready ## Record the watched lessons again; Slipway must be running (make run)
	@$(PYTHON) manage.py exercise record

doctor: .venv/ready ## Say what this machine lacks for labs, and how to mend it
	@$(PYTHON) manage.py doctor

clean: ## Remove what was built in the checkout; keeps var/ and the cache
	rm -rf .venv node_modules static/dist

.venv/ready: requirements.lock tools/bootstrap
	@./tools/bootstrap
