"""Types that would rewrite a table: another column takes the column's place, when it has all that hangs on it.

A trigger keeps the shadow as the column is, rows are filled block by block, indexes and constraints come to it as they
do to any column, and one instant swaps the two. Names, keys, identity, sequence, default and comment are then those of
Django's own statements; only the order of the columns differs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online import foreign_keys, removals
from auto_migrate.applying.online.catalogue import TARGETS
from auto_migrate.applying.online.check_constraints import look, not_valid, validated
from auto_migrate.applying.online.chosen_names import chosen_name
from auto_migrate.applying.online.companions import with_companions
from auto_migrate.applying.online.index_steps import build
from auto_migrate.applying.online.not_null import AS_CONSTRAINT, helper_name
from auto_migrate.applying.online.quoted_names import NAME, QUOTED, literal, parts_of, unquoted
from auto_migrate.applying.online.removals import drop_constraint
from auto_migrate.applying.online.replaced_column import ColumnIndex, Facts, ReplacedColumn, facts_of, renamed
from auto_migrate.applying.online.step import Kind, Step
from auto_migrate.applying.online.step_context import NotOnline
from auto_migrate.applying.row_trigger import row_trigger
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.lock_modes import ALTER_TABLE

TYPE = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) ALTER COLUMN (?P<column>{QUOTED}) TYPE (?P<type>[a-z][a-z0-9 (),\[\]]*?)"
    rf"(?P<collation> COLLATE {QUOTED})?(?P<cast> USING (?P=column)::(?P=type))?"
)
# What decides on how a value is read and written: the trigger shall do it as the statement that fills does, whoever
# writes the row.
SETTINGS = ("search_path", "timezone", "datestyle", "intervalstyle", "extra_float_digits", "bytea_output")
# Types to which no setting matters; to set them costs a write more than to copy its value.
NUMBERS = ("smallint", "integer", "bigint", "numeric", "double precision", "real")
SEQUENCE = _lazy_re_compile(rf"ALTER SEQUENCE IF EXISTS {NAME} AS \w+")
# What somebody may do with a sequence is what he may do with another one, whatever default privileges gave him. Both
# without any said are left so.
SAME_PRIVILEGES = """DO $privileges$
DECLARE statement text;
BEGIN
    FOR statement IN
        WITH old AS (SELECT * FROM pg_class WHERE oid = {old}::regclass),
             new AS (SELECT * FROM pg_class WHERE oid = {new}::regclass),
             said AS (
                 SELECT 1 AS turn, 'REVOKE ALL' AS what, 'FROM' AS whom, grantee, '' AS how
                 FROM new, aclexplode(coalesce(relacl, acldefault('s', relowner)))
                 UNION ALL
                 SELECT 2, 'GRANT ' || privilege_type, 'TO', grantee,
                        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
                 FROM old, aclexplode(coalesce(relacl, acldefault('s', relowner)))
             )
        SELECT format('%s ON SEQUENCE %s %s %s%s', what, new.oid::regclass, whom,
                      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, how)
        FROM said, old, new WHERE old.relacl IS NOT NULL OR new.relacl IS NOT NULL ORDER BY turn
    LOOP
        EXECUTE statement;
    END LOOP;
