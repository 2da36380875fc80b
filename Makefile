# Everything is installed below .venv and .lab of this checkout, and by apt (bindep.txt).

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help check lint unit test chaos demo lab docs man clean packages

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(READY): pyproject.toml setup.cfg
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	PBR_VERSION=$$(git describe --tags --abbrev=0 2>/dev/null || echo 0.0.0) \
	    $(BIN)/uv pip install --quiet --python $(BIN)/python \
	    --editable . --group test --group lint --group docs
	touch $@

packages:
	@tests/system-packages

check: $(READY) lint unit  ## lint, types, unit tests: the fast loop

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest --quiet tests/unit

test: packages $(READY)  ## everything, on a real Nova; installs what it needs
	tests/run-all

chaos: packages $(READY)  ## kill and disturb removals: RUNS=500 SEED=..., then at every point
	$(BIN)/python -m tests.chaos --runs $(or $(RUNS),500) $(if $(SEED),--seed $(SEED))
	$(if $(SEED),,$(BIN)/python -m tests.chaos --every)

demo: packages $(READY)  ## the main job on a real Nova, shown step by step
	tests/demo

lab: packages $(READY)  ## start the lab and leave it running; down: python -m tests.lab down
	$(BIN)/python -m tests.lab up
	@$(BIN)/python -m tests.lab env

docs: $(READY)  ## build the documentation
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

man: $(READY)  ## write the man pages to docs/_build/man1
	$(BIN)/python docs/man.py docs/_build/man1

clean:  ## remove what was built; keeps .lab/cache
	rm -rf $(VENV) docs/_build .coverage .mypy_cache .pytest_cache .ruff_cache
