# Sets up what it needs, from pinned versions, on a machine with make and Python 3.11, 3.12 or 3.13.
#
#   make bench                     run the chapter15 suite on the CPU and write reports/chapter15/README.md
#   make bench BACKEND=jax         the same on JAX (or torch), in an environment of its own, without TensorFlow
#   make bench DEVICE=gpu          the same on a GPU (all: on every GPU), or one line on what is missing
#   make bench SEEDS=42,43,44      three seeds in place of ten: a third of the time
#   make bench SUITE=smoke SEEDS=42,43 WORKERS=2 CASES='*rnn*' EPOCHS=1 THROUGHPUT=no
#   make ui                        MLflow on 127.0.0.1 over results/
#   make doctor                    what this machine has and lacks
#   make report · make test · make test-variants · make test-all · make check
#   make microbench · make microbench-compare · make torture · make torture-cluster · make simulate
#   make cluster                   a small cluster of Ray on this machine, to try one on
#
# Written for GNU make 3.81, which macOS has, and later.

# What each target takes, from the command line alone, and what holds where it is not given; every target takes these two.
takes := BACKEND PYTHON
takes.env := DEVICE
takes.doctor := $(takes.env)
takes.ui := $(takes.env) PORT
takes.bench := $(takes.env) SUITE SEEDS CASES EPOCHS WORKERS THROUGHPUT
takes.plan := $(takes.bench)
takes.sync := $(takes.bench)
takes.report := $(takes.bench)
takes.microbench := BENCHES
takes.microbench-compare := BENCHES SLOWER
takes.test-variants := PART
takes.torture := FAULTS FUZZ PROPERTIES SEED
takes.torture-cluster := FAULTS SEED
takes.cluster := NODES
takes.simulate := DRAWS

default.SUITE := chapter15
default.PORT := 5000
# A benchmark fails microbench-compare past this; the least of its rounds is steadier than their median.
default.SLOWER := min:30%
default.FAULTS := $(if $(filter torture-cluster,$(MAKECMDGOALS)),100,200)
default.NODES := 2
default.FUZZ := 10000
default.PROPERTIES := 10000
default.SEED := 1
default.DRAWS := 20000

goals := $(or $(MAKECMDGOALS),bench)
taken := $(takes) $(foreach goal,$(goals),$(takes.$(goal)))
variables := $(sort $(takes) $(takes.bench) $(takes.ui) $(takes.microbench-compare) $(takes.test-variants) $(takes.torture) $(takes.cluster) \
	$(takes.simulate))
given := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
define newline


endef

ifeq ($(wildcard bench/install.py),)
$(error run it in its folder: make -C FOLDER $(goals))
endif
ifneq ($(filter-out $(taken),$(given)),)
ifneq ($(filter $(or $(MAKELEVEL),0),0),) # a make above this one passes on what it was given
$(error make $(goals) takes no $(filter-out $(taken),$(given)), only $(sort $(taken)))
endif
endif
# Each is now the text that was given, in which nothing is expanded, or its default; the environment does not count.
$(foreach name,$(variables),$(eval override $(name) := $$(value $(if $(filter $(name),$(given)),$(name),default.$(name)))))
$(foreach name,$(variables),$(if $(findstring $(newline),$($(name))),$(error $(name) has more than one line)))
ifneq ($(filter-out yes no,$(THROUGHPUT)),)
$(error THROUGHPUT=$(THROUGHPUT): expected yes or no)
endif
unexport PYTHONHOME

# A variable's value as one word of the shell, and an option that has it, where there is a value.
quoted = '$(subst ','\'',$($1))'
option = $(if $($2),$1 $(call quoted,$2))

override GROUP = $(firstword $(subst /, ,$(PART)))
override GROUPS = $(lastword $(subst /, ,$(PART)))
ifneq ($(PART),)
ifneq ($(shell [ 1 -le $(call quoted,GROUP) ] 2>&1 && [ $(call quoted,GROUP) -le $(call quoted,GROUPS) ] 2>&1 && echo $(words $(subst /, ,$(PART)))),2)
$(error PART=$(PART): expected K/N, as in 1/4)
endif
endif

# An environment holds what BACKEND and DEVICE ask for: .venv has TensorFlow, .venv-jax JAX, .venv-gpu-torch PyTorch for a
# GPU. On a GPU JAX is taken where no backend is named: one small network is slower there than on a core, whatever runs it,
# and many seeds stacked in one program, which JAX does, are not.
override comma := ,
override listed = $(strip $(subst $(comma), ,$($1)))
override known := tensorflow jax torch
ifneq ($(filter-out $(known),$(call listed,BACKEND)),)
$(error BACKEND=$(BACKEND): expected one of $(known), or several with commas between them)
endif
override GPU := $(if $(findstring gpu,$(DEVICE))$(filter all,$(call listed,DEVICE)),-gpu)
override folder = .venv$1$(if $(filter-out tensorflow,$2),-$(subst $() ,-,$2))
override TESTED := $(sort tensorflow $(call listed,BACKEND))
override CHOSEN := $(if $(BACKEND),,$(if $(GPU),jax))
override WHICH = bench: a GPU without BACKEND runs $(CHOSEN), which stacks seeds there; name another: BACKEND=tensorflow
override BACKEND := $(BACKEND)$(CHOSEN)
override BACKENDS := $(sort $(or $(call listed,BACKEND),tensorflow))
override ENV := $(call folder,$(GPU),$(BACKENDS))
override EXTRAS := $(addsuffix $(GPU),$(BACKENDS)) all
override RUN := $(ENV)/bin/python -m
override DEV_ENV := $(call folder,,$(TESTED))
override DEV := $(DEV_ENV)/bin/python -m
override SELECTION = $(call quoted,SUITE) $(call option,--device,DEVICE) $(call option,--backend,BACKEND) \
	$(call option,--seeds,SEEDS) $(call option,--cases,CASES) $(call option,--epochs,EPOCHS)
