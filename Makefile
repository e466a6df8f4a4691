# On a machine with only Python 3.11+, pip and make: `make run` starts the service, `make test` tests it.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
DOCS := .venv-docs/bin
DOCS_STAMP := .venv-docs/.installed

# Where a shell forbids them, each of hundreds of processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test sweep bench corpus matrix lint messages requirements build tutorial docs docs-serve clean

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP)  ## Start PostgreSQL, Redis, web, worker and beat; Ctrl-C stops them all
	@exec $(BIN)/python -m tools.run

# Much of a test is waiting for processes and servers, so four share the tests out, file by file, each with servers of its
# own; `ARGS=-n0` runs them one after the other, as a debugger needs it.
PYTEST = $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test: $(STAMP)  ## Run every test, against real servers
	@echo "→ Running every test…"
	$(PYTEST) $(ARGS)

sweep: $(STAMP)  ## Run every test, and all of what `make test` takes samples of: hours (ARGS=tests/faults for a part)
	SWEEP=1 $(PYTEST) $(ARGS)

bench: $(STAMP)  ## Measure against stock Django and others, and write the tables of docs/ (ONLY=noop for one)
	$(BIN)/python -m benchmarks $(ONLY)

corpus: $(STAMP)  ## Migrate a hundred public packages in every way, and write the tables of docs/reliability.md (ONLY=wagtail)
	$(BIN)/python -m corpus $(ONLY)

matrix: $(STAMP)  ## Run the suites on each Django, Python, database and driver, and write docs/compatibility.md (ONLY=oldest)
	$(BIN)/python -m tools.matrix $(ONLY)

lint: $(STAMP)  ## Check style, types and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: $(STAMP)  ## Bring the Portuguese catalogue up to date with the code, and compile it
	@$(BIN)/python -m tools.messages

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
	--custom-compile-command "make requirements" pyproject.toml

requirements: $(STAMP)  ## Pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --group service -o requirements.txt
	$(COMPILE) --upgrade --group dev --constraint requirements.txt -o requirements-dev.txt
	$(COMPILE) --upgrade --group docs -o requirements-docs.txt

build: $(STAMP)  ## Build the package into dist/
	$(BIN)/python -m build

tutorial: build  ## Type the whole tutorial as a newcomer, into whose environment the built wheel is installed
	TUTORIAL=dist $(BIN)/python -m pytest -n0 tests/e2e/test_tutorial.py $(ARGS)

# Material's notice of what comes after it is no warning of ours.
docs: export NO_MKDOCS_2_WARNING = 1
docs: $(DOCS_STAMP)  ## Build the documentation site into build/site, in both languages; a dead link is an error
	$(DOCS)/mkdocs build --quiet
	$(DOCS)/python -m tools.check_site

docs-serve: export NO_MKDOCS_2_WARNING = 1
docs-serve: $(DOCS_STAMP)  ## Show the documentation site at http://127.0.0.1:8001, and again after each change
	$(DOCS)/mkdocs serve --dev-addr 127.0.0.1:8001

clean:  ## Remove what the targets made, the data of `make run` included
	rm -rf .venv .venv-* .corpus .matrix .run dist build staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "✖ Python 3.11 or newer is needed, on PATH or as: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "→ Making .venv with $$($(PYTHON) --version) and installing what requirements-dev.txt lists…"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -r requirements-dev.txt
	@touch $@

$(DOCS_STAMP): requirements-docs.txt
	@test -n "$(PYTHON)" || { echo "✖ Python 3.11 or newer is needed, on PATH or as: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "→ Making .venv-docs and installing what requirements-docs.txt lists…"
	$(PYTHON) -m venv .venv-docs
	$(DOCS)/python -m pip install --disable-pip-version-check --progress-bar off -r requirements-docs.txt
	@touch $@
