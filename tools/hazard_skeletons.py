"""What the files of a new hazard begin as; `new_hazard` fills in the names."""

from __future__ import annotations

MODULE = '''\
"""{code}: {subject}."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.safety.hazard import {everywhere}Found, Harm, Hazard, Site


class {class_name}(Hazard):
    code = "{code}"
    slug = "{name}"
    title = gettext_noop("{title}")
    harm = Harm.{harm}
{vendors}
    def found(self, change: Change, site: Site) -> Iterator[Found]:
        # TODO: the rule over one change, a value of changes/change.py, such as:
        #     if isinstance(change, DropTable):
        #         problem = _("{{table}} goes with all its rows.").format(table=change.table)
        #         yield Found(change.table, problem, "the code to write instead, with the project's own names")
        # What the plan itself makes is left out (`on_new_tables`). Override `look` to see more than one change.
        return iter(())
'''

PAGE = """\
# {code}: {subject}

**What it does.** TODO: which operations and which SQL have it, and what the database does then.

**Why it matters.** TODO: who waits, what is lost or what fails, and for how long.

**The safe way.** TODO: in a sentence, then as code:

```python
class Migration(migrations.Migration):
    operations = [...]  # TODO
```

**Versions.** TODO: what differs between versions of the database and of Django.{elsewhere}

**To acknowledge it**

```python
@auto_migrate.acknowledge("{code}", reason="TODO: a good reason.")
class Migration(migrations.Migration): ...
```

or `ACKNOWLEDGE = {{"{code}:shop.0007_order": "…"}}` in the settings, or `--acknowledge {code}:shop.0007_order`.
"""

TWIN = """\
# {code}: TODO: o título, como o catálogo o traduz

**O que faz.** TODO: que operações e que SQL o têm, e o que o banco de dados faz então.

**Por que importa.** TODO: quem aguarda, o que se perde ou o que falha, e por quanto tempo.

**O caminho seguro.** TODO: em uma frase, depois como código:

```python
class Migration(migrations.Migration):
    operations = [...]  # TODO
```

**Versões.** TODO: o que difere entre versões do banco de dados e do Django.{elsewhere_in_portuguese}

**Para aceitá-lo**

```python
@auto_migrate.acknowledge("{code}", reason="TODO: a good reason.")
class Migration(migrations.Migration): ...
```

ou `ACKNOWLEDGE = {{"{code}:shop.0007_order": "…"}}` nas configurações, ou `--acknowledge {code}:shop.0007_order`.
"""

PAIR = '''\
"""TODO: in a sentence, the hazard and the safe way to the same end."""

from tests.hazards import customers_and_orders, migration

BEFORE = customers_and_orders()

HAZARD = [migration()]  # TODO: the operations that have it, such as migration(migrations.DeleteModel("Order"))

SAFE = [migration()]  # TODO: those that lead to the same schema without it, in as many migrations as it takes
'''

TEST = '''\
"""{code} is found in SQL that has it, and not in what only resembles it.

`found_in` takes several texts too, an operation each. What is no matter of SQL has tests of your own instead.
"""

from __future__ import annotations

from tests.unit.safety.sql_migration import found_in

FOUND: list[str] = []  # TODO: SQL that has it, such as "DROP TABLE t"; each text is a migration
NOT_FOUND: list[str] = []  # TODO: SQL that comes close, such as "CREATE TABLE n (id integer); DROP TABLE n"


def test_it_is_found_in_what_has_it() -> None:
    assert FOUND, "write SQL that has {code} into FOUND"
    assert [sql for sql in FOUND if not found_in("{code}", sql)] == []


def test_it_is_not_found_in_what_only_resembles_it() -> None:
    assert NOT_FOUND, "write SQL that comes close to {code} into NOT_FOUND"
    assert [sql for sql in NOT_FOUND if found_in("{code}", sql)] == []
'''

NEXT = """\
Made {code}, of the series that {about}:
{files}
and a row in docs/hazards/README.md and in its twin. What is left to write is marked TODO. Its title and sentences are
translated with:

  make messages

This says what is missing, in seconds:

  make test ARGS="tests/unit/safety tests/unit/test_catalogue.py"

Then this carries both migrations out on PostgreSQL, and judges them:

  make test ARGS="tests/integration/safety -k {module}"
"""