override PYTHONS = $(if $(PYTHON),$(call quoted,PYTHON),$1/bin/python python3 python3.13 python3.12 python3.11 python)

# Makes an environment ready with some extras, by the first Python that can: its own, if it is there.
define set_up
@for python in $(PYTHONS); do \
	fault=$$("$$python" -ESs bench/preflight.py $(call quoted,DEVICE) $(call quoted,BACKENDS) 2>&1); \
	case $$? in \
		0) exec "$$python" -ESs bench/install.py $1 $2;; \
		2) said=$${said:-$$fault};; \
		3) said=$$fault; break;; \
	esac; \
done; \
printf '%s\n' "$${said:-bench: no Python can be run; install 3.11, 3.12 or 3.13, or name it: make PYTHON=/path/to/python3.12}" >&2; \
exit 2
endef

.PHONY: bench report ui doctor test test-variants test-all check microbench microbench-compare torture torture-cluster cluster simulate \
	plan env sync ready ready-dev ready-cluster

bench: ready
	@exec $(RUN) bench run $(SELECTION) $(call option,--workers,WORKERS) $(if $(filter no,$(THROUGHPUT)),--no-throughput)

plan: ready
	@exec $(RUN) bench plan $(SELECTION)

sync: ready
	@exec $(RUN) bench sync $(SELECTION)

report: ready
	@exec $(RUN) bench report $(SELECTION)

ui: ready
	@exec $(RUN) bench ui --port $(call quoted,PORT)

doctor: ready
	@exec $(RUN) bench doctor

override TESTS = $(DEV) pytest -p no:benchmark -n 2 --dist loadfile --no-loadscope-reorder

test: ready-dev
	@exec $(TESTS) -m 'not variant'

# Those that try a further variant of what others try: more networks, losses and optimizers. PART=1/4 is a quarter of them.
test-variants: ready-dev
	@exec $(TESTS) -m variant $(if $(PART),--group $(call quoted,GROUP) --splits $(call quoted,GROUPS) --splitting-algorithm least_duration)

# Both.
test-all: ready-dev
	@exec $(TESTS)

check: ready-dev
	@$(DEV) ruff check
	@$(DEV) ruff format --check
	@$(DEV) mypy
	@$(DEV_ENV)/bin/python $(DEV_ENV)/bin/lint-imports

override MICROBENCH = $(DEV) pytest tests/microbench --benchmark-only -p no:xdist \
	--benchmark-storage=file://results/microbench --benchmark-columns=min,median,max,rounds \
	-W "ignore:Benchmark machine_info is different" $(call option,-k,BENCHES)

# Saves its numbers; in parts with BENCHES, such as BENCHES=harness or BENCHES='steps and gru'.
microbench: ready-dev
	@mkdir -p results
	@$(MICROBENCH) --benchmark-autosave

# Against the numbers saved last; saves none, or a regression would be the next run's baseline.
microbench-compare: ready-dev
	@$(MICROBENCH) --benchmark-compare --benchmark-compare-fail=$(call quoted,SLOWER)

# Sweeps under faults, malformed input, and reports of odd scores and names; the numbers go to results/torture.json.
# About half an hour; in parts with FAULTS=0, FUZZ=0 or PROPERTIES=0.
torture: ready-dev
	@exec $(DEV) tests.torture --faults $(call quoted,FAULTS) --fuzz $(call quoted,FUZZ) \
		--properties $(call quoted,PROPERTIES) --seed $(call quoted,SEED)

# Sweeps on a cluster of this machine while nodes are lost, join, hang or are cut off, the head is restarted and the driver
# killed; the numbers go to results/torture_cluster.json. About half an hour.
torture-cluster: ready-dev
	@exec $(DEV) tests.torture.on_cluster --faults $(call quoted,FAULTS) --seed $(call quoted,SEED)

# Prints the command to paste, and ends with Ctrl-C.
cluster: ready-cluster
	@exec $(ENV)/bin/python tools/cluster.py --nodes $(call quoted,NODES)

# What the statistics promise, held to simulated seeds; all of it or nothing goes to reports/simulations/. Some minutes.
simulate: ready-dev
	@exec $(DEV) tests.simulate --draws $(call quoted,DRAWS)

env:
	$(call set_up,$(ENV),$(EXTRAS) dev)

ready:
	$(call set_up,$(ENV),$(EXTRAS))
	$(if $(CHOSEN),@echo '$(WHICH)' >&2)

# Tests need TensorFlow, and JAX and Ray, which dev brings; BACKEND=torch brings PyTorch too, whose tests are skipped without it.
ready-dev:
	$(call set_up,$(DEV_ENV),$(TESTED) all dev)

ready-cluster:
	$(call set_up,$(ENV),$(EXTRAS) ray)
