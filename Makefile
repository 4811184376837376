# One door each: `make demo` shows it, `make test` proves it, `make lint` keeps it tidy.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RAY := $(VENV)/.installed-ray
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# The tests run on two processes; more threads in each would only get in each other's way.
export OMP_NUM_THREADS ?= 1
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
export HF_HUB_OFFLINE = 1

.PHONY: setup demo test test-slow lint bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) torch
	$(INSTALL) -e '.[all,test,lint]'
	touch $(STAMP)

# Ray alone is left out of `make setup`; the tests start a real local cluster.
$(RAY): $(STAMP)
	$(INSTALL) -e '.[ray]'
	touch $(RAY)

demo: setup
	$(BIN)/python examples/demo.py

test: $(RAY)
	$(PYTEST) -m "not slow"

test-slow: $(RAY)
	$(PYTEST) -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) models .pytest_cache .ruff_cache src/*.egg-info
