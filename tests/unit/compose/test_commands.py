"""What the containers are told to run exists: Airflow's own parser, options, routes and our modules are asked."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from candlewick.local import database
from candlewick.local import wiring as local_wiring

REPOSITORY = Path(__file__).resolve().parents[3]

# One process answers everything that needs Airflow imported under the containers' settings.
PROBE = """
import json, sys, threading, urllib.error, urllib.request
asked = json.load(sys.stdin)
answers = {"refused": [], "unknown_options": [], "connections": {}}

from airflow.cli import cli_parser
for argv in asked["airflow"]:
    try:
        cli_parser.get_parser().parse_args(argv)
    except SystemExit:
        answers["refused"].append(argv)

import click
from celery.bin.celery import celery
for argv in asked["celery"]:
    try:
        with celery.make_context("celery", list(argv)) as outer:
            name, command, rest = celery.resolve_command(outer, [*outer._protected_args, *outer.args])
            with command.make_context(name, rest, parent=outer):
                pass
    except click.ClickException as error:
        answers["refused"].append([*argv, str(error)])

from airflow.configuration import conf
import cosmos.settings
known = conf.configuration_description
for section, option in asked["options"]:
    options = vars(cosmos.settings) if section == "COSMOS" else known.get(section.lower(), {}).get("options", {})
    if option.lower() not in options:
        answers["unknown_options"].append(f"{section}.{option}")
answers["auth_manager"] = conf.getimport("core", "auth_manager").__name__

from airflow.executors.executor_loader import ExecutorLoader
try:
    answers["executor"] = type(ExecutorLoader.init_executors()[0]).__name__
except Exception as error:  # told by the test
    answers["executor"] = repr(error.__cause__ or error)
from sqlalchemy.engine import make_url
answers["drivers"] = [make_url(url.removeprefix("db+")).get_dialect().driver for url in asked["databases"]]

from airflow.api_fastapi.core_api.routes.public import public_router
answers["routes"] = [route.path for route in public_router.routes]

from http.server import HTTPServer
from airflow.utils import scheduler_health
server = HTTPServer(("127.0.0.1", 0), scheduler_health.HealthServer)
threading.Thread(target=server.serve_forever, daemon=True).start()
answers["scheduler_health"] = {}
for path in asked["scheduler_paths"]:
    try:
        status = urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=30).status
    except urllib.error.HTTPError as error:
        status = error.code
    answers["scheduler_health"][path] = status
answers["scheduler_port"] = conf.getint("scheduler", "scheduler_health_check_server_port")

from airflow.sdk import Connection
for key, value in asked["connections"].items():
    found = Connection.from_json(value, conn_id=key) if value.startswith("{") else Connection.from_uri(value, conn_id=key)
    answers["connections"][key] = {"type": found.conn_type, "host": found.host, "extra": found.extra_dejson}
