# Everything is installed below .venv and .lab of this checkout, and by apt (bindep.txt).

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RELEASE_TOOLS := $(VENV)/.release-tools
MUTANT_TOOLS := $(VENV)/.mutant-tools

.PHONY: help check lint unit test matrix chaos mutants bench demo lab docs dist deb shiv sbom hooks clean packages lab-packages

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(READY): pyproject.toml setup.cfg
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	PBR_VERSION=$$(git describe --tags --abbrev=0 2>/dev/null || echo 0.0.0) \
	    $(BIN)/uv pip install --quiet --python $(BIN)/python \
	    --editable . --group test --group lint --group docs --group osc
	touch $@

packages:  ## install the Debian packages of bindep.txt that are missing
	@tests/system-packages test

lab-packages:
	@tests/system-packages lab

check: $(READY) lint unit  ## lint, types, unit tests: the fast loop

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(READY)  ## the unit tests
	$(BIN)/pytest --quiet --hypothesis-profile=quick tests/unit

test: packages $(READY)  ## everything, on a real Nova; installs what it needs
	tests/run-all

matrix: packages $(READY)  ## schemas and suites on each database server, scenarios on each release; prints tables
	$(BIN)/python -m tests.matrix

chaos: lab-packages $(READY)  ## kill and disturb removals: RUNS=500 SEED=...; at every point; on the lab
	$(BIN)/pytest --quiet -m hypothesis --hypothesis-profile=random \
	    $(if $(SEED),--hypothesis-seed=$(SEED)) tests/unit
	$(BIN)/python -m tests.chaos --runs $(or $(RUNS),500) $(if $(SEED),--seed $(SEED))
	$(if $(SEED),,$(BIN)/python -m tests.chaos --every)
	$(if $(SEED),,$(BIN)/python -m tests.chaos.lab --runs 40)

$(MUTANT_TOOLS): $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group mutants
	touch $@

mutants: $(MUTANT_TOOLS)  ## break guards, steps and procedure, and see tests fail; ten minutes
	$(BIN)/python -m tests.mutants

bench: lab-packages $(READY)  ## how long it takes beside what it replaces; HOSTS=20 SERVERS=20; on the lab
	$(BIN)/python -m tests.bench --hosts $(or $(HOSTS),20) --servers $(or $(SERVERS),20) $(PARTS)

demo: lab-packages $(READY)  ## the main job on a real Nova, shown step by step
	tests/demo

lab: lab-packages $(READY)  ## start the lab and leave it running; down: python -m tests.lab down
	$(BIN)/python -m tests.lab up
	@$(BIN)/python -m tests.lab env

docs: $(READY)  ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

hooks: $(READY)  ## let git run lint, types and the generated pages before each commit
	$(BIN)/pre-commit install

$(RELEASE_TOOLS): $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group release
	touch $@

dist: $(READY)  ## source archive and wheel; the version comes from the git tag
	$(BIN)/uv build --quiet --out-dir dist

shiv: $(RELEASE_TOOLS)  ## one executable file with everything in it: dist/nova-decom.pyz
	mkdir -p dist
	$(BIN)/shiv --reproducible --console-script nova-decom --python '/usr/bin/env python3' \
	    --output-file dist/nova-decom.pyz --quiet .

deb: $(READY)  ## a Debian package with everything in it: dist/nova-decom_*.deb
	rm -rf build/wheel
	$(BIN)/uv build --quiet --wheel --out-dir build/wheel
	contrib/debian/build build/wheel/*.whl $(BIN)/uv dist

sbom: $(RELEASE_TOOLS)  ## the list of parts, resolved as today: dist/nova-decom.cdx.json
	mkdir -p dist
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/sbom
	$(BIN)/uv pip install --quiet --python build/sbom/bin/python .
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
	    --output-reproducible --output-file dist/nova-decom.cdx.json build/sbom/bin/python

clean:  ## remove what was built; keeps .lab/cache
	rm -rf $(VENV) build dist mutants docs/_build .coverage .mypy_cache .pytest_cache .ruff_cache
