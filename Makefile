# The front door. Every target works from a clean clone on a bare machine: the first line of each prepares what is missing.
# Settings come from the environment, from .env, or from the command line: make demo CANDLEWICK_AIRFLOW_PORT=8090
PYTHON ?= python3
LAUNCH := PYTHONPATH=include $(PYTHON) -m candlewick.local.bootstrap
PY := $(LAUNCH) --dev python
BROWSE := $(LAUNCH) --browser python
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo up down status logs shell backup restore drill upgrade rollback clean test lint format bench chaos screenshots docs requirements

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## a running platform on a simulated exchange, left running
	@$(LAUNCH) demo

up: ## the same on the real exchange
	@$(LAUNCH) up

down: ## stop everything that demo or up started
	@$(LAUNCH) down

status: ## what runs, on which port, how it and the data is; fails when something is down or late
	@$(LAUNCH) status

logs: ## last lines of every log, followed in a terminal (SERVICE=scheduler for one)
	@$(LAUNCH) logs $(SERVICE)

upgrade: ## bring the platform to the code that is checked out (BACKUP=0, CHANGED=1, WAIT=minutes for running tasks)
	@$(LAUNCH) upgrade $(if $(filter 0,$(BACKUP)),--no-backup) $(if $(CHANGED),--changed) $(if $(WAIT),--wait $(WAIT))

rollback: ## take the last upgrade back; then check out the older code and make up
	@$(LAUNCH) rollback $(if $(WAIT),--wait $(WAIT))

shell: ## a shell in which airflow, dbt and mysql talk to the platform (CMD="airflow dags list" for one command)
	@$(LAUNCH) shell $(if $(CMD),-c '$(subst ','\'',$(CMD))')

backup: ## save the warehouse into the lake, delete backups that are too old
	@$(LAUNCH) backup

restore: ## restore BACKUP=latest (or its name) into an empty database and verify it (RAW=… MARTS=… into other schemas, MODE=live)
	@$(LAUNCH) restore $(or $(BACKUP),latest) $(if $(MODE),--mode $(MODE)) $(if $(RAW),--raw-schema $(RAW)) $(if $(MARTS),--marts-schema $(MARTS))

drill: ## rebuild the days FROM=2026-01-01 TO=2026-01-02 from the lake, compare them with the live ones (SYMBOLS=BTCUSDT,… KEEP=1)
	@$(LAUNCH) drill --from '$(FROM)' --to '$(TO)' --symbols '$(SYMBOLS)' $(if $(KEEP),--keep)

clean: ## stop, then delete all data, logs and passwords (YES=1 does not ask, ALL=1 the virtualenvs too)
	@$(LAUNCH) clean $(if $(YES),--yes) $(if $(ALL),--all)

test: lint ## style and types, then every test that runs on this machine (WORKERS=1 one after the other)
	@$(BROWSE) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: ## style, types, SQL and the generated page
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m candlewick.docs --check
	@$(LAUNCH) shell -c 'cd dbt_project && sqlfluff lint models'

format: ## rewrite Python sources in the house style
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: ## measure rates and latencies
	@$(BROWSE) tests/bench/run.py $(ARGS)

chaos: ## kill things in the middle and look whether anything was lost
	@$(PY) -m pytest tests/chaos -m chaos $(ARGS)

screenshots: ## pictures of the pages of the running platform, into docs/images
	@$(BROWSE) tests/screenshots.py $(ARGS)

docs: ## write docs/configuration.md from the settings
	@$(PY) -m candlewick.docs

requirements: ## resolve requirements.txt, requirements-dev.txt and dbt_project/requirements.txt again
	@PYTHONPATH=include $(PYTHON) -m candlewick.local.requirements $(ARGS)
