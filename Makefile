# Two commands: `make demo` sets everything up and runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := demo

.PHONY: demo test test-slow check docs environment wheel page benchmark clean

environment: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable . --group dev
	touch $@

demo: $(INSTALLED)
	mkdir -p $(DEMO)
	$(BIN)/chanvae simulate UMi -n 20000 -o $(DEMO)/measured.h5 --seed 1 --overwrite
	$(BIN)/chanvae inspect $(DEMO)/measured.h5
	$(BIN)/chanvae fit --data $(DEMO)/measured.h5 -o $(DEMO)/run --quick --overwrite
	$(BIN)/chanvae generate $(DEMO)/run -n 20000 -o $(DEMO)/generated.h5 --overwrite
	$(BIN)/chanvae evaluate $(DEMO)/run
	@echo "Open $(DEMO)/run/evaluation/report.html"

test: $(INSTALLED)  # a process a core, so that threads do not wait; a file's fixtures made once
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

test-slow: $(INSTALLED)  # what one process has not begun another takes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow -n auto --maxprocesses 4 --dist worksteal

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/deptry .

docs: $(INSTALLED)  # with no warnings
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build

wheel: $(INSTALLED)
	$(BIN)/python -m build --wheel --outdir dist

page:  # the built page is committed: this is for who changes web/, and needs npm
	cd web && npm ci && npm run check && npm run build

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/fidelity.py

clean:
	rm -rf $(VENV) $(DEMO) dist docs/_build
