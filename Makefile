# The commands of this repository. `make` alone explains them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .local/venv
PYTHON := $(VENV)/bin/python
PLANE := $(PYTHON) -m localplane
ENGINE = . .local/env && $(PYTHON) -m engine --environment $(STACK)
STACK ?= dev
SIZES ?= 1,10,100
SLUG ?= acme-robotics

# Parts are named on purpose, on make's command line only; what the shell's environment holds is never used.
named = $(if $(filter command line,$(origin $(1))),--$(2) "$($(1))")
NAMED = $(call named,KUBECONFIG,kubeconfig) $(call named,DATABASE_URL,database-url) \
  $(call named,APP_DATABASE_URL,app-database-url) $(call named,REDIS_URL,redis-url)

.PHONY: help up serve sample down clean doctor status preview destroy test unit check bench drill lock venv

help: ## explain the commands
	@echo "agent-ready-k8s: customer organizations as isolated Kubernetes tenants, by a Pulumi program in Python"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'
	@echo
	@echo "Your own parts, named on purpose:  make up KUBECONFIG=~/.kube/staging DATABASE_URL=@url-file"

up: venv ## platform, `pulumi up` of the catalog, the API; prints what to try next; safe to repeat
	@$(PLANE) up $(NAMED)
	@$(ENGINE) up
	@. .local/env && $(PYTHON) -m service.sweeper --once
	@$(PLANE) serve
	@$(PLANE) next

serve: venv ## one more replica of the API in the foreground, on http://127.0.0.1:8080
	@test -f .local/env || { echo "Nothing runs here yet; \`make up\` starts it." >&2; exit 1; }
	@. .local/env && API_URL=http://127.0.0.1:8080 $(PYTHON) -m service

sample: venv ## a customer's service that reads live settings, on http://127.0.0.1:8090; SLUG=acme-robotics; LOGIN=yes: on :8091, for members
	@test -f .local/env || { echo "Nothing runs here yet; \`make up\` starts it." >&2; exit 1; }
	@. .local/env && $(PYTHON) -m liveconfig.sample.local $(SLUG) $(if $(filter yes,$(LOGIN)),--login)

down: ## stop everything that was started; data stay
	@if [ -x $(PYTHON) ]; then $(PLANE) down; else echo "Nothing was ever started here."; fi

clean: ## stop everything and forget data, keys and ports; built tools stay cached
	@if [ -x $(PYTHON) ]; then $(PLANE) clean; else echo "Nothing was ever started here."; fi

doctor: venv ## which part was taken from where and why, what runs, what is wrong and how to mend it
	@$(PLANE) doctor

status: venv ## one line for each server
	@$(PLANE) status

preview: venv ## the review of a catalog change, as Markdown: what `make up` would do, cost, policy results
	@test -f .local/env || { echo "Nothing runs here yet; \`make up\` starts it." >&2; exit 1; }
	@$(ENGINE) review

destroy: venv ## remove every organization and the platform's own objects; UNPROTECT=yes for protected ones
	@test -f .local/env || { echo "Nothing runs here yet; \`make up\` starts it."; exit 1; }
	@$(ENGINE) destroy $(if $(filter yes,$(UNPROTECT)),--unprotect)

test: check ## checks, then all tests, on real parts
	@$(PYTHON) -m pytest --numprocesses 2 --no-loadscope-reorder

unit: venv ## the unit tests alone: seconds, nothing started
	@$(PYTHON) -m pytest tests/unit

check: venv ## lint, types and import rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check . -q
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo 2>/dev/null || $(VENV)/bin/lint-imports

bench: venv ## the benchmarks' tables, as docs/performance.md keeps them; SIZES=1,10,100,1000
	@$(PYTHON) -m tests.bench --sizes $(SIZES)

drill: venv ## the long form of the recovery tests: updates, the service and every server killed, pods watched
	@DRILL_POINTS=all LIVE_CHAOS_SECONDS=600 $(PYTHON) -m pytest tests/e2e/test_recovery.py tests/e2e/test_faults.py \
	  tests/e2e/test_live_chaos.py --timeout 7200

lock: venv ## pin requirements*.in with hashes again
	@for name in requirements requirements-dev; do \
	  $(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url \
	    --no-emit-find-links --no-annotate --python-version 3.11 $$name.in -o $$name.txt || exit 1; \
	done

venv: $(VENV)/.ready

$(VENV)/.ready: requirements.txt requirements-dev.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "python3 is $$(python3 --version), 3.11 or newer is needed; put one first on PATH"; exit 1; }
	@echo "[0/2] Python environment in $(VENV) (half a minute)"
	@python3 -m venv $(VENV) || { echo "python3 has no venv; on Debian: apt-get install python3-venv"; exit 1; }
	@$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@
