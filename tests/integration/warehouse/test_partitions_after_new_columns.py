"""A table that has gained columns without a copy still gives away a day, or says that it cannot; no row is misread."""

from __future__ import annotations

import pytest

from candlewick.warehouse import partitions

DAYS = "PARTITION a VALUES LESS THAN ('2024-06-02'), PARTITION b VALUES LESS THAN ('2024-06-03'), PARTITION z VALUES LESS THAN (MAXVALUE)"


@pytest.fixture
def session(warehouse, config):
    """Two days of rows, a column in the middle and one at the end that came later, and a row with both."""
    with warehouse.session() as made:
        made.run(f"USE {config.marts_schema}")
        made.run(
            "CREATE TABLE facts (symbol VARCHAR(10), at DATETIME(3), price DECIMAL(20,8) NOT NULL, PRIMARY KEY (symbol, at)) "
            f"PARTITION BY RANGE COLUMNS (at) ({DAYS})"
        )
        made.run(
            "INSERT INTO facts VALUES ('A', '2024-06-01 10:00', 1), ('B', '2024-06-01 11:00', 2), ('A', '2024-06-02 10:00', 3)"
        )
        made.commit()
        made.run(
            "ALTER TABLE facts ADD COLUMN venue VARCHAR(16) AFTER symbol, ADD COLUMN weight DOUBLE AFTER price, ALGORITHM = INSTANT"
        )
        made.run("INSERT INTO facts VALUES ('C', 'spot', '2024-06-01 12:00', 4, 0.5)")
        made.commit()
        yield made


def rows(session, config):
    return session.all(f"SELECT symbol, venue, price, weight FROM {config.marts_schema}.facts ORDER BY at, symbol")


def test_a_day_changes_places_with_what_stays_of_it_or_nothing_happens(session, config, database):
    before = rows(session, config)
    assert [(row[0], row[1], int(row[2]), row[3]) for row in before] == [
        ("A", None, 1, None), ("B", None, 2, None), ("C", "spot", 4, 0.5), ("A", None, 3, None),
    ]  # fmt: skip
    kept = partitions.prepare_kept(session, config.marts_schema, "facts")
    session.run(
        f"INSERT INTO {kept} SELECT * FROM {config.marts_schema}.facts WHERE at < '2024-06-02' AND symbol <> 'B'"
    )
    session.commit()
    # MySQL (9.7) refuses it for any table with such columns; retention then deletes by keys (docs/operations.md).
    exchanged = partitions.exchange(session, config.marts_schema, "facts", "a")
    assert exchanged == (database.name == "mariadb")
    if exchanged:
        assert rows(session, config) == [row for row in before if row[0] != "B"]
        assert sorted(session.all(f"SELECT symbol, venue, price, weight FROM {kept}")) == sorted(
            before[:3], key=lambda row: row[0]
        )
    else:
        assert rows(session, config) == before
    partitions.drop_kept(session, config.marts_schema, "facts")
    session.run(f"ALTER TABLE {config.marts_schema}.facts ADD COLUMN more INT NULL, ALGORITHM = INSTANT")
    session.run(f"INSERT INTO {config.marts_schema}.facts VALUES ('D', 'x', '2024-06-01 13:00', 5, 1.5, 7)")
    assert session.one(f"CHECK TABLE {config.marts_schema}.facts")[3] == "OK"
    assert session.all(f"SELECT more FROM {config.marts_schema}.facts WHERE symbol = 'D'") == [(7,)]
