# Everything runs from a fresh clone on Debian with Python, as root; each target installs what it needs first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UPGRADE ?= --upgrade
# CI starts from an empty cluster: what an earlier run left must not decide.
CI ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test soak check lint lab lab-down browser jupyter nbval-refresh docs lock bench clean

help: ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	@echo "== environment: $(VENV) from requirements.lock"
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { apt-get update -q && apt-get install -qy python3-venv; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar off --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: CI = from an empty cluster, so that it walks the same way each time
demo: $(STAMP) lab ## set everything up, boot the lab, walk the phases, print where the records are
	hera-rollout run 01 --target lab -p dry_run false -p rollout demo
	hera-rollout run 02 --target lab -p dry_run false -p rollout demo
	hera-rollout run drill --target lab -p dry_run false -p rollout demo -p seconds 6 -p per_second 0.5
	for rung in 10 25 50 75 100; do \
	  hera-rollout approve --rollout demo --phase 03_canary --rung $$rung --file records/approvals-demo.toml \
	    --by "make demo" --reason "nobody's work is at stake on the lab" || exit 1; done
	hera-rollout run 03 --target lab -p dry_run false -p rollout demo -p approval records/approvals-demo.toml \
	  -p traffic 0.4 -p user_issues none -p patience_seconds 600
	for what in "deploy to all production traffic" "deploy outside of the low-traffic hours"; do \
	  hera-rollout approve --rollout demo --phase 04_production --what "$$what" --file records/approvals-demo.toml \
	    --by "make demo" --reason "nobody's work is at stake on the lab" || exit 1; done
	HERA_ROLLOUT_NOTICES=json://127.0.0.1:8025/ \
	hera-rollout run 04 --target lab -p dry_run false -p rollout demo -p approval records/approvals-demo.toml \
	  -p traffic 0.4 -p user_issues none -p patience_seconds 600
	rm -rf records/demo-service
	rollout-lab service-repository records/demo-service
	for what in "clean up before the guide's 2 to 4 weeks" "deploy the cleaned service"; do \
	  hera-rollout approve --rollout demo --phase 05_cleanup --what "$$what" --file records/approvals-demo.toml \
	    --by "make demo" --reason "nobody's work is at stake on the lab" || exit 1; done
	@echo "== 05 first says HOLD: exactly this change is to be approved, by the digest of its diff; then it goes on"
	$(CLEAN) || { test $$? = 3 && \
	  hera-rollout approve --rollout demo --phase 05_cleanup --file records/approvals-demo.toml --by "make demo" \
	    --reason "the diff was shown" --what "$$(sed -n 's/.*"name": "approval: \(remove [^"]*\)".*/\1/p' \
	    $$(ls -d records/demo/*-05_cleanup-HOLD | tail -1)/record.json)" && $(CLEAN); }
	@echo "== the lab gets the checkout's own backend back; the cleaned one is on branch cleanup/use-hera-sdk of"
	@echo "   records/demo-service, and the final report in the record above"
	rollout-lab load-backend
	hera-rollout records list

CLEAN = hera-rollout run 05 --target lab -p dry_run false -p rollout demo -p approval records/approvals-demo.toml \
  -p repository records/demo-service -p known tests/golden/cleaned_backend.toml \
  -p mends tests/golden/cleaned_backend.patch -p templates true -p asked "make demo" \
  -p experience "nobody was asked: it is a demo" -p learned "a lab is where to walk this first"

lab: $(STAMP) ## build and boot the lab with the backend in it
	rollout-lab build
	rollout-lab up $(if $(CI),--fresh)

lab-down: $(STAMP) ## take the lab down without a trace
	rollout-lab down

browser: ## Debian's Chromium: what records and JupyterLab are looked at with
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -qy chromium; }

test: $(STAMP) browser lab ## lint, types, pure and live tests, the notebooks by nbval
	$(MAKE) lint
	tests/run

soak: $(STAMP) lab ## the proofs that take longer: more faults and outages, the watch in the cluster, the lab itself
	tests/soak

check: $(STAMP) lint ## the inner loop: lint, types, pure tests
	pytest -q -p no:nbval -m "not live and not slow" -n 2 --dist worksteal  # nbval comes with a grammar of IRIs: 2 s a worker

lint: $(STAMP) ## ruff, mypy, import-linter
	ruff check .
	ruff format --check .
	mypy
	lint-imports

jupyter: $(STAMP) ## JupyterLab on loopback, in notebooks/
	jupyter lab --allow-root --ip 127.0.0.1 notebooks/01_dev_testing.ipynb

nbval-refresh: $(STAMP) ## make the executed reference copies in tests/nbval/ anew
	python tests/nbval/refresh.py

bench: $(STAMP) ## the figures of the README
	for each in benchmarks/*.py; do python $$each || exit 1; done

docs: $(STAMP) ## make docs/REFERENCE.md and the digests of the notebooks anew from the code
	python docs/refresh.py

lock: $(STAMP) ## requirements.lock and the kit's image's anew: hashes only, no index addresses; UPGRADE= keeps the pins there are
	uv pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --quiet --python-version 3.11 $(UPGRADE) --output-file requirements.lock
	uv pip compile deploy/requirements-kit.in --constraint requirements.lock --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --quiet --python-version 3.11 --output-file deploy/requirements-kit.lock

clean: ## remove the environment; the lab's cache and state stay
	rm -rf $(VENV)
