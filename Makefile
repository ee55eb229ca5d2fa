# Two commands do everything: `make run` and `make test`. Each sets up `.venv` first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STUDY ?= studies/inwf_ablation.lab

.PHONY: run test check setup format bench verify ui clean

run: setup            ## run the main study, and show its tables and verdicts
	$(BIN)/lab run $(STUDY)

test: setup           ## the whole suite; COV=1 for coverage
	$(BIN)/python -m pytest -n 2 --dist loadfile $(if $(COV),--cov=lab --cov-report=term-missing:skip-covered)

check: setup          ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/lab check studies/*.lab
	$(BIN)/lab fmt --check studies/*.lab

setup: $(READY)       ## make .venv

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all]'
	touch $@

format: setup         ## write everything in canonical form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/lab fmt studies/*.lab

bench: setup          ## ours and the peers side by side, as ratios; needs a quiet machine
	$(BIN)/python -m benches

verify: setup         ## slow proof; names what it lacks: LAB_RESNET20_CHECKPOINT, LAB_DATA, packages
	$(BIN)/python -m pytest -m verify -rs -o addopts=

ui: setup             ## Aim on the main study
	$(BIN)/lab ui $(STUDY)

clean:                ## remove the environment, not the results
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .hypothesis
