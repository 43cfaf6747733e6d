# `make run` opens the page, `make test` is what CI calls; both prepare .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run setup fast test lint bench bench-analysis bench-crawl bench-hostile bench-page bench-replay bench-resume bench-scrape lab-check clean

run: setup
	$(BIN)/python main.py

setup: $(VENV)/run.stamp
	@$(BIN)/python scripts/check_system.py

# The crawler's engine as machine code: optional, half again as fast; needs gcc and Python's headers.
fast: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-fast.txt
	$(BIN)/python scripts/compile_engine.py

test: $(VENV)/dev.stamp lint
	@$(BIN)/python scripts/check_system.py --for-tests
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: bench-analysis bench-crawl bench-hostile bench-page bench-replay bench-resume bench-scrape

bench-analysis: setup
	$(BIN)/python -m benchmarks.bench_analysis

bench-crawl: setup fast
	$(BIN)/python -m benchmarks.bench_crawl

bench-replay: setup fast
	$(BIN)/python -m benchmarks.bench_replay

bench-hostile: setup
	$(BIN)/python -m benchmarks.bench_hostile

bench-scrape: setup
	$(BIN)/python -m benchmarks.bench_scrape

bench-page: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.bench_page

bench-resume: setup
	$(BIN)/python -m benchmarks.bench_resume

lab-check: setup
	$(BIN)/python main.py lab --check

clean:
	rm -rf $(VENV) .lab .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Swarm Atlas needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Set PYTHON=python3.12, say."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. Install it: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements.txt $(VENV)/python.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