END $privileges$"""


@dataclasses.dataclass(frozen=True)
class Shadow:
    """The column that takes the place of another; `cast` is what turns a value into one of its type.

    Without one a value is assigned, so that one which does not fit is refused. `version` is the server's (major), and
    `keys` are the foreign keys that it is to have, as they were read.
    """

    facts: ReplacedColumn
    type: str
    cast: str
    version: int
    keys: Sequence[re.Match[str]] = ()

    @property
    def token(self) -> str:
        """What makes names that nobody else has."""
        whole = f"{self.facts.table}.{self.facts.column}"
        return hashlib.blake2b(whole.encode(), digest_size=6).hexdigest()

    def name(self, what: str) -> str:
        """Return the quoted name of one of its parts."""
        return quoted(f"auto_migrate_{self.token}_{what}")

    @property
    def column(self) -> str:
        """Its own name, until the swap."""
        return self.name("column")

    @property
    def trigger(self) -> str:
        """The name of the trigger."""
        return self.name("trigger")

    @property
    def function(self) -> str:
        """The name of the trigger's function, in the schema of the table."""
        *schema, _table = parts_of(self.facts.table)
        return ".".join([*map(quoted, schema), self.name("copy")])

    @property
    def sequence(self) -> str:
        """The name of the new identity's sequence, until the swap."""
        *schema, _name = parts_of(self.facts.sequence)
        return ".".join([*map(quoted, schema), self.name("sequence")])

    def steps(self) -> Iterator[Step]:
        """Return the steps up to the swap."""
        facts = self.facts
        copy = f"BEGIN NEW.{self.column} := {self.value('NEW.')}; RETURN NEW; END"
        needed = () if self.type.startswith(NUMBERS) else SETTINGS
        alike = " ".join(f"SET {setting} FROM CURRENT" for setting in needed)
        if facts.becomes_required and not facts.value:
            yield look(facts.table, f"{facts.column} IS NULL", facts.column)
        yield Step(
            kind=Kind.CHANGE,
            sql=(
                f"ALTER TABLE {facts.table} ADD COLUMN {self.column} {self.type}",
                f"CREATE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql {alike} AS $copy${copy}$copy$",
                *row_trigger(self.trigger, facts.table, self.function),
            ),
            table=facts.table,
            subject=self.column,
            lock=ALTER_TABLE,
            undo=(*self.without_trigger(), f"ALTER TABLE {facts.table} DROP COLUMN IF EXISTS {self.column}"),
        )
        # Whatever was written since then has been copied by the trigger.
        fill = (
            f"UPDATE {facts.table} SET {self.column} = {self.value()} WHERE {self.column} IS NULL"  # noqa: S608 # quoted
            + ("" if facts.value else f" AND {facts.column} IS NOT NULL")
        )
        yield Step(kind=Kind.FILL, sql=(fill,), table=facts.table, subject=self.column)
        for index in facts.indexes:
            rest = self.instead(re.split(r" ON .*? USING ", index.definition, maxsplit=1)[1])
            yield build(facts.table, self.part(index.name), f" USING {rest}", unique=index.unique)
        for name, definition in facts.checks:
            yield not_valid(facts.table, self.part(name), self.instead(definition))
            yield validated(facts.table, self.part(name))
        if facts.required:
            yield not_valid(facts.table, self.helper, f"CHECK ({self.column} IS NOT NULL)")
            yield validated(facts.table, self.helper)
        for key in self.keys:
            definition = key["definition"].rstrip().replace(f"({facts.column})", f"({self.column})", 1)
            yield from foreign_keys.looked_up(facts.table, self.part(unquoted(key["name"])), definition, key["target"])

    def value(self, row: str = "") -> str:
        """Return what it holds in a row."""
        copied = f"{row}{self.facts.column}{self.cast}"
        return f"coalesce({copied}, {self.facts.value})" if self.facts.value else copied

    def instead(self, definition: str) -> str:
        """Return a definition that the server wrote, of the shadow instead of its column."""
        return renamed(definition, self.facts.column, self.column)

    def with_it(self, index: ColumnIndex) -> ColumnIndex:
        """Return an index of another column as it is with the shadow."""
        return dataclasses.replace(index, definition=self.instead(index.definition))

    def without(self, names: Collection[str]) -> Shadow:
        """Return the shadow without the indexes and checks of these names."""
        indexes = [index for index in self.facts.indexes if index.name not in names]
        checks = [(name, definition) for name, definition in self.facts.checks if name not in names]
        return dataclasses.replace(self, facts=dataclasses.replace(self.facts, indexes=indexes, checks=checks))

    def part(self, name: str) -> str:
        """Return the quoted name of an index or constraint until the swap."""
        return self.name(hashlib.blake2b(name.encode(), digest_size=6).hexdigest())

    @property
    def helper(self) -> str:
        """The name of the CHECK that proves NOT NULL."""
        return helper_name(self.facts.table, self.column)

    def without_trigger(self) -> tuple[str, ...]:
        """Return the statements that take the trigger away."""
        return (
            f"DROP TRIGGER IF EXISTS {self.trigger} ON {self.facts.table}",
            f"DROP FUNCTION IF EXISTS {self.function}()",
        )

    def swap(self) -> Iterator[str]:
        """Return the statements that put it into the column's place."""
        facts, alter = self.facts, f"ALTER TABLE {self.facts.table}"
        yield from self.without_trigger()
        if facts.required:
            yield f"{alter} ALTER COLUMN {self.column} SET NOT NULL"
            yield drop_constraint(facts.table, self.helper)
        replaced = [f"{alter} DROP COLUMN {facts.column}", f"{alter} RENAME COLUMN {self.column} TO {facts.column}"]
        yield from self.numbered(replaced) if facts.sequence else replaced
        if facts.required and self.version >= AS_CONSTRAINT:
            made = chosen_name(facts.table, self.column, "not_null")
            yield f"{alter} RENAME CONSTRAINT {made} TO {facts.not_null}"
        if facts.default:
            yield f"{alter} ALTER COLUMN {facts.column} SET DEFAULT {facts.default}"
        yield from map(self.take_over, facts.indexes)
        yield from self.described()
        if facts.becomes_required:
            # It is by now: said once more by its name, for whoever serves the writers of NULL from here on.
            yield f"{alter} ALTER COLUMN {facts.column} SET NOT NULL"

    def numbered(self, replaced: Sequence[str]) -> Iterator[str]:
        """Return the statements that replace a column whose values come from a sequence."""
        facts, alter = self.facts, f"ALTER TABLE {self.facts.table}"
        if not facts.identity:
            yield f"ALTER SEQUENCE {facts.sequence} OWNED BY NONE"
            yield from replaced
            yield f"ALTER SEQUENCE {facts.sequence} OWNED BY {facts.table}.{facts.column}"
            return
        how = "ALWAYS" if facts.identity == "a" else "BY DEFAULT"
        yield f"{alter} ALTER COLUMN {self.column} ADD GENERATED {how} AS IDENTITY (SEQUENCE NAME {self.sequence})"
        old, new = literal(facts.sequence), literal(self.sequence)
        yield f"SELECT setval({new}, last_value, is_called) FROM {facts.sequence}"  # noqa: S608 # quoted
        yield SAME_PRIVILEGES.format(old=old, new=new)
        yield from replaced
        yield f"ALTER SEQUENCE {self.sequence} RENAME TO {quoted(parts_of(facts.sequence)[-1])}"

    def described(self) -> Iterator[str]:
        """Return the statements that give names, comment and statistics back."""
        facts, alter = self.facts, f"ALTER TABLE {self.facts.table}"
        for name in [*(name for name, _definition in facts.checks), *(unquoted(key["name"]) for key in self.keys)]:
            yield f"{alter} RENAME CONSTRAINT {self.part(name)} TO {quoted(name)}"
        if facts.comment is not None:
            yield f"COMMENT ON COLUMN {facts.table}.{facts.column} IS {literal(facts.comment)}"
        if facts.statistics is not None:
            yield f"{alter} ALTER COLUMN {facts.column} SET STATISTICS {facts.statistics}"

    def take_over(self, index: ColumnIndex) -> str:
        """Return the statement that gives an index its name, or makes the constraint that it is of."""
        alter, built = f"ALTER TABLE {self.facts.table}", self.part(index.name)
        if not index.constraint:
            *schema, _table = parts_of(self.facts.table)
            return f"ALTER INDEX {'.'.join([*map(quoted, schema), built])} RENAME TO {quoted(index.name)}"
        kind = "PRIMARY KEY" if index.constraint == "p" else "UNIQUE"
        return f"{alter} ADD CONSTRAINT {quoted(index.name)} {kind} USING INDEX {built}{index.deferrable}"


