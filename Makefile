# What a user and a developer can ask for. Everything is installed into .venv from the locks in requirements/.
SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export PYTHON

.PHONY: help demo test setup check docs evidence bench lock clean distclean
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed-run ## set up, make a study with a known truth, analyse it, say where the report lies
	@$(BIN)/python scripts/demo.py

test: $(VENV)/.installed-dev ## set up and run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

setup: $(VENV)/.installed-dev ## set up the development environment

check: $(VENV)/.installed-dev ## the one local gate: format, lint, types, import floors, tests, docs
	./check

docs: $(VENV)/.installed-dev ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

evidence: $(VENV)/.installed-dev ## measure everything the evidence pages state, and write those pages
	$(BIN)/python -m evidence

bench: $(VENV)/.installed-dev ## measure run times and memory
	$(BIN)/python -m benchmarks

lock: ## renew the locks of exact versions (needs uv)
	scripts/lock.sh --upgrade

clean: ## remove what demo, tests and docs made
	rm -rf demo docs/_build docs/gallery docs/reference/generated build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests docs scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environment as well
	rm -rf $(VENV) src/recanal.egg-info

$(VENV)/.installed-run: requirements/run.txt pyproject.toml scripts/setup.sh
	@scripts/setup.sh run $(VENV)

$(VENV)/.installed-dev: requirements/dev.txt pyproject.toml scripts/setup.sh
	@scripts/setup.sh dev $(VENV)
