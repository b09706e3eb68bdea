"""Which kind of column the API makes of a type of the warehouse, and what its description says of each table's columns."""

from __future__ import annotations

from candlewick_ui.kinds import Kind

KINDS = {
    "bigint": Kind.COUNT, "int": Kind.COUNT, "tinyint": Kind.FLAG, "decimal": Kind.DECIMAL, "double": Kind.NUMBER, "date": Kind.DAY,
    "datetime": Kind.TIME, "varchar": Kind.TEXT, "char": Kind.TEXT, "text": Kind.TEXT,
}  # fmt: skip


def columns_of_tables(document):
    """Return (path, column, schema) of every table of an OpenAPI document whose columns are always the same."""
    found = []
    for path, operations in document["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "text/csv" in answer:
            rows = answer["application/json"]["schema"]["properties"]["data"]["items"]
            found += [(path, name, schema) for name, schema in rows.get("properties", {}).items()]
    return found
