"""What SQLite keeps of a table is read as it is meant, however it was written."""

from __future__ import annotations

import pytest

from auto_migrate.drift.create_table import parse_index, parse_table

# All that Django writes, beside what people write by hand.
TABLE = """
CREATE TABLE "shop_item" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, -- by Django, (of 5.2
  name varchar( 50 ) not null UNIQUE, [key] decimal(10, 2) DEFAULT (1 + 2) NOT NULL, `default` text COLLATE nocase NULL,
  "n" integer unsigned NOT NULL CHECK ("n" >= 0), twice integer GENERATED ALWAYS AS ("n" * 2) STORED, half AS (n / 2),
  "shelf_id" bigint NULL REFERENCES "shop_shelf" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  at datetime CONSTRAINT "once" UNIQUE DEFAULT CURRENT_TIMESTAMP, /* , */
  CONSTRAINT "known" CHECK ("name" IN ('a', 'b( c', 'it''s')), UNIQUE (name, [KEY]),
  FOREIGN KEY (n) REFERENCES other(id) NOT DEFERRABLE CHECK (n NOT NULL)) STRICT, WITHOUT ROWID
"""


def test_every_clause_is_read() -> None:
    shape = parse_table("shop_item", TABLE)
    assert [str(column).strip() for column in shape.columns.values()] == [
        "integer NOT NULL AUTOINCREMENT",
        "varchar(50) NOT NULL",
        "decimal(10,2) NOT NULL DEFAULT (1 + 2)",
        'text COLLATE "NOCASE"',
        "integer unsigned NOT NULL",
        'integer GENERATED ALWAYS AS ("n" * 2) STORED',
        'GENERATED ALWAYS AS ("n" / 2) VIRTUAL',
        "bigint",
        "datetime DEFAULT CURRENT_TIMESTAMP",
    ]
    assert [(rule.kind, rule.name, rule.definition) for rule in shape.rules] == [
        ("p", "", 'PRIMARY KEY ("id")'),
        ("u", "", 'UNIQUE ("name")'),
        ("c", "", 'CHECK ("n" >= 0)'),
        (
            "f",
            "",
            'FOREIGN KEY ("shelf_id") REFERENCES "shop_shelf" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED',
        ),
        ("u", "once", 'UNIQUE ("at")'),
        ("c", "known", "CHECK (\"name\" IN ('a', 'b( c', 'it''s'))"),
        ("u", "", 'UNIQUE ("name", "key")'),
        ("f", "", 'FOREIGN KEY ("n") REFERENCES "other" ("id") NOT DEFERRABLE'),
        ("c", "", 'CHECK ("n" NOT NULL)'),
        ("c", "", "STRICT"),
        ("c", "", "WITHOUT ROWID"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("(name DESC) WHERE n IN ('a')", "( \"name\" desc )where [N] in('a')", True),
        ("(name) WHERE name = 'a'", "(name) WHERE name = 'A'", False),
        ("(name) WHERE name = 'a  b'", "(name) WHERE name = 'a b'", False),
        ('(name) WHERE name = "Told"', '(name) WHERE name = "told"', False),
        ("(lower(name))", "(LOWER(name))", True),
        ("(name, n)", "(n, name)", False),
        ("(name)", "(name COLLATE NOCASE)", False),
    ],
)
def test_an_index_is_the_same_if_it_means_the_same(one: str, other: str, is_same: bool) -> None:
    found = [parse_index("x", f"CREATE INDEX x ON t {text}", ["name", "n"]).definition for text in (one, other)]
    assert (found[0] == found[1]) is is_same
    unique = parse_index("x", f"CREATE UNIQUE INDEX x ON t {one}", ["name", "n"])
    assert unique.definition == f"UNIQUE {found[0]}"
