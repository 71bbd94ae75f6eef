# Needs Python 3.11 or newer, make and git. `make run`: try the site; `make test`: run the tests; `make serve`: host it.

SHELL := /bin/bash
UV_VERSION := 0.13.9
PYTHON = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
READY := .venv/.ready
BIN := .venv/bin
UV = VIRTUAL_ENV= UV_PROJECT_ENVIRONMENT=.venv $(BIN)/python -m uv

.DEFAULT_GOAL := help
.PHONY: help setup run serve test check format screenshots bench lighthouse faults translations audit sbom

help: ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## install the packages of uv.lock into .venv

# After Python was upgraded or removed, .venv has no packages for the new one: create it again.
# (The folder can be moved: nothing here runs the scripts in .venv/bin, which contain the full path of Python.)
# The path of the packages contains Python's version. Where the program's name does not, ask Python, which is slower.
ifneq ($(wildcard $(READY)),)
ifeq ($(wildcard .venv/lib/$(notdir $(realpath $(BIN)/python))/site-packages/granian),)
ifneq ($(shell $(BIN)/python -c 'from importlib.util import find_spec as f; print(f("granian") and "works")' 2>/dev/null),works)
$(shell rm -rf .venv)
endif
endif
endif

$(READY): uv.lock pyproject.toml
	@echo "Setting up .venv; this takes up to a minute the first time."
	@if [ -z "$(PYTHON)" ]; then echo "blogapp needs Python 3.11 or newer; none was found. Install it (Debian, Ubuntu: apt install python3 python3-venv)." >&2; exit 1; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module does not work here. On Debian and Ubuntu: apt install python3-venv." >&2; exit 1; }
	@$(BIN)/python -m uv --version 2>/dev/null | grep -q "^uv $(UV_VERSION)" || { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null; $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"; }
	@VIRTUAL_ENV= UV_PROJECT_ENVIRONMENT=.venv PYTHONDONTWRITEBYTECODE= $(BIN)/python -m uv sync --quiet --locked --inexact --compile-bytecode --python $(BIN)/python
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q app.py blogapp
	@folder=$$(mktemp -d); env -i DATA_DIR=$$folder $(BIN)/python -c 'from blogapp.web.server import load; load("app:app")'; rm -r $$folder
	@touch $(READY)

# Reads the settings, and the file .env, before Flask does, which prints a traceback if it cannot read that file.
PORT_SETTING := $(BIN)/python -c 'from blogapp.settings import environment, read_setting; print(read_setting(environment(), "PORT"))'

run: setup ## run the site with demo content at http://127.0.0.1:8000
	@$(PORT_SETTING) >/dev/null
	@echo "Creating the database, and demo articles if it is empty."
	@$(BIN)/python -m flask db upgrade
	@$(BIN)/python -m flask demo
	@port=$$($(PORT_SETTING)) || exit 1; \
	printf '%s\n' "" "Next steps, in another terminal:" \
	  "  Write an article:    $(BIN)/python -m flask articles import FILE.md   (Markdown that starts with title: and date:)" \
	  "  Sign in:             http://127.0.0.1:$$port/owner (first, set up the blog at the address below)" \
	  "  Moderate comments:   $(BIN)/python -m flask comments list, then: approve or remove NUMBER" \
	  "  See all settings:    $(BIN)/python -m flask settings" ""; \
	exec $(BIN)/python -m flask run --port $$port

serve: setup ## run the production server on HOST and PORT, without demo content
	@exec $(BIN)/python -m blogapp.pages.serve

test: setup ## run all tests, on SQLite and PostgreSQL and in Chromium
	@$(BIN)/python -m tests.harness.browser
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

check: setup ## run the linters and the type checker: ruff, mypy, djlint, codespell
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -m djlint --quiet --lint templates
	@$(BIN)/python -m codespell_lib

format: setup ## format the code with ruff
	@-$(BIN)/python -m ruff check --fix --quiet .
	@$(BIN)/python -m ruff format --quiet .

screenshots: setup ## take the screenshots of the README
	@$(BIN)/python -m tests.harness.browser
	@$(BIN)/python -m tests.harness.screenshots

bench: setup ## measure everything in docs/BENCHMARKS.md but Lighthouse's scores; takes up to ten minutes
	@$(BIN)/python -m benchmarks

faults: setup ## kill the server, fill its disk, stop its database and so on, and say what held; see docs/faults.md
	@$(BIN)/python -m tests.faults

lighthouse: setup ## measure Lighthouse's scores, which must be 100; needs npm
	@$(BIN)/python -m benchmarks lighthouse

audit: setup ## look up known vulnerabilities of the packages in uv.lock, at osv.dev
	@$(UV) audit --locked --no-dev --preview-features audit-command; code=$$?; \
	if [ $$code -gt 1 ]; then echo "Nothing was checked: the list of vulnerabilities cannot be had here." >&2; fi; exit $$code

SBOM := sbom.json
sbom: setup ## write the packages of the server to sbom.json (CycloneDX)
	@$(UV) export --quiet --frozen --no-dev --format cyclonedx1.5 --preview-features sbom-export --output-file $(SBOM) >/dev/null
	@echo "The packages of uv.lock are listed in $(SBOM)."

translations: setup ## add new messages to the translation files, to be translated by hand
	@$(BIN)/python -m babel.messages.frontend -q extract -F blogapp/translations/extract.cfg -k plural_forms:1,2 --no-location --sort-output -o blogapp/translations/messages.pot .
	@for file in blogapp/translations/*.po; do $(BIN)/python -m babel.messages.frontend -q update -i blogapp/translations/messages.pot -o $$file -l $$(basename $$file .po) --no-fuzzy-matching --no-wrap --ignore-pot-creation-date; done
	@rm blogapp/translations/messages.pot
