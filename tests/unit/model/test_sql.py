# SPDX-License-Identifier: Apache-2.0
"""Statements: what the plan prints is what the driver would send."""

from __future__ import annotations

from datetime import date

import pytest
from pymysql.converters import encoders, escape_item

from nova_decom.model.sql import Statement, Transaction, by_id, insert, update

HOSTILE = [
    "node1",
    "",
    "o'brien",
    'say "hi"',
    "back\\slash",
    "\\' OR 1=1 -- ",
    "nul\0byte",
    "line\nfeed\r",
    "ctrl-z\x1a",
    "100%s of %(it)s",
    "tab\tbell\x07",
    "ünï→漢字",
    "\u202egnp.exe",
    "node1'; DROP TABLE services; #",
    0,
    -1,
    2**63,
    0.1,
    16.700000762939453,
    5e-324,
    1e22,
    -0.0,
    None,
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_text_is_what_the_driver_makes_of_sql_and_parameters(value):
    """Escaping by hand and by PyMySQL give the same, whatever a name holds."""
    statement = Statement("SELECT id FROM services WHERE host = %s AND id = %s", (value, 7), 1)

    assert statement.text == statement.sql % tuple(
        escape_item(p, "utf8mb4", encoders) for p in statement.params
    )


@pytest.mark.parametrize(
    ("sql", "is_read", "is_image"),
    [
        ("SELECT * FROM services WHERE id IN (%s) FOR UPDATE", True, True),
        ("SELECT id FROM services WHERE host = %s", True, False),
        ("DELETE FROM services WHERE id IN (%s)", False, False),
        ("UPDATE services SET deleted = id WHERE id IN (%s)", False, False),
    ],
)
def test_kinds_of_statements(sql, is_read, is_image):
    """Reads come before writes, and reads of whole rows are the before-image."""
    statement = Statement(sql, (1,), 1)

    assert (statement.is_read, statement.is_image) == (is_read, is_image)


@pytest.mark.parametrize(
    ("statement", "probe"),
    [
        (
            Statement("DELETE FROM services WHERE id IN (%s) AND host = %s", (1, "a"), 1),
            Statement("SELECT id FROM services WHERE id IN (%s) AND host = %s", (1, "a"), 0),
        ),
        (
            Statement("UPDATE nodes SET deleted = id WHERE id IN (%s) AND deleted = 0", (1,), 1),
            Statement("SELECT id FROM nodes WHERE id IN (%s) AND deleted = 0", (1,), 0),
        ),
        (
            update("nodes", 1, {"deleted": 0, "blob": b"x"}, {"deleted": 1}),
            Statement("SELECT id FROM nodes WHERE id = %s AND `deleted` <=> %s", (1, 1), 0),
        ),
        (
            insert("nodes", {"host": "a", "id": 1}),
            Statement("SELECT id FROM nodes WHERE id = %s", (1,), 1),
        ),
    ],
    ids=["delete", "update", "update with values", "insert"],
)
def test_probe_of_a_write_tells_whether_it_happened(statement, probe):
    """After a lost answer to COMMIT so many rows are found if it came through."""
    assert statement.probe == probe


def test_a_row_is_inserted_as_it_was_read():
    """Its id first; bytes as text that can be printed, dates as text that MySQL takes."""
    row = {"host": "o'b", "id": 3, "x": 0.1, "n": None, "at": date(2026, 11, 24), "raw": b"\xff"}

    statement = insert("services", row)

    assert statement.rows == 1
    assert statement.text == (
        "INSERT INTO services (`id`, `host`, `x`, `n`, `at`, `raw`) "
        "VALUES (3, 'o\\'b', 0.1e0, NULL, '2026-11-24', UNHEX('ff'))"
    )


def test_a_row_is_changed_while_it_is_as_it_was_seen():
    """NULL is compared too; bytes and dates as above."""
    now = {"deleted": 8, "deleted_at": None, "raw": b"\x01"}

    statement = update("compute_nodes", 8, {"host": "o'b", "raw": b"\xff"}, now)

    assert statement.rows == 1
    assert statement.text == (
        "UPDATE compute_nodes SET `host` = 'o\\'b', `raw` = UNHEX('ff') WHERE id = 8 AND "
        "`deleted` <=> 8 AND `deleted_at` <=> NULL AND `raw` <=> UNHEX('01')"
    )


def test_a_transaction_tells_reads_from_writes_and_counts_what_changes():
    """Rows that are only read are no changes."""
    read = Statement("SELECT * FROM services WHERE id IN (%s, %s) FOR UPDATE", (1, 2), 2)
    delete = Statement("DELETE FROM services WHERE id IN (%s, %s)", (1, 2), 2)
    update = Statement("UPDATE compute_nodes SET deleted = id WHERE id IN (%s)", (8,), 1)
    transaction = Transaction("cell1", "node1", (read, delete, update))

    assert transaction.reads == (read,)
    assert transaction.writes == (delete, update)
    assert transaction.rows == 3


@pytest.mark.parametrize(
    ("statement", "right", "trial"),
    [
        (
            by_id("SELECT *", "a", (1, 2), "x", " FOR UPDATE"),
            "SELECT with a lock on a",
            "SELECT * FROM a WHERE 1 = 0 AND id IN (%s, %s) AND host = %s FOR UPDATE",
        ),
        (
            Statement("SELECT id FROM a WHERE host = %s LOCK IN SHARE MODE", ("x",), 0),
            "SELECT with a lock on a",
            "SELECT id FROM a WHERE 1 = 0 AND host = %s LOCK IN SHARE MODE",
        ),
        (
            Statement("SELECT id FROM a WHERE host = %s", ("x",), 0),
            "SELECT on a",
            "SELECT id FROM a WHERE 1 = 0 AND host = %s",
        ),
        (
            Statement("DELETE FROM a WHERE id IN (%s)", (1,), 1),
            "DELETE on a",
            "DELETE FROM a WHERE 1 = 0 AND id IN (%s)",
        ),
        (
            update("a", 1, {"x": 2}, {"y": 3}),
            "UPDATE on a",
            "UPDATE a SET `x` = %s WHERE 1 = 0 AND id = %s AND `y` <=> %s",
        ),
        (
            insert("a", {"id": 1, "key": b"\0"}),
            "INSERT on a",
            "INSERT INTO a (`id`, `key`) SELECT %s, UNHEX(%s) FROM DUAL WHERE 1 = 0",
        ),
    ],
)
def test_a_trial_is_the_same_statement_on_no_row(statement, right, trial):
    """It has the same parameters, and names the right that it needs."""
    assert (statement.right, statement.trial.sql) == (right, trial)
    assert statement.trial.params == statement.params


def test_statements_for_more_rows_are_of_the_same_kind():
    """The number of rows makes no other right; another column does."""
    one, three = (by_id("DELETE", "a", range(n), "x") for n in (1, 3))
    assert one.kind == three.kind != by_id("DELETE", "a", (1,)).kind
