"""The tables of dbt without the seconds of a dbt process: built by it once an engine, then made again from their text."""

from __future__ import annotations

_TEXTS: dict[str, list[str]] = {}


def build_facts(database, warehouse, dbt) -> None:
    """Make fact_klines and dbt's view of staging, empty, as ``dbt run`` makes them."""
    config = warehouse.config
    with database.connect() as root, root.cursor() as cursor:
        if database.name not in _TEXTS:
            dbt("run", "--select", "stg_klines", "fact_klines")
            texts = []
            for kind, name in (("TABLE", "fact_klines"), ("VIEW", "stg_klines"), ("TABLE", "definitions")):
                cursor.execute(f"SHOW CREATE {kind} {config.marts_schema}.{name}")
                text = cursor.fetchone()[1]
                # In the order of their lengths: one name is the beginning of the other.
                texts.append(text.replace(config.raw_schema, "{raw}").replace(config.marts_schema, "{marts}"))
            _TEXTS[database.name] = texts
            cursor.execute(f"SELECT name, checksum FROM {config.marts_schema}.definitions")
            kept = ", ".join(f"('{name}', '{checksum}')" for name, checksum in cursor.fetchall())
            texts.append(f"INSERT INTO definitions VALUES {kept}")
            return
        cursor.execute(f"USE {config.marts_schema}")
        for text in _TEXTS[database.name]:
            cursor.execute(text.replace("{raw}", config.raw_schema).replace("{marts}", config.marts_schema))
