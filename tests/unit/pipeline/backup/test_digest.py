"""Rows and checksums of tables, read off the text of a dump however it is cut; and its schemas named otherwise."""

from __future__ import annotations

import pytest

from candlewick.pipeline.backup.digest import Digest
from candlewick.pipeline.backup.programs import BackupFailed
from candlewick.pipeline.backup.restore import differences, renamed

DUMP = rb"""/*M!999999\- enable the sandbox mode */

USE `t_raw`;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `loads` (
  `load_id` bigint(20) NOT NULL,
  `note` varchar(20) DEFAULT 'USE `t_raw`;',
  PRIMARY KEY (`load_id`)
) ENGINE=InnoDB
 PARTITION BY RANGE (`load_id`)
(PARTITION `p0` VALUES LESS THAN (10) ENGINE = InnoDB,
 PARTITION `p1` VALUES LESS THAN MAXVALUE ENGINE = InnoDB);
LOCK TABLES `loads` WRITE;
INSERT INTO `loads` VALUES
(1,'one'),
(2,'USE `t`;\nUSE `t`;'),
(3,'three);');
INSERT INTO `loads` VALUES
(4,NULL);
UNLOCK TABLES;
CREATE TABLE `empty` (
  `n` bigint(20) NOT NULL
);

USE `t`;
CREATE TABLE `loads` (
  `n` bigint(20) NOT NULL
);
INSERT INTO `loads` VALUES
(1);
"""
ROLES = {"t_raw": "raw", "t": "marts"}


def tables(text, size=1 << 20, roles=ROLES):
    digest = Digest(roles)
    for start in range(0, len(text), size):
        digest.feed(text[start : start + size])
    return digest.tables()


def test_each_table_has_its_rows_also_an_empty_one_and_one_of_the_same_name_in_the_other_schema():
    assert [(one.schema, one.name, one.rows) for one in tables(DUMP)] == [
        ("marts", "loads", 1), ("raw", "empty", 0), ("raw", "loads", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100])
def test_it_does_not_matter_where_the_text_is_cut(size):
    assert tables(DUMP, size) == tables(DUMP)


def test_the_checksum_depends_on_values_and_not_on_the_order_of_rows():
    swapped = DUMP.replace(b"(1,'one'),\n", b"").replace(b"(4,NULL);", b"(4,NULL),\n(1,'one');")
    other = DUMP.replace(b"'one'", b"'One'")
    assert tables(swapped) == tables(DUMP)
    assert differences(tables(DUMP), tables(other)) == ["raw.loads has 4 rows with other values"]


def test_a_row_that_is_missing_or_comes_twice_is_a_difference_and_so_is_a_table():
    missing = DUMP.replace(b"(1,'one'),\n", b"")
    twice = DUMP.replace(b"(1,'one'),\n", b"(1,'one'),\n(1,'one'),\n(1,'one'),\n")
    assert differences(tables(DUMP), tables(missing)) == ["raw.loads has 3 rows instead of 4"]
    assert differences(tables(DUMP), tables(twice)) == ["raw.loads has 6 rows instead of 4"]
    less = tuple(one for one in tables(DUMP) if one.name != "empty")
    assert differences(tables(DUMP), less) == ["raw.empty is only in the backup"]
    assert differences(less, tables(DUMP)) == ["raw.empty is only there"]


@pytest.mark.parametrize("end", [DUMP.index(b"(2,"), DUMP.index(b"(4,NULL)") + 3, len(DUMP) - 2])
def test_a_dump_that_was_cut_off_is_none(end):
    with pytest.raises(BackupFailed, match="cut off"):
        tables(DUMP[:end])


def test_rows_that_do_not_stand_on_lines_of_their_own_are_refused_with_a_sentence():
    with pytest.raises(BackupFailed, match=r"one row a line .*mariadb-dump"):
        tables(DUMP.replace(b"VALUES\n(1);", b"VALUES (1);"))


def test_a_dump_of_another_schema_is_refused():
    with pytest.raises(BackupFailed, match="one of the schema t"):
        tables(DUMP, roles={"t_raw": "raw"})


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_schemas_are_renamed_and_not_a_row_that_looks_like_it(size):
    pieces = (DUMP[start : start + size] for start in range(0, len(DUMP), size))
    text = b"".join(renamed(pieces, {"t_raw": "again_raw", "t": "again"}))
    assert text == DUMP.replace(b"\nUSE `t_raw`;", b"\nUSE `again_raw`;").replace(b"\nUSE `t`;", b"\nUSE `again`;")
    assert b"(2,'USE `t`;\\nUSE `t`;')" in text


def test_a_backup_that_uses_a_schema_nobody_named_is_refused():
    with pytest.raises(BackupFailed, match="got t"):
        list(renamed([DUMP], {"t_raw": "again_raw"}))
