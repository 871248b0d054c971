# Two commands on a fresh machine with Python 3.11-3.13 and make: `make demo` and `make test`.
# Each installs what it needs into .venv first; a second call installs nothing.

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-faults lint
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PY := $(VENV)/bin/python

# The name of a stamp holds a checksum of what was asked for: another branch's requirements are installed, touched files are not.
RUN_KEY := $(firstword $(shell cat requirements.txt constraints.txt | cksum))
DEV_KEY := $(firstword $(shell cat requirements.txt requirements-export.txt requirements-dicom.txt requirements-7z.txt requirements-dev.txt constraints.txt | cksum))
RUN_STAMP := $(VENV)/.installed-run-$(RUN_KEY)
DEV_STAMP := $(VENV)/.installed-dev-$(DEV_KEY)

# A Python is tried by running it, since a version manager's shim can lie on PATH and fail.
FITS := -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do if $$p $(FITS) >/dev/null 2>&1; then echo $$p; break; fi; done)

help:
	@echo "make demo        set up $(VENV) and run the main job on embedded images: train three models, predict, vote"
	@echo "make test        set up $(VENV) with the development tools and run the fast tests"
	@echo "make test-all    lint, then only the slow tests"
	@echo "make test-faults full and read-only disks, on the real commands (parts need root)"
	@echo "make lint        ruff, mypy and the import contracts"
	@echo "make setup       set up $(VENV) with everything, and stop there"
	@echo "Another Python: make PYTHON=/path/to/python3.12 demo"

setup: $(DEV_STAMP)

demo: $(RUN_STAMP)
	@$(PY) -m scripts.demo

# Two tests at once, each with one thread: as fast as two cores allow. On a machine with more: make JOBS=8 test
JOBS ?= 2

test: $(DEV_STAMP)
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n $(JOBS) --dist worksteal

# One at a time: these start processes of their own and look at the clock.
test-all: lint
	@$(PY) -m pytest -m slow

test-faults: $(DEV_STAMP)
	@$(PY) -m pytest -m faults

lint: $(DEV_STAMP)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo

# The stamp is written last, so that an installation that was cut off is completed by the next call.
$(RUN_STAMP):
	$(call install,requirements.txt)
	@touch $@

$(DEV_STAMP):
	$(call install,requirements-dev.txt)
	@touch $@ $(RUN_STAMP)

# 1. A .venv without a fitting Python and a working pip (none yet, its making was cut off, its Python was removed) is made anew.
# 2. pip writes INSTALLER after a package's files: without it a killed pip left the package incomplete, yet would call it installed.
define install
	@if ! { $(PY) $(FITS) && $(PY) -m pip --version; } >/dev/null 2>&1; then \
		python='$(PYTHON)'; \
		if ! $${python:-false} $(FITS) >/dev/null 2>&1; then \
			echo "error: $${python:-python3}: $$($${python:-python3} --version 2>&1 | head -n 1); Python 3.11, 3.12 or 3.13 with its venv module is needed (on Debian also python3-venv): make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
			exit 1; \
		fi; \
		echo "making $(VENV) with $$($$python --version)"; \
		$$python -m venv --clear $(VENV) || exit 1; \
	fi
	@for folder in $(VENV)/lib/python3.*/site-packages/*.dist-info; do \
		if [ -d "$$folder" ] && [ ! -f "$$folder/INSTALLER" ]; then rm -rf "$$folder"; fi; \
	done
	@echo "installing $(1) into $(VENV) (5-6 GB with torch; some minutes)"
	@$(PY) -m pip install --disable-pip-version-check --no-input -c constraints.txt -r $(1)
endef