def rewritten(
    statements: Sequence[str], connection: BaseDatabaseWrapper, version: int, facts_of: Facts = facts_of
) -> list[Step]:
    """Return the steps of statements that change types and what hangs on them, and do nothing else.

    Raise `NotOnline` for any others, and without a database to look at.
    """
    if connection.connection is None:
        raise NotOnline
    shadows = []
    types = [found for one in statements if (found := TYPE.fullmatch(one))]
    names = {found["name"] for one in statements if (found := removals.CONSTRAINT.fullmatch(one))}
    for found in types:
        facts = facts_of(connection, found["table"], found["column"], names)
        facts, statements = with_companions(facts, statements)
        cast = f"::{found['type']}" if found["cast"] else ""
        shadows.append(Shadow(facts, f"{found['type']}{found['collation'] or ''}", cast, version))
    dropped = [found for one in statements if (found := removals.CONSTRAINT.fullmatch(one))]
    added = [found for one in statements if (found := foreign_keys.ADD.fullmatch(one))]
    sequences = [one for one in statements if SEQUENCE.fullmatch(one)]
    if len(dropped) + len(added) + len(types) + len(sequences) != len(statements) or not types:
        raise NotOnline
    shadows = [with_keys(shadow, added, shadows) for shadow in last_has_all(shadows)]
    added = [found for found in added if not any(found in shadow.keys for shadow in shadows)]
    if added and not dropped:
        # A key that was not there before may refuse rows when nothing can be put back any more.
        raise NotOnline
    swap = (
        *(found[0] for found in dropped),
        *(statement for shadow in shadows for statement in shadow.swap()),
        *sequences,
        *(f"{found[0]} NOT VALID" for found in added),
    )
    targets = [*(found["target"] for found in added), *targets_of(dropped, connection)]
    first, *others = dict.fromkeys(
        [*(shadow.facts.table for shadow in shadows), *targets, *(found["table"] for found in dropped)]
    )
    column = shadows[0].facts.column
    swapped = Step(kind=Kind.CHANGE, sql=swap, table=first, subject=column, lock=ALTER_TABLE, others=tuple(others))
    steps = [step for shadow in shadows for step in shadow.steps()]
    return [*steps, swapped, *(validated(found["table"], found["name"]) for found in added)]


