"""What holds for docker-compose.yml whoever runs it. Docker itself is not needed, nor is it on every machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest

from candlewick.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[3]
SECRET_NAME = re.compile(r"PASSWORD|PWD|SECRET|FERNET_KEY|AUTH$")
# Settings that say where things are in the image (the defaults hold there), and those of the local launcher alone.
NOT_HANDED_ON = {"home", "dbt_project_dir", "dags_dir", "plugins_dir", "dbt_executable"}


def launcher_settings() -> set[str]:
    """Fields below the heading of the launcher in settings.py."""
    text = (REPOSITORY / "include/candlewick/settings.py").read_text(encoding="utf-8")
    section = re.search(r"# --- the local launcher -+\n(.*?)\n\n", text, re.DOTALL)
    assert section, "settings.py has a section for the launcher"
    return set(re.findall(r"^    (\w+):", section[1], re.MULTILINE))


def test_the_file_is_valid_by_the_compose_specification(compose):
    package = pytest.importorskip("check_jsonschema", reason="check-jsonschema carries the specification's schema")
    path = Path(package.__file__).parent / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(compose.document, schema)
    jsonschema.validate({**compose.document, "services": compose.seen()}, schema)


def test_the_validation_above_can_fail(compose):
    package = pytest.importorskip("check_jsonschema", reason="check-jsonschema carries the specification's schema")
    path = Path(package.__file__).parent / "builtin_schemas/vendor/compose-spec.json"
    broken = {"services": {"mysql": {**compose.services["mysql"], "health_check": {}}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(path.read_text(encoding="utf-8")))


def test_the_production_shape_is_complete(compose):
    airflow = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert set(compose.services) == airflow | {"init", "postgres", "redis", "mysql", "warehouse-accounts", "minio"}


def test_every_variable_is_explained_in_the_example_environment(compose):
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"^#?\s*([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    # The example says so: what docs/configuration.md lists need not be repeated in it.
    settings = {f"CANDLEWICK_{name.upper()}" for name in Settings.model_fields}
    assert compose.variables - known - settings == set()
    assert known >= compose.required


def test_the_example_environment_contains_no_value_for_a_secret(compose):
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    given = {name for name, value in re.findall(r"^#?\s*([A-Z][A-Z0-9_]*)=(\S*)", example, re.MULTILINE) if value}
    assert compose.required & given == set()


def test_each_missing_secret_stops_docker_with_a_sentence(compose):
    secrets = compose.secrets()
    assert len(secrets) >= 10
    for name in secrets:
        for env in ({**secrets, name: ""}, {key: value for key, value in secrets.items() if key != name}):
            with pytest.raises(Exception, match=rf"^set {name} in \.env"):
                compose.seen(env)


def test_sentences_are_read_alike_by_every_version_of_compose(compose):
    # Some take a hyphen in a sentence for the start of a default, and then nothing is required any more.
    for sentence in compose.sentences:
        assert not set(sentence) & set("-?{"), sentence


def test_no_password_or_key_stands_in_the_file(compose):
    values = set(compose.secrets().values())
    seen = 0
    for name, service in compose.seen().items():
        for key, value in service["environment"].items():
            if SECRET_NAME.search(key):
                secret = value
            elif value.startswith("{"):
                secret = json.loads(value).get("password", "")
            elif "://" in value and "@" in value:
                secret = urlsplit(value).password or ""
            else:
                continue
            assert secret in values, f"{name}: {key}"
            seen += 1
    assert seen > 50


def test_root_and_administrator_passwords_reach_only_those_who_need_them(compose):
    def holders(variable: str) -> set[str]:
        return {name for name, service in compose.services.items() if f"${{{variable}:?" in json.dumps(service)}

    assert holders("MYSQL_ROOT_PASSWORD") == {"mysql", "warehouse-accounts"}
    assert holders("AIRFLOW_ADMIN_PASSWORD") == {"init"}


@pytest.mark.parametrize("bind_host", ["", "192.0.2.1"])
def test_only_the_web_ui_can_be_published_beyond_loopback(compose, bind_host):
    published = {
        (name, port.rsplit(":", 2)[0])
        for name, service in compose.seen({**compose.secrets(), "CANDLEWICK_BIND_HOST": bind_host}).items()
        for port in service.get("ports", [])
    }
    expected = {("api-server", bind_host or "127.0.0.1"), ("mysql", "127.0.0.1"), ("minio", "127.0.0.1")}
    assert published == expected


def test_the_metadata_database_and_the_queue_are_reachable_by_airflow_only(compose):
    assert compose.document["networks"]["control"]["internal"] is True
    for name in ("postgres", "redis"):
        assert compose.services[name]["networks"] == ["control"]
        assert "ports" not in compose.services[name]
    for name in ("mysql", "warehouse-accounts", "minio"):
        assert compose.services[name]["networks"] == ["data"]


def test_every_service_that_stays_has_a_health_check_and_comes_back(compose):
    for name, service in compose.services.items():
        if name in compose.one_shot:
            continue
        assert service["restart"] == "unless-stopped", name
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name


def test_what_is_waited_for_is_ready_not_merely_started(compose):
    for name, service in compose.services.items():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in compose.one_shot else "service_healthy"
            assert how == {"condition": wanted}, f"{name} waits for {needed}"
    waiting = {name for name, service in compose.services.items() if "init" in service.get("depends_on", {})}
    assert waiting == {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert set(compose.services["init"]["depends_on"]) == {"postgres", "redis", "minio", "warehouse-accounts"}


def test_every_image_is_pinned_to_a_release(compose):
    for name, service in compose.services.items():
        _, _, tag = service["image"].rpartition(":")
        assert re.search(r"\d+\.\d+\.\d+|\d+\.\d+-|RELEASE\.\d{4}-\d\d-\d\d", tag), f"{name}: {service['image']}"
        assert "latest" not in tag


def test_logs_are_rotated_and_privileges_cannot_grow(compose):
    for name, service in compose.services.items():
        assert {"max-size", "max-file"} <= set(service["logging"]["options"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_airflow_cannot_change_its_own_image(airflow_services):
    for name, service in airflow_services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        mounted = {volume.split(":")[1] for volume in service["volumes"]} | {
            path.split(":")[0] for path in service["tmpfs"]
        }
        assert mounted == {"/var/lib/candlewick", "/var/log/candlewick", "/tmp", "/opt/candlewick/airflow"}  # noqa: S108


def test_all_data_is_in_named_volumes(compose):
    used = {volume.split(":")[0] for service in compose.services.values() for volume in service.get("volumes", [])}
    assert used == set(compose.document["volumes"])


def test_every_setting_reaches_the_tasks(compose):
    fields = set(Settings.model_fields) - NOT_HANDED_ON - launcher_settings()
    handed_on = {
        key.removeprefix("CANDLEWICK_").lower() for key in compose.written("worker") if key.startswith("CANDLEWICK_")
    }
    assert fields - handed_on == set()
    only_dbt_reads = {name for name in handed_on if name.startswith("dbt_")}
    assert handed_on - fields - only_dbt_reads == set(), "settings that no longer exist"


def test_defaults_are_those_of_the_settings(compose):
    # More hosts' work than the launcher's one machine does, hence more at once.
    own = {"airflow_parallelism": "16"}
    found = set(re.findall(r"\$\{CANDLEWICK_(\w+):-([^}]*)}", compose.text))
    assert found
    for name, default in found:
        field = Settings.model_fields.get(name.lower())
        if field is not None:
            assert default == own.get(name.lower(), str(field.default)), name


def test_the_warehouse_server_is_set_up_as_the_loads_need_it(compose):
    options = set(compose.seen()["mysql"]["command"])
    assert {
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_ci",
        "--default-time-zone=+00:00",
        "--transaction-isolation=READ-COMMITTED",
        "--local-infile=ON",
    } <= options
    assert compose.services["mysql"]["image"] == compose.services["warehouse-accounts"]["image"]
