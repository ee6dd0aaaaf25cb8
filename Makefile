# Everything runs from a bare checkout: the first target makes its own virtual environment.
PYTHON ?= python3
DEMO   ?= demo
OUT    ?= runs/demo
TESTS  ?=
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help demo test slow check bench clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(READY) ## label, train, search and compare on the embedded model; report in runs/demo
	$(BIN)/surefoot run $(DEMO) --out $(OUT)

test: $(READY) ## the fast tests
	$(BIN)/pytest -n auto $(TESTS)

slow: $(READY) ## the tests that take longer
	$(BIN)/pytest -m slow $(TESTS)

check: $(READY) ## lint, format, types, and the contracts: layers, exports, style, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -s tests/test_layers.py tests/test_exports.py tests/test_style.py tests/test_import.py $(wildcard tests/docs/test_docs.py)

bench: $(READY) ## every benchmark, one after the other
	@set -e; for file in $$(grep -l __main__ benchmarks/*.py); do echo "== $$file"; $(BIN)/python $$file; done

clean: ## remove the virtual environment and the caches; runs are kept
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build

# Made again when the list of dependencies changes; otherwise a second call does nothing.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed; set PYTHON="'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