print("ANSWERS" + json.dumps(answers))
"""


def commands(service) -> list[str]:
    """Return a service's command lines, its health check's included; a script is cut into its lines."""
    lines = []
    test = service.get("healthcheck", {}).get("test", [])
    for argv in (service.get("command", []), test[1:]):
        if argv[:2] == ["bash", "-euc"]:
            lines += argv[2].replace("\\\n", " ").splitlines()
        elif test[:1] == ["CMD-SHELL"] and argv == test[1:]:
            lines += argv
        elif argv:
            lines.append(shlex.join(argv))
    return lines


@pytest.fixture(scope="module")
def all_commands(airflow_services) -> list[list[str]]:
    """Every simple command of the Airflow services: lists and functions of the shell are taken apart."""
    lines = [line for service in airflow_services.values() for line in commands(service)]
    parts = [part for line in lines for part in ([line] if "urlopen" in line else re.split(r"\|\||&&|[;{}]", line))]
    return [words for part in parts if (words := shlex.split(re.sub(r"\d?>(&\d| ?\S+)", "", part)))]


def invocations(all_commands, program: str) -> list[list[str]]:
    """Return the arguments of each invocation of a program."""
    return [words[1:] for words in all_commands if words[0] == program]


def urls(service) -> list[tuple[int, str]]:
    """Return port and path of each address the health check asks."""
    return [
        (int(port), path)
        for port, path in re.findall(r"http://localhost:(\d+)(/[^'\"\s]*)", json.dumps(service["healthcheck"]))
    ]


@pytest.fixture(scope="module")
def answers(airflow_services, all_commands, tmp_path_factory):
    # The shell fills these in; any number will do for the parser.
    numbers = {"$2": "1"}
    environment = airflow_services["worker"]["environment"]
    asked = {
        "airflow": [[numbers.get(word, word) for word in argv] for argv in invocations(all_commands, "airflow")],
        "celery": invocations(all_commands, "celery"),
        "options": [key.split("__")[1:] for key in environment if key.startswith("AIRFLOW__")],
        "databases": [value for key, value in environment.items() if re.search("SQL_ALCHEMY_CONN|RESULT_BACKEND", key)],
        "scheduler_paths": [path for _, path in urls(airflow_services["scheduler"])] + ["/nothing-here"],
        "connections": {key: value for key, value in environment.items() if key.startswith("AIRFLOW_CONN_")},
    }
    assert len(asked["airflow"]) >= 9
    assert len(asked["celery"]) == 1
    settings = {key: value for key, value in environment.items() if not key.startswith("AIRFLOW__DATABASE")}
    home = tmp_path_factory.mktemp("airflow")
    settings |= {"AIRFLOW_HOME": str(home), "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home)}
    settings |= {"AIRFLOW__CORE__FERNET_KEY": "", "AIRFLOW__COSMOS__CACHE_DIR": str(home)}
    settings |= {"AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home)}
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "CANDLEWICK"))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(asked),
        env=outside | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ANSWERS" in done.stdout, done.stderr[-3000:]
    return json.loads(done.stdout.rpartition("ANSWERS")[2])


def test_airflow_and_celery_understand_every_command_line(answers):
    assert answers["refused"] == []


def test_every_airflow_option_exists(answers):
    assert answers["unknown_options"] == []


def test_the_auth_manager_and_the_executor_are_the_ones_for_many_people_and_hosts(answers):
    assert answers["auth_manager"] == "FabAuthManager"
    assert answers["executor"] == "CeleryExecutor"


def test_both_database_addresses_name_the_driver_that_is_installed(answers):
    assert answers["drivers"] == ["psycopg2", "psycopg2"]
    assert re.search(r"^psycopg2-binary==", (REPOSITORY / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_health_checks_ask_addresses_that_answer(answers, airflow_services):
    (api,) = urls(airflow_services["api-server"])
    assert api[1] in answers["routes"]
    assert api[0] == int(airflow_services["api-server"]["command"][-2])
    (scheduler,) = urls(airflow_services["scheduler"])
    assert scheduler[0] == answers["scheduler_port"]
    status = answers["scheduler_health"]
    assert status[scheduler[1]] == 503  # known, and truthful: no scheduler runs
    assert status["/nothing-here"] == 404


def test_the_published_port_is_the_one_the_api_listens_on(airflow_services):
    api = airflow_services["api-server"]
    assert api["ports"][0].rpartition(":")[2] == api["command"][api["command"].index("--port") + 1]


def test_inline_python_and_shell_are_well_formed(compose):
    for name, service in compose.seen().items():
        for argv in (service.get("command", []), service.get("healthcheck", {}).get("test", [])):
            for flag, code in itertools.pairwise(argv):
                if flag == "-c":
                    compile(code, name, "exec")
                elif flag in {"-euc", "CMD-SHELL"}:
                    shell = "bash" if argv[0] == "bash" else "sh"
                    assert subprocess.run([shell, "-n", "-c", code], check=False).returncode == 0, name


def test_each_module_of_the_init_service_takes_its_command(all_commands):
    modules = [argv for argv in invocations(all_commands, "python") if argv[0] == "-m"]
    assert len(modules) == 3
    for _, module, command in modules:
        done = subprocess.run(
            [sys.executable, "-m", module, "no-such-command"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert f"usage: python -m {module} {command}" in done.stderr


def test_connections_are_those_of_the_launcher_with_other_hosts(answers):
    found = answers["connections"]
    assert {key: value["host"] for key, value in found.items() if "WAREHOUSE" in key} == dict.fromkeys(
        ("AIRFLOW_CONN_WAREHOUSE", "AIRFLOW_CONN_WAREHOUSE_TRANSFORM", "AIRFLOW_CONN_WAREHOUSE_READ"), "mysql"
    )
    assert found["AIRFLOW_CONN_WAREHOUSE"]["extra"]["local_infile"] is True
    assert found["AIRFLOW_CONN_LAKE"]["type"] == "aws"
    assert found["AIRFLOW_CONN_LAKE"]["extra"]["endpoint_url"] == "http://minio:9000"
    binance = found["AIRFLOW_CONN_BINANCE"]
    assert (binance["host"], *binance["extra"]["fallback_hosts"]) == local_wiring.BINANCE_HOSTS
    assert found["AIRFLOW_CONN_BINANCE_ARCHIVE"]["host"] == local_wiring.BINANCE_ARCHIVE


def grants(statements) -> set[tuple[str, str, str]]:
    """Return (right, on what, to whom) of GRANT statements."""
    return {
        (right.strip(), what, role)
        for rights, what, role in re.findall(r"GRANT ([\w, ]+) ON (\S+) TO 'candlewick_(\w+)'", "\n".join(statements))
        for right in rights.split(",")
    }


def test_the_accounts_have_the_rights_the_launcher_gives(compose, monkeypatch):
    run: list[str] = []

    class Cursor:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, statement, _parameters=None):
            run.append(statement)

    server = SimpleNamespace(cursor=Cursor, close=lambda: None)
    monkeypatch.setattr(database.PrivateDatabase, "_administrator", lambda _self: server)
    config = SimpleNamespace(raw_schema="candlewick_raw", marts_schema="candlewick")
    private = database.PrivateDatabase.__new__(database.PrivateDatabase)
    private.settings, private.credentials = (
        config,
        {f"database_{role}": "x" for role in ("writer", "transformer", "reader")},
    )
    private.create_accounts()
    private.grant_tables()

    accounts = compose.seen()["warehouse-accounts"]
    script = accounts["command"][-1]
    for name in ("RAW", "MARTS"):
        value = accounts["environment"][name]
        script = script.replace(f"${name}", value).replace(f"${{{name}}}", value)
    ours, theirs = grants([script]), grants(run)
    assert len(theirs) > 6
    early = {("CREATE", f"candlewick_raw.{table}", "transformer") for table in database.TRANSFORMER_WRITES}
    assert ours == theirs | early


def test_the_dbt_profile_finds_its_account(compose):
    profile = (REPOSITORY / "dbt_project/profiles.yml").read_text(encoding="utf-8")
    read = set(re.findall(r"env_var\('(\w+)'", profile))
    assert read
    assert read <= set(compose.written("worker"))
