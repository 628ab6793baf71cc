# `make book` and `make test` set everything up by themselves; `make help` lists the rest.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=3600 -n 2 --dist loadscope

.PHONY: help setup book test demo check results teaching autograding package wheel-check site-check clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: .venv/installed  ## make .venv with the pinned versions

# One environment: made once, and made anew when the pins have really changed (not merely their date).
.venv/constraints.txt: constraints.txt
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed: install it, or name it with make PYTHON=/path/to/python3.11"; exit 1; fi
	@cmp -s $< $@ || $(PYTHON) -m venv --clear .venv
	@cp $< $@

.venv/installed: .venv/constraints.txt pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[book,test]'
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[crf]' >.venv/crf.log 2>&1 \
		|| echo "The dense CRF is left out: it could not be built here (it needs a C++ compiler; the reason stands in .venv/crf.log)."
	@$(PY) tools/network_runtime.py
	@touch $@

book: setup  ## run every notebook and build the site at _build/html/index.html
	rm -rf _build
	set -o pipefail; .venv/bin/jupyter-book build . -W --keep-going 2>&1 | tee .venv/book.log
	$(PY) tools/notebook_times.py .venv/book.log

test: setup  ## run the tests, then every notebook against its committed outputs
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile --cov --cov-report=term
	OMP_NUM_THREADS=1 $(PY) -m pytest $(NBVAL) notebooks

demo: setup  ## segment one photo into demo/: make demo IMAGE=photo.jpg
	@test -n "$(IMAGE)" || { echo "Which photo? make demo IMAGE=photo.jpg"; exit 2; }
	$(PY) -m simsam segment "$(IMAGE)" -o demo --overlay

check: setup  ## style and spelling
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m codespell_lib

ON := $(if $(BACKBONE),--backbone $(BACKBONE))

results: setup  ## measure again what the book reports: make results [BACKBONE=NETWORK] [ECSSD=DIR] [CAMVID=DIR], hours
	$(PY) tools/results.py recipes head headroom --dataset cutouts $(ON)
ifdef ECSSD
	$(PY) tools/ranking.py --root "$(ECSSD)" $(ON)
	$(PY) tools/controls.py --root "$(ECSSD)" $(ON)
	$(PY) tools/confidence.py --root "$(ECSSD)" $(ON)
	$(PY) tools/results.py recipes --dataset ecssd --root "$(ECSSD)" $(ON)
	$(PY) tools/results.py headroom --dataset ecssd --root "$(ECSSD)" --select 3/4 $(ON)
	$(PY) tools/results.py head --dataset ecssd --root "$(ECSSD)" --select 3/4 $(ON)
	$(PY) tools/results.py head --dataset ecssd --root "$(ECSSD)" --select 1/4 --add $(ON)
	$(PY) tools/results.py stages --dataset ecssd --root "$(ECSSD)" --select 3/8 $(ON)
	$(PY) tools/results.py layers --dataset ecssd --root "$(ECSSD)" --select 3/16 $(ON)
	$(PY) tools/collection_head.py --root "$(ECSSD)" $(ON)
	$(PY) tools/slow_path.py --root "$(ECSSD)" $(ON)
	$(PY) tools/ceiling.py --root "$(ECSSD)" $(ON)
endif
ifdef CAMVID
	$(PY) tools/semantic_results.py --cutouts --camvid "$(CAMVID)" $(ON)
endif
	$(PY) tools/precision.py $(ON)
	$(PY) tools/benchmark_results.py $(ON)
	$(PY) tools/folder_results.py $(ON)
	$(PY) tools/big_photos.py $(ON)
	$(PY) tools/readme_tables.py

teaching: setup  ## the archives for teaching: dist/simsam-teaching.zip and dist/simsam-instructor.zip
	$(PY) tools/teaching_pack.py

# nbgrader wants versions of its own, so it gets an environment; its kernels are the book's.
.venv-nbgrader/installed: .venv/installed
	$(PY) -m venv --clear .venv-nbgrader
	.venv-nbgrader/bin/python -m pip install --quiet --disable-pip-version-check 'nbgrader>=0.9.6,<0.10'
	@touch $@

autograding: .venv-nbgrader/installed  ## grade the notebooks for teaching by nbgrader, half an hour
	OMP_NUM_THREADS=1 $(PY) tools/autograding.py .venv-nbgrader

package: setup  ## what goes to PyPI: dist/package, built and checked
	rm -rf dist/package build
	test -x .venv-package/bin/twine || $(PY) -m venv --clear .venv-package
	.venv-package/bin/python -m pip install --quiet --disable-pip-version-check build twine
	.venv-package/bin/python -m build --outdir dist/package .
	.venv-package/bin/twine check --strict dist/package/*

# Every notebook in an empty folder, seeing the built wheel and not this folder.
UNPACKED := $(CURDIR)/dist/wheel/unpacked
wheel-check: setup  ## the book, built with nothing of the package but its wheel
	rm -rf dist/wheel build
	$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist/wheel .
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --target $(UNPACKED) dist/wheel/*.whl
	cd dist/wheel && PYTHONPATH=$(UNPACKED) $(CURDIR)/$(PY) -c "import simsam; assert 'wheel/unpacked' in simsam.__file__"
	PYTHONPATH=$(UNPACKED) $(MAKE) book

site-check:  ## look at the built site in a headless Chromium
	$(PY) -m pytest tests/site -m site

clean:  ## remove everything that was made, but not .venv
	rm -rf _build build dist demo .coverage htmlcov .pytest_cache .ruff_cache .venv-nbgrader .venv-package
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
