# `make run` and `make test` need nothing else: what is missing they install (scripts/install says how).
# Recipes call programs by relative path, so that a checkout in a path with a space works.
.PHONY: help run test torture fuzz soak lint bench docs clean
.DEFAULT_GOAL := help

help:
	@echo 'make run     install what is missing, then start a trunk with a demo account and a simulated carrier'
	@echo 'make test    install what is missing, then the whole test suite, real calls included'
	@echo 'make torture  100,000 broken messages against a running edge'
	@echo 'make fuzz    20,000 mutated captures and logs through the whole trace analyzer'
	@echo 'make soak    30 minutes at 50 calls/s: what leaks? (ARGS="--minutes 3" for less)'
	@echo 'make lint    style, types and house rules'
	@echo 'make bench   the benchmarks of docs/performance.md'
	@echo 'make docs    write docs/cli.md anew from the commands'' own help'
	@echo 'make clean   remove the virtual environment and caches; the home folder of the node is left alone'

run:
	@scripts/install run
	@exec .venv/bin/python -m trunkline.cli.main up --demo $(ARGS)

test:
	@scripts/install test
	.venv/bin/python -m pytest -q -n 3 --dist loadfile $(ARGS)

torture:
	@scripts/install test
	TRUNKLINE_TORTURE=100000 .venv/bin/python -m pytest -q tests/live/test_torture.py $(ARGS)

fuzz:
	@scripts/install test
	TRUNKLINE_FUZZ=20000 .venv/bin/python -m pytest -q tests/analyzer/pipeline/test_pipeline_fuzz.py $(ARGS)

soak:
	@scripts/install test
	.venv/bin/python -m bench.soak $(ARGS)

lint:
	@scripts/install test
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/python -m pytest -q tests/test_house.py

bench:
	@scripts/install test
	.venv/bin/python -m bench $(ARGS)

docs:
	@scripts/install test
	.venv/bin/python -m trunkline.cli.reference > docs/cli.md
	.venv/bin/python -m trunkline.cli.rules_reference > docs/analyzer-rules.md
	.venv/bin/python -m trunkline.pbx.config.pages docs/pbx

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build trunkline.egg-info
	find trunkline tests -name __pycache__ -type d -prune -exec rm -rf {} +
