# Two commands do everything: `make site` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
.PHONY: site test test-long test-slow bench-store bench-site bench-training lint clean

site: $(INSTALLED)  ## train the demo study on the built-in dataset and draw its website
	$(BIN)/bench run demo --store build/demo-store
	$(BIN)/bench report demo --store build/demo-store -o build/site

test: lint  ## lint, types and tests
	$(BIN)/pytest -m "not slow and not long" -n 2 --dist loadfile

test-long: $(INSTALLED)  ## whole runs, sites and workflows: what is long and yet belongs to every change
	$(BIN)/pytest -m "long and not slow" -n 2

test-slow: $(INSTALLED)  ## the long fault and simulation runs, and the cases beside the real images
	$(BIN)/pytest -m slow

bench-store: $(INSTALLED)  ## how fast a large store is written and asked, each figure beside its target
	$(BIN)/python -m store.benchmark

bench-site: $(INSTALLED)  ## how fast the site of ten thousand trials is drawn, each figure beside its target
	$(BIN)/python -m report.benchmark

bench-training: $(INSTALLED)  ## how fast cells are trained, beside the original study's way; writes bench/README.md
	$(BIN)/python -m bench.benchmark

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build report/_site report/.quarto report/_generated report/datasets report/assets/data report/assets/store report/assets/wasm

# Installed again only when what is needed has changed.
$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -e ".[train,report,dev]"
	touch $@
