# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NOW    := 2024-06-01T09:00:00Z

.PHONY: demo test soak lint bench golden clean

demo: $(VENV)/installed
	$(BIN)/csvexport build samples/bitrix24/profile.toml --now $(NOW)

test: $(VENV)/test
	.ci/packages
	$(BIN)/python -m pytest

# The long mode: kills and power cuts at every step, thousands of deliveries under a polling reader, hundreds of faults
# on the wire, half an hour of torture, ten thousand steps beside the model, twenty thousand spoilt inputs.
soak: $(VENV)/test
	.ci/packages
	$(BIN)/python -m pytest --soak tests/crash tests/delivery tests/sources/test_hostile_servers.py tests/trust tests/fuzz

lint: $(VENV)/lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench
	$(BIN)/python tests/bench/run.py $(BENCH)

# Writes the samples' expected output anew; look at the difference before you commit it.
golden: $(VENV)/test
	$(BIN)/python -m pytest tests/test_samples.py --regenerate

clean:
	rm -rf $(VENV) build dist out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test $(VENV)/lint $(VENV)/bench: $(VENV)/%: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group $*
	@touch $@
