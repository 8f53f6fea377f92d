# Each target sets up what it needs by itself. Python ≥ 3.11 is all that has to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-slow soak try-newest-gradio lint format browser screenshots clean

run: $(VENV)/installed
	$(BIN)/python app.py

# More threads than free cores make small convolutions wait for one another.
test: export OMP_NUM_THREADS := $(or $(OMP_NUM_THREADS),1)
test-slow: export OMP_NUM_THREADS := $(or $(OMP_NUM_THREADS),2)

# Two at a time, but for the browser's: those wait for what moves on a page, and for nobody else. What fails gets a
# second try by itself, with new servers and a new browser, and both tries are printed: see CONTRIBUTING.md.
test: $(VENV)/installed-for-tests lint browser
	$(BIN)/python -m pytest -m "not slow" --ignore tests/browser --numprocesses 2 --dist loadfile \
		|| $(BIN)/python -m pytest -m "not slow" --ignore tests/browser --last-failed
	$(BIN)/python -m pytest -m "not slow" tests/browser \
		|| $(BIN)/python -m pytest -m "not slow" tests/browser --last-failed

test-slow: $(VENV)/installed-for-tests browser
	$(BIN)/python -m pytest -m slow

# Attacks a server of its own for about a quarter of an hour, and prints a table.
soak: $(VENV)/installed-for-tests
	$(BIN)/python tools/soak.py

# Once a week, see .github/workflows and SECURITY.md.
try-newest-gradio: export OMP_NUM_THREADS := $(or $(OMP_NUM_THREADS),1)
try-newest-gradio: $(VENV)/installed-for-tests
	sh tools/try-newest-gradio.sh $(BIN)/python

# Gradio writes a .pyi beside each component of ours, and leaves it behind when the component changes.
lint: $(VENV)/installed-for-tests
	find unet_demo/ui -name "*.pyi" -delete
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/installed-for-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/installed: requirements.txt
	sh tools/install.sh $(PYTHON) $(VENV) requirements.txt
	touch $@

$(VENV)/installed-for-tests: requirements-test.txt $(VENV)/installed
	sh tools/install.sh $(PYTHON) $(VENV) requirements-test.txt
	touch $@

browser: $(VENV)/installed-for-tests
	sh tools/find-browser.sh $(BIN)

screenshots: $(VENV)/installed-for-tests browser
	PYTHONPATH=. $(BIN)/python tools/screenshots.py docs

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
