# Sets up what it needs, from pinned versions, on a machine with make and Python 3.11, 3.12 or 3.13.
#
#   make bench                     run the chapter15 suite on the CPU and write reports/chapter15/README.md
#   make bench DEVICE=gpu          the same on a GPU, or one line on what is missing
#   make bench SEEDS=42,43,44      three seeds in place of ten: a third of the time
#   make bench SUITE=smoke SEEDS=42,43 WORKERS=2 CASES='*rnn*' EPOCHS=1 THROUGHPUT=no
#   make ui                        MLflow on 127.0.0.1 over results/
#   make report · make test · make check · make microbench · make microbench-compare · make torture

SUITE ?= chapter15
DEVICE ?=
SEEDS ?=
CASES ?=
EPOCHS ?=
WORKERS ?=
THROUGHPUT ?=
BENCHES ?=
# A benchmark fails microbench-compare past this; the least of its rounds is steadier than their median.
SLOWER ?= min:30%
PORT ?= 5000

# The first interpreter that is of a supported version; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $$p && break; done)

# CPU runs live in .venv; the first use of a GPU makes .venv-gpu, which runs CPU cases too.
ENV := $(if $(findstring gpu,$(DEVICE)),.venv-gpu,.venv)
EXTRA := $(if $(findstring gpu,$(DEVICE)),gpu,cpu)
BENCH := $(ENV)/bin/bench
OPTIONS := $(if $(DEVICE),--device "$(DEVICE)") $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(CASES),--cases "$(CASES)") \
	$(if $(EPOCHS),--epochs "$(EPOCHS)")

.PHONY: bench report ui test check microbench microbench-compare torture plan env preflight sync

bench: $(ENV)/.ready
	@exec $(BENCH) run "$(SUITE)" $(OPTIONS) $(if $(WORKERS),--workers "$(WORKERS)") \
		$(if $(filter no,$(THROUGHPUT)),--no-throughput)

plan: $(ENV)/.ready
	@exec $(BENCH) plan "$(SUITE)" $(OPTIONS)

sync: $(ENV)/.ready
	@exec $(BENCH) sync "$(SUITE)" $(OPTIONS)

report: $(ENV)/.ready
	@exec $(BENCH) report "$(SUITE)" $(OPTIONS)

ui: $(ENV)/.ready
	@exec $(BENCH) ui --port "$(PORT)"

test: $(ENV)/.ready-dev
	@exec $(ENV)/bin/python -m pytest -p no:benchmark -n 2 --dist loadfile

check: $(ENV)/.ready-dev
	@$(ENV)/bin/ruff check
	@$(ENV)/bin/ruff format --check
	@$(ENV)/bin/mypy
	@$(ENV)/bin/lint-imports

MICROBENCH = $(ENV)/bin/python -m pytest tests/microbench --benchmark-only -p no:xdist \
	--benchmark-storage=file://results/microbench --benchmark-columns=min,median,max,rounds \
	-W "ignore:Benchmark machine_info is different" $(if $(BENCHES),-k "$(BENCHES)")

# Saves its numbers; in parts with BENCHES, such as BENCHES=harness or BENCHES='steps and gru'.
microbench: $(ENV)/.ready-dev
	@mkdir -p results
	@$(MICROBENCH) --benchmark-autosave

# Against the numbers saved last; saves none, or a regression would be the next run's baseline.
microbench-compare: $(ENV)/.ready-dev
	@$(MICROBENCH) --benchmark-compare --benchmark-compare-fail=$(SLOWER)

# Sweeps under faults and malformed input; the numbers go to results/torture.json. About ten minutes.
torture: $(ENV)/.ready-dev
	@exec $(ENV)/bin/python -m tests.torture --faults $(or $(FAULTS),200) --fuzz $(or $(FUZZ),10000) --seed $(or $(SEED),1)

env: $(ENV)/.ready-dev

preflight:
	@$(or $(PYTHON),python3) bench/preflight.py "$(DEVICE)"

# A stamp is newer than the pins, or the environment is brought up to them.
$(ENV)/.ready: pyproject.toml constraints.txt | preflight
	@echo "setting up $(ENV) (once, a few minutes)"
	@$(ENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(ENV)
	@$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRA)]"
	@touch $@

$(ENV)/.ready-dev: $(ENV)/.ready
	@$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRA),dev]"
	@touch $@
