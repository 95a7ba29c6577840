# One place to start: `make` prints what can be done here.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# ansible-core refuses to start under any other encoding, and tools' messages are parsed.
export LANG := C.UTF-8
export LC_ALL := C.UTF-8
# An account's own Ansible settings and collections must not decide what this checkout does.
export ANSIBLE_HOME := $(CURDIR)/build/ansible
export MOLECULE_GLOB := molecule/*/molecule.yml

BIN := .venv/bin
# The environment is made anew only when what it is made from changes.
STAMP := .venv/stamp-$(shell cat pyproject.toml constraints.txt galaxy.yml .ci/setup | cksum | cut -d ' ' -f 1)

.PHONY: help
help: ## say what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## make .venv with everything development needs (as root it installs what is missing)

$(STAMP):
	@.ci/setup
	@touch $@

.PHONY: prepare
prepare: $(STAMP) ## fetch all that the tests need from the network: the lab's images, sanity's environments, wheels
	@$(BIN)/python tests/run.py prepare

.PHONY: test
test: $(STAMP) ## run everything: lint, types, unit, sanity, integration, vm, molecule; the last line counts the tests
	@$(BIN)/python tests/run.py all

.PHONY: lint
lint: $(STAMP) ## ruff, yamllint, ansible-lint (production profile), mypy (strict)
	@$(BIN)/python tests/run.py lint

.PHONY: types
types: $(STAMP) ## mypy (strict) alone
	@$(BIN)/mypy

.PHONY: unit
unit: $(STAMP) ## tests that need no root, no network and no host
	@$(BIN)/python tests/run.py unit

.PHONY: sanity
sanity: $(STAMP) ## ansible-test sanity on the built artefact of HEAD
	@$(BIN)/python tests/run.py sanity

.PHONY: integration
integration: $(STAMP) ## real playbooks on the lab's hosts
	@$(BIN)/python tests/run.py integration

.PHONY: drills
drills: $(STAMP) ## break every control on lab hosts and in the virtual machine; prints how many were detected
	@$(BIN)/python tests/run.py drills vm detected

.PHONY: waves
waves: $(STAMP) ## patch rings, clusters and a host of another package manager; stage, rehearse and take back
	@$(BIN)/python tests/run.py waves

.PHONY: faults
faults: $(STAMP) ## break runs in the middle, more than thirty ways, and print where the next run left each host
	@$(BIN)/python tests/run.py faults matrix

.PHONY: vm
vm: $(STAMP) ## what a container cannot show, in a virtual machine
	@$(BIN)/python tests/run.py vm

.PHONY: molecule
molecule: $(STAMP) ## every Molecule scenario: syntax, check, converge, idempotence, verify, drills
	@$(BIN)/python tests/run.py molecule

.PHONY: bench
bench: $(STAMP) ## print what baselines cost in pings, waves beside a bare apt-get, records beside what is bare of them
	@$(BIN)/python -m pytest -q -s tests/bench

.PHONY: mutants
mutants: $(STAMP) ## have cosmic-ray mutate what decides, and count the mutants that no test sees (hours; SAMPLE=300 for some)
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[mutants]'
	@$(BIN)/python -m tests.mutants --sample $(or $(SAMPLE),0)

.PHONY: dist
dist: $(STAMP) ## build the wheel and the collection's tarball of HEAD into dist/
	@$(BIN)/python tests/artefacts.py dist

.PHONY: demo
demo: $(STAMP) ## tell the whole story on the lab: drift, remediation, plan, approvals, waves, rollback, audit, page
	@$(BIN)/python -m lab.demo

.PHONY: lab-up
lab-up: ## start the lab's hosts (containers that run systemd, reached over SSH)
	@python3 -m lab up

.PHONY: lab-down
lab-down: ## stop the lab's hosts and remove what they left
	@python3 -m lab down

.PHONY: clean
clean: ## remove what was built here (not the lab; see lab-down)
	mkdir -p build && find build -mindepth 1 -maxdepth 1 ! -name lab -exec rm -rf {} +
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .ansible .hypothesis
