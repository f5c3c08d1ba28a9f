# Each target sets up .venv with what it needs, once, and then starts at once.
# Exit status: 0 when all is well, else 2. PYTHON=... chooses the interpreter, 3.11 or 3.12.

PYTHON ?=
VERIFIER = .venv/bin/python -m verifier
MUTATED = la57-rfc linux-la57toggle la57-lowstack
PROVE_RECORDED = $(VERIFIER) prove --recorded

.PHONY: help setup prove test differential fuzz mutate notebook lint bench clean tools
.NOTPARALLEL:
.DEFAULT_GOAL := help

# An environment whose interpreter is gone is none.
_ := $(shell .venv/bin/python -c '' 2>/dev/null || rm -rf .venv)

help:
	@echo "make setup     set up .venv with the command line, .venv/bin/verifier"
	@echo "make prove     prove every spec under specs/, compare with the verdicts they record"
	@echo "make test      all that CI runs: lint, types, tests on every core"
	@echo "make mutate    change bytes of three targets, show what no claim sees (an hour)"
	@echo "make differential SECONDS=600 SEED=1"
	@echo "               compare every instruction with Bochs and QEMU for that long"
	@echo "make fuzz SECONDS=600 SEED=1"
	@echo "               send hostile files to every reader for that long"
	@echo "make notebook  open notebooks/first_proof.ipynb in JupyterLab"
	@echo "make lint      ruff and mypy alone"
	@echo "make bench     speed and memory, against a bare import of angr"
	@echo "make clean     remove .venv and what the tools left"

setup: tools .venv/.run

prove: tools .venv/.run
	@$(PROVE_RECORDED)

test: lint
	@.venv/bin/python -m pytest --numprocesses auto

mutate: tools .venv/.run
	@status=0; for spec in $(MUTATED); do \
		$(VERIFIER) mutate specs/$$spec || status=$$?; \
	done; exit $$status

lint: tools .venv/.dev
	@.venv/bin/python -m ruff check
	@.venv/bin/python -m ruff format --check
	@.venv/bin/python -m mypy verifier tests

differential: tools .venv/.dev
	@.venv/bin/python -m tests.differential --seconds $(or $(SECONDS),60) --seed "$(SEED)"

fuzz: tools .venv/.dev
	@.venv/bin/python -m tests.hostile --seconds $(or $(SECONDS),60) --seed "$(SEED)"

bench: tools .venv/.dev
	@.venv/bin/python -m pytest -s tests/benchmarks

notebook: tools .venv/.notebook
	@.venv/bin/python -m jupyterlab notebooks/first_proof.ipynb

clean:
	@rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find verifier tests -name __pycache__ -type d -prune -exec rm -rf {} +

tools:
	@command -v as >/dev/null || \
	{ echo "No assembler: 'as' is not on the path (Debian: apt install binutils)." >&2; exit 2; }

# The environment, empty; made anew when a pin changes.
.venv/.made: constraints.txt
	@found=; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3); do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; \
		then found=$$python; break; fi; \
	done; \
	test -n "$$found" || \
	{ echo "No Python 3.11 or 3.12: $(if $(PYTHON),$(PYTHON) is neither,none is on the path) (make PYTHON=... names one)." >&2; exit 2; }; \
	"$$found" -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$$found has no venv module (Debian: apt install python3-venv)." >&2; exit 2; }; \
	"$$found" -m venv --clear .venv && touch $@

# pip's chatter goes into a file, of which the end is shown when pip fails. The constraints are in
# its environment because it builds some wheels itself, in environments that see only that.
.venv/.run .venv/.dev .venv/.notebook: .venv/.made pyproject.toml
	@echo "setting up .venv for make $(MAKECMDGOALS) (about a minute, once)"; \
	extra=$(patsubst .%,%,$(@F)); test $$extra = run && extra= || extra="[$$extra]"; \
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	.venv/bin/python -m pip install -q --disable-pip-version-check --editable ".$$extra" \
		>.venv/setup.log 2>&1 && touch .venv/.run $@ || \
	{ grep -v '^WARNING' .venv/setup.log | tail -n 5 >&2; \
	echo "pip could not install the dependencies; all it said is in .venv/setup.log." >&2; exit 2; }