def with_keys(shadow: Shadow, added: Iterable[re.Match[str]], shadows: Iterable[Shadow]) -> Shadow:
    """Return the shadow with the foreign keys that its column is to have, as far as they need no other shadow."""
    column = (shadow.facts.table, f"({shadow.facts.column})")
    replaced = {(other.facts.table, f"({other.facts.column})") for other in shadows}
    keys = [
        found
        for found in added
        if (found["table"], found["columns"]) == column and (found["target"], found["keys"]) not in replaced
    ]
    return dataclasses.replace(shadow, keys=keys)


def targets_of(dropped: Iterable[re.Match[str]], connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Return the other tables that foreign keys point to which are dropped: they are locked with them."""
    with connection.cursor() as cursor:
        for found in dropped:
            cursor.execute(TARGETS, [found["table"], unquoted(found["name"])])
            yield from (target for (target,) in cursor.fetchall())


def last_has_all(shadows: Iterable[Shadow]) -> list[Shadow]:
    """Leave an index or a check on several of the columns to the last of them, when there is a shadow of each."""
    done: list[Shadow] = []
    for shadow in shadows:
        facts = shadow.facts
        for place, before in enumerate(done):
            if before.facts.table != facts.table:
                continue
            indexes = [before.with_it(index) for index in facts.indexes]
            checks = [(name, before.instead(definition)) for name, definition in facts.checks]
            facts = dataclasses.replace(facts, indexes=indexes, checks=checks)
            done[place] = before.without({*(index.name for index in indexes), *(name for name, _ in checks)})
        done.append(dataclasses.replace(shadow, facts=facts))
    return done
