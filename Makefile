# Every target does its own set-up and is idempotent: a second call with nothing changed installs nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MORE := $(VENV)/.more
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WARM := bookkit.preview, formulaic, hypothesis, ipykernel.kernelapp, IPython, jsonschema, matplotlib.pyplot, \
  matplotlib_inline.backend_inline, nbclient, openpyxl, p2prisk.report.study, pyarrow.parquet, pytest, \
  scipy.stats, sklearn.ensemble, sqlalchemy, statsmodels.api, xdist
# auto | quarto | preview
RENDERER ?= auto
export RENDERER
# One process a core is enough: linear algebra with threads of its own would only fight the parallel chapters.
export OPENBLAS_NUM_THREADS ?= 1

# One more than there are cores: a test often waits, for a kernel, a browser, a server, a command.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')

.PHONY: help setup more book pdf test lint tables notebooks preview evidence bench mutants oldest tape lock clean

help: ## list the targets
	@echo "Usage: make TARGET [RENDERER=auto|quarto|preview]"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | while IFS=$$'\t' read -r name text; do \
	  printf '  %-10s %s\n' "$$name" "$$text"; done

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --no-compile --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@# what nothing here reads, 100 MB: the libraries' own tests, a completer's stubs of Django
	@find $(VENV)/lib/python*/site-packages -type d '(' -name tests -o -name django-stubs ')' -prune -exec rm -rf {} +
	@# byte code of what is used, 50 MB of 130; where PYTHONDONTWRITEBYTECODE is set, each process would make it again
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c "import $(WARM)"
	@touch $@

$(MORE): requirements-more.lock $(READY)
	@echo "Adding the linters, numba and drivers of databases from requirements-more.lock (once) ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements-more.lock
	@touch $@

setup: $(READY) ## make .venv from the lock file (every target does this by itself)

more: $(MORE) ## add what only the linters and a few tests need (make lint does this by itself)

book: $(READY) ## render the book to _book/ (HTML and PDF)
	@$(BIN)/bookkit book --to html,pdf

pdf: $(READY) ## render the PDF only
	@$(BIN)/bookkit book --to pdf

test: $(READY) ## run every test: package, book, executed notebooks
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -rs --nbval --nbval-current-env --nbval-cell-timeout=600 \
	  --nbval-sanitize-with tests/notebooks/sanitize.cfg

lint: $(MORE) ## check code style and chapters
	@$(BIN)/ruff format --check --quiet code tests benchmarks data docs
	@$(BIN)/ruff check --quiet code tests benchmarks data docs
	@floors=$$($(BIN)/lint-imports --no-logo) || { echo "$$floors"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/bookkit lint

tables: $(READY) ## rebuild the tables of the case from its facts and sources
	@$(BIN)/python data/build_case_tables.py

notebooks: $(READY) ## refresh the executed reference notebooks in tests/notebooks/
	@$(BIN)/bookkit notebooks

preview: $(READY) ## show the book at http://127.0.0.1:8000 while you write: what changes is rendered and loaded anew
	@$(BIN)/bookkit preview

evidence: $(READY) ## fetch the public loan files, compute every frozen result again, compare (minutes; goes on where it was)
	@$(BIN)/python -m p2pbook.replications.evidence

bench: $(READY) ## measure speed and accuracy against peers (minutes; uses R where it is installed)
	@env -u OPENBLAS_NUM_THREADS $(BIN)/python benchmarks/run.py
	@echo "large tapes: $(BIN)/python benchmarks/tape.py, then benchmarks/tape.py --large"

mutants: $(READY) ## do the tests catch what breaks? seeded mutants of the code that results rest on (an hour)
	@$(INSTALL) -e ".[mutants]"
	@$(BIN)/python benchmarks/mutants.py $(TARGETS)

# values, not text: what is given for them is expanded neither by make nor by the shell
override TAPE := $(value TAPE)
override MAP := $(value MAP)
override FORMAT := $(value FORMAT)
export TAPE MAP FORMAT

tape: $(READY) ## the same study on your own loans: make tape TAPE=loans.csv FORMAT=lendingclub (or MAP=mapping.yml)
	@test -n "$$TAPE" || { echo "Name your file: make tape TAPE=loans.csv FORMAT=lendingclub (or MAP=mapping.yml)" >&2; exit 2; }
	@if [ -n "$$MAP" ]; then $(BIN)/p2prisk report "--map=$$MAP" -- "$$TAPE"; \
	else $(BIN)/p2prisk report "--format=$${FORMAT:-auto}" -- "$$TAPE"; fi

oldest: $(READY) ## do the oldest versions that pyproject.toml allows give the same estimates? (minutes; .venv-oldest)
	@$(PYTHON) -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-oldest.lock
	@.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python benchmarks/oldest.py .venv-oldest/bin/python

UV := uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
BOTH := --extra data --extra scale --extra obtain --extra book --extra test

lock: ## write the lock files anew from pyproject.toml (needs uv)
	$(UV) --python-version 3.11 $(BOTH) -o requirements.lock
	$(UV) --python-version 3.11 $(BOTH) --extra fast --extra databases --extra lint --constraints requirements.lock \
	  $$(sed -nE 's/^([A-Za-z0-9_.-]+)(\[.*\])?==.*/--no-emit-package \1/p' requirements.lock) -o requirements-more.lock
	@# for the estimates alone: without the browser's driver; setuptools builds the editable install
	printf 'setuptools>=77\n' | $(UV) --python-version 3.11 --resolution lowest-direct --extra data --extra fast --extra test - \
	  --no-emit-package playwright --no-emit-package axe-playwright-python --no-emit-package pyee -o requirements-oldest.lock

clean: ## remove what was built, keep .venv
	rm -rf _book _book-tape _freeze .quarto .bookkit .pytest_cache .hypothesis .ruff_cache .mypy_cache .import_linter_cache site_libs chapters/*_files
