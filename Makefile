# The commands for work on Teller; `make` lists them. Needs Python 3.11 or later; nothing else has to be installed or running.

PYTHON ?= python3
VENV := .venv
# Each of these files is made last, so it exists only after a complete installation: of what `make run` needs, of all for the tests
# besides, of what `make bench` needs besides.
INSTALLED_RUN := $(VENV)/.installed-run
INSTALLED := $(VENV)/.installed
INSTALLED_BENCH := $(VENV)/.installed-bench
RUN := $(VENV)/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help run test check unit long soak mutants bench chart lint reference sdk lock audit start stop

help:  ## show this list
	@awk -F ':.*##' '/^[a-z]+:.*##/ { printf "  make %-10s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED_RUN)  ## run the whole system here, on embedded servers, until Ctrl-C
	@exec $(RUN) local

test: $(INSTALLED)  ## run the tests, on servers that they start themselves
	@exec $(RUN) pytest

long: $(INSTALLED)  ## run the tests that break whole systems for ten seconds or more each
	@exec $(RUN) pytest -m long -n 1 --timeout 300

soak: $(INSTALLED)  ## break a whole system at random for MINUTES (10), and check its promises; SEED=n draws the same faults again
	@exec $(RUN) tests.nemesis --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

mutants: $(INSTALLED)  ## break the code on purpose, promise by promise, and fail when no test sees it (some minutes)
	@exec $(RUN) tests.mutants

bench: $(INSTALLED_BENCH)  ## measure everything beside pgbench (14 minutes on two cores; needs wrk), and write docs/benchmarks
	@exec $(RUN) bench

chart: $(INSTALLED)  ## render the Helm chart and check it by the schemas of Kubernetes (needs Helm, or Go to build it)
	@exec .ci/chart

lint: $(INSTALLED)  ## check style, types and imports between the packages
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy --strict api core worker console local cli teller bench tests
	$(RUN) mypy --strict --python-version 3.10 --config-file= sdk/python/src/teller_client
	$(VENV)/bin/lint-imports

unit: $(INSTALLED)  ## run the unit tests, which need no server
	@exec $(RUN) pytest tests/unit

# At once, because mypy works on one core. Each shows its output when it ends, where this make can do that; a failure of one does not
# stop the other.
TOGETHER := --no-print-directory --jobs 2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check: $(INSTALLED)  ## style, types and the unit tests: under a minute, before each commit
	@exec $(MAKE) $(TOGETHER) lint unit

reference: $(INSTALLED)  ## write docs/reference and the house map from the code; a test compares them
	@exec $(RUN) tests.reference

sdk: $(INSTALLED)  ## write what is generated of the SDKs, from the OpenAPI document; a test compares it
	@$(RUN) tests.sdk.generate
	@exec $(RUN) tests.sdk.typescript

# --no-header: the header would name the package index.
COMPILE := $(RUN) uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url
# What make run leaves out: uvicorn's reloader, WebSockets and configuration files, and what the embedded servers' packages need
# beside their programs.
LEFT_OUT := watchfiles websockets pyyaml fasteners platformdirs setuptools

lock: $(INSTALLED)  ## write requirements-lock.txt, what the images install, and requirements-run.txt, what make run installs
	@$(COMPILE) --generate-hashes --output-file requirements-lock.txt requirements.txt
	@$(COMPILE) $(addprefix --no-emit-package ,$(LEFT_OUT)) --output-file requirements-run.txt requirements-run.in

audit: $(INSTALLED_RUN)  ## prove the ledger that make run works on
	@exec $(RUN) local.audit

start:  ## run the whole system in containers, in the background
	docker compose up --build -d --wait

stop:  ## stop the containers; the data stays
	docker compose down

# Each package that pip collects counts up one line; on no terminal the line appears once, at its end. Errors are shown as they are.
# The pipe hides pip's exit status: so the file is deleted before, and made only after success.
define INSTALL
@rm -f $@
@{ $(RUN) pip install --disable-pip-version-check --no-input $(1) && touch $@; } \
  | { test -t 1 && on=1 || on=0; awk -v on=$$on -v title=$(2) ' \
      function show(end) { printf "%s%s: %d packages%s", (on ? "\r" : ""), title, count, end; fflush() } \
      /^Collecting/ { count++; if (on) show("") } END { show("\n") }'; }; test -f $@
endef

$(INSTALLED_RUN): requirements-run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Teller needs Python 3.11 or later, and '$(PYTHON)' is not. Name another one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "'$(PYTHON)' cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(RUN) pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(call INSTALL,--no-deps -r requirements-run.txt,"Installing what make run needs into $(VENV)")

$(INSTALLED): $(INSTALLED_RUN) requirements.txt requirements-run.in requirements-cli.txt requirements-dev.txt constraints.txt
	$(call INSTALL,-r requirements-dev.txt -c constraints.txt,"Installing what the tests need into $(VENV)")

$(INSTALLED_BENCH): $(INSTALLED) requirements-bench.txt
	$(call INSTALL,-r requirements-bench.txt -c constraints.txt,"Installing what the benchmark needs into $(VENV)")
