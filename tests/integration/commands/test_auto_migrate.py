"""`manage.py auto_migrate` as a deploy runs it: what it prints, how it ends, and what it leaves in the database."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands.depot import (
    GOODS,
    PLAN,
    deploy_lock,
    depot,
    locked,
    migrated,
    query,
    recorded,
    runs,
    steps,
    timeless,
)
from tests.manage import ROOT

SUCCESS = """\
📊 Running the database migrations with retry...
🔄 Attempt 1/5 - Testing the connection...
🔄 Running migrations...
Operations to perform:
{goal}
Running migrations:
{lines}
✅ Checking the state of the migrations...
✅ Migrations carried out successfully!
"""
ALL = "  Apply all migrations: contenttypes, goods"
NOTHING = "  No migrations to apply."
ERROR = "ValueError: no room for 3 crates"


def applied(names: list[str], verb: str = "Applying") -> str:
    return "\n".join(
        f"  {verb} {name}... OK (0.000s) [{index}/{len(names)}]" for index, name in enumerate(names, start=1)
    )


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path}/depot.sqlite3"


@pytest.fixture(params=["database_url", "sqlite_url"])
def url(request: pytest.FixtureRequest) -> str:
    """Return an empty database of each vendor."""
    return str(request.getfixturevalue(request.param))


# -- what it prints ---------------------------------------------------------------------------------------------------


def test_what_is_applied_is_shown_as_django_shows_it_with_its_time_and_its_place(url: str) -> None:
    assert timeless(migrated(url=url)) == SUCCESS.format(goal=ALL, lines=applied(PLAN))
    assert recorded(url) == GOODS


def test_a_database_that_is_up_to_date_is_left_alone(url: str) -> None:
    migrated(url=url)
    history = runs(url)
    assert migrated(url=url) == SUCCESS.format(goal=ALL, lines=NOTHING)
    assert runs(url) == history


def test_verbosity_zero_prints_nothing(url: str) -> None:
    assert migrated("--verbosity=0", url=url) == ""
    assert recorded(url) == GOODS


def test_a_terminal_that_knows_only_ascii_gets_every_line(url: str) -> None:
    printed = migrated(url=url, language="pt-br", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LANG="C", LC_ALL="C")
    assert printed.isascii()
    assert "\\U0001f504 Tentativa 1/5 - Testando conex\\xe3o...\n" in printed
    assert printed.endswith("\\u2705 Migra\\xe7\\xf5es executadas com sucesso!\n")


def test_an_error_fits_a_terminal_that_knows_only_ascii(url: str) -> None:
    done = depot("auto_migrate", url=url, language="pt-br", FAIL="python", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 1
    assert done.stderr.isascii()
    assert "A migra\\xe7\\xe3o goods.0004_fragile falhou" in done.stderr


# -- --check ----------------------------------------------------------------------------------------------------------


def test_check_lists_what_is_pending_and_changes_nothing(database_url: str) -> None:
    done = depot("auto_migrate", "--check", url=database_url)
    assert done.returncode == 9
    assert done.stdout == "".join(f"  {name}\n" for name in PLAN)
    assert done.stderr == (
        "CommandError: Database 'default' is behind; migrations pending: 6.\nApply them: manage.py auto_migrate\n"
    )
    assert query(database_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_check_finds_nothing_pending(url: str) -> None:
    migrated(url=url)
    assert migrated("--check", url=url) == "✅ No migrations are pending.\n"


def test_check_does_not_wait_for_another_runner(database_url: str) -> None:
    with deploy_lock(database_url):
        assert depot("auto_migrate", "--check", url=database_url).returncode == 9


# -- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--max-retries=0"], "'0' is not allowed: a number of at least 1 is needed."),
        (["--max-retries=-1"], "'-1' is not allowed: a number of at least 1 is needed."),
        (["--max-retries=five"], "'five' is not a number."),
        (["--max-retries=2.5"], "'2.5' is not a number."),
        (["--max-retries="], "'' is not a number."),
        (["--retry-delay=-0.1"], "'-0.1' is not allowed: a number of at least 0 is needed."),
        (["--retry-delay=nan"], "'nan' is not allowed: a number of at least 0 is needed."),
        (["--retry-delay=inf"], "'inf' is not allowed: a number of at least 0 is needed."),
        (["--retry-delay=1e15"], "'1e15' is not allowed: a number of at most 1000000000 is needed."),
        (["--retry-delay=soon"], "'soon' is not a number."),
        (["--lock-wait=-1"], "'-1' is not allowed: a number of at least 0 is needed."),
        (["--lock-wait=1h"], "'1h' is not a number."),
        (["--database=nowhere"], "invalid choice: 'nowhere' (choose from 'default')"),
        (["--all-databases", "--database=default"], "--all-databases and --database contradict each other."),
        (["--run-id=17"], "invalid UUID value: '17'"),
        (["--resolve=goods.0002_labels"], "'goods.0002_labels' is no resolution."),
        (["--resolve=goods.0002_labels:1=maybe"], "'goods.0002_labels:1=maybe' is no resolution."),
        (["--resolve=goods.0099_gone:1=redo"], "--resolve goods.0099_gone:1: no operation of that migration was cut."),
        (["--format=yaml"], "invalid choice: 'yaml' (choose from 'text', 'json', 'sarif')"),
        (["--fake"], "unrecognized arguments: --fake"),
        (["goods", "0001", "0002"], "unrecognized arguments: 0002"),
        (["crates"], "No installed app with label 'crates'."),
        (["papers"], "App 'papers' does not have migrations."),
        (["goods", "00"], "More than one migration of 'goods' begins with '00'."),
        (["goods", "0099"], "No migration of 'goods' begins with '0099'."),
    ],
)
def test_what_makes_no_sense_is_exit_code_2_and_changes_nothing(
    arguments: list[str], reason: str, sqlite_url: str
) -> None:
    done = depot("auto_migrate", *arguments, url=sqlite_url)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    # Nothing was tried, save what only the history can tell.
    assert "Attempt" not in done.stdout or "--resolve" in reason
    assert query(sqlite_url, "SELECT name FROM sqlite_master WHERE name LIKE 'goods%'") == []


def test_a_run_asked_for_over_http_is_on_one_database(sqlite_url: str, tmp_path: Path) -> None:
    done = depot(
        "auto_migrate", f"--run-id={uuid.uuid4()}", "--database=default", "--database=other",
        url=sqlite_url, OTHER_DATABASE_URL=f"sqlite:///{tmp_path}/other.sqlite3",
    )  # fmt: skip
    assert done.returncode == 2
    assert "--run-id names one run on one database." in done.stderr


def test_a_bad_setting_is_exit_code_2(sqlite_url: str) -> None:
    done = depot("auto_migrate", url=sqlite_url, AUTO_MIGRATE_LOCK_WAIT="long")
    assert done.returncode == 2
    assert "AUTO_MIGRATE_LOCK_WAIT: 'long' is refused: a number is needed." in done.stderr


# -- targets ----------------------------------------------------------------------------------------------------------


def test_an_app_label_alone_brings_that_app_to_its_leaf_nodes(url: str) -> None:
    printed = timeless(migrated("goods", url=url))
    assert printed == SUCCESS.format(goal="  Apply all migrations: goods", lines=applied(GOODS))
    assert query(url, "SELECT count(*) FROM django_migrations WHERE app = 'contenttypes'") == [(0,)]


def test_a_prefix_names_the_one_migration_to_go_to(url: str) -> None:
    printed = timeless(migrated("goods", "0002", url=url))
    goal = "  Target specific migration: 0002_labels, from goods"
    assert printed == SUCCESS.format(goal=goal, lines=applied(GOODS[:2]))
    assert recorded(url) == GOODS[:2]


def unjudged(printed: str) -> str:
    """Return what was printed without what was found in the plan."""
    return "".join(line for line in printed.splitlines(keepends=True) if not line.startswith(("  ✖ ", "  ▲ ")))


def test_an_earlier_migration_is_gone_back_to(url: str) -> None:
    migrated(url=url)
    printed = unjudged(timeless(migrated("goods", "0002", url=url, AUTO_MIGRATE_BLOCK="never")))
    goal = "  Target specific migration: 0002_labels, from goods"
    assert printed == SUCCESS.format(goal=goal, lines=applied([GOODS[3], GOODS[2]], verb="Unapplying"))
    assert recorded(url) == GOODS[:2]
    assert steps(url) == [(GOODS[3], "unapplied"), (GOODS[2], "unapplied")]
    assert timeless(migrated(url=url)) == SUCCESS.format(goal=ALL, lines=applied(GOODS[2:]))


def test_zero_unapplies_everything_of_an_app(url: str) -> None:
    migrated(url=url)
    printed = unjudged(timeless(migrated("goods", "zero", url=url, AUTO_MIGRATE_BLOCK="never")))
    goal = "  Unapply all migrations: goods"
    assert printed == SUCCESS.format(goal=goal, lines=applied(GOODS[::-1], verb="Unapplying"))
    assert recorded(url) == []
    tables = "information_schema.tables WHERE table_name" if url.startswith("postgres") else "sqlite_master WHERE name"
    assert query(url, f"SELECT * FROM {tables} = 'goods_crate'") == []


# -- several databases ------------------------------------------------------------------------------------------------


def test_all_databases_are_those_that_may_be_migrated_each_once(url: str, tmp_path: Path) -> None:
    others = {name: f"sqlite:///{tmp_path}/{name}.sqlite3" for name in ("other", "archive")}
    printed = migrated(
        "--all-databases", "--format=json",
        url=url, OTHER_DATABASE_URL=others["other"], ARCHIVE_DATABASE_URL=others["archive"], REPLICA_DATABASE_URL=url,
    )  # fmt: skip
    lines = [json.loads(line) for line in printed.splitlines()]
    ended = [line["database"] for line in lines if line["event"] == "run_succeeded"]
    assert sorted(ended) == ["default", "other"]
    assert recorded(url) == recorded(others["other"]) == GOODS
    assert not Path(others["archive"].removeprefix("sqlite:///")).exists()


def test_databases_may_be_named_and_naming_one_twice_means_it_once(sqlite_url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.sqlite3"
    printed = migrated("--database=other", "--database=other", url=sqlite_url, OTHER_DATABASE_URL=other)
    assert printed.count("Operations to perform:") == 1
    assert recorded(other) == GOODS
    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()


def test_one_at_a_time_the_databases_after_one_that_fails_are_left_alone(url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.sqlite3"
    env = {"OTHER_DATABASE_URL": other, "AUTO_MIGRATE_TENANT_WORKERS": "1"}
    done = depot("auto_migrate", "--all-databases", url=url, FAIL="python", **env)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Not begun: other."
    assert not Path(other.removeprefix("sqlite:///")).exists()


# -- failures ---------------------------------------------------------------------------------------------------------


def line_of(text: str) -> str:
    """Return the place of a line in the migration that fails."""
    path = ROOT / "tests/projects/depot/goods/migrations/0004_fragile.py"
    [number] = [number for number, line in enumerate(path.read_text().splitlines(), start=1) if text in line]
    return f"{path}:{number}"


def test_a_failing_function_is_told_with_its_place_its_statement_and_its_operation(url: str) -> None:
    done = depot("auto_migrate", url=url, FAIL="python")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"CommandError: Migration goods.0004_fragile failed at operation 2 of 2, Raw Python operation: {ERROR}",
        f"Raised at {line_of('raise ValueError')}.",
        'Last statement: SELECT COUNT(*) AS "__count" FROM "goods_crate"',
        "Nothing of it was kept; earlier migrations stay applied and recorded.",
        "Mend the migration and deploy again.",
    ]
    assert done.stdout.endswith("  Applying goods.0004_fragile... STOPPED\n")


def test_a_failing_statement_is_told_with_what_the_database_said(url: str) -> None:
    done = depot("auto_migrate", url=url, FAIL="sql")
    assert done.returncode == 1
    first, *hints = done.stderr.splitlines()
    assert first.startswith(
        "CommandError: Migration goods.0004_fragile failed at operation 3 of 3, Raw SQL operation: "
    )
    assert "goods_missing" in first
    assert hints == [
        "Last statement: INSERT INTO goods_missing VALUES (1)",
        "Nothing of it was kept; earlier migrations stay applied and recorded.",
        "Mend the migration and deploy again.",
    ]


@pytest.mark.parametrize("how", ["python", "sql"])
def test_what_came_before_a_failure_is_kept_and_the_next_deploy_goes_on(how: str, url: str) -> None:
    assert depot("auto_migrate", url=url, FAIL=how).returncode == 1
    assert recorded(url) == GOODS[:3]
    assert runs(url) == [("auto_migrate", "failed", 1, 6)]
    assert steps(url) == [*[(name, "applied") for name in PLAN[:-1]], (GOODS[3], "failed")]
    assert timeless(migrated(url=url)) == SUCCESS.format(goal=ALL, lines=applied(GOODS[3:]))
    assert runs(url)[1:] == [("auto_migrate", "succeeded", 0, 1)]


def test_a_failure_is_told_in_the_language_of_the_project(database_url: str) -> None:
    done = depot("auto_migrate", url=database_url, language="pt-br", FAIL="python")
    assert done.stderr.splitlines() == [
        f"CommandError: A migração goods.0004_fragile falhou na operação 2 de 2, Raw Python operation: {ERROR}",
        f"Erro em {line_of('raise ValueError')}.",
        'Último comando: SELECT COUNT(*) AS "__count" FROM "goods_crate"',
        "Nada dela foi mantido; as migrações anteriores continuam aplicadas e registradas.",
        "Corrija a migração e faça o deploy novamente.",
    ]


def test_a_table_that_is_never_free_is_told_in_the_language_of_the_project(database_url: str) -> None:
    migrated("goods", "0002", url=database_url)
    with locked(database_url, "LOCK TABLE goods_crate IN ACCESS SHARE MODE"):
        done = depot("auto_migrate", url=database_url, language="pt-br", AUTO_MIGRATE_LOCK_PATIENCE="0")
    assert done.returncode == 1
    first, *blockers, last = done.stderr.splitlines()
    assert first.startswith("CommandError: A migração goods.0003_weight ficou intacta: goods_crate")
    assert "LOCK TABLE goods_crate" in "".join(blockers)
    assert last.startswith("Encerre a transação que está no caminho")
    assert recorded(database_url) == GOODS[:2]


def test_another_runner_that_takes_too_long_is_exit_code_5(database_url: str) -> None:
    with deploy_lock(database_url):
        done = depot("auto_migrate", "--lock-wait=0", url=database_url)
    assert done.returncode == 5
    assert "CommandError: The deploy lock was not had in 0s; a runner (pid " in done.stderr
    assert "⏳ Waiting for the deploy lock (0s): held by a runner (pid " in done.stdout


# -- signals and languages --------------------------------------------------------------------------------------------


def sent(command: str, url: str, path: Path, **env: str) -> list[dict[str, Any]]:
    """Return what the receivers were sent by a command."""
    done = depot(command, "--noinput", url=url, language="pt-br", SIGNALS_TO=str(path), **env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_receivers_are_sent_what_djangos_migrate_sends_them(sqlite_url: str, tmp_path: Path) -> None:
    stock = sent("migrate", f"sqlite:///{tmp_path}/stock.sqlite3", tmp_path / "stock", STOCK="true")
    ours = sent("auto_migrate", sqlite_url, tmp_path / "ours")
    assert {line["signal"] for line in stock} == {"pre_migrate", "post_migrate"}
    # The app itself is one more sender.
    assert [line for line in ours if line["sender"] != "auto_migrate"] == stock


def test_a_receiver_may_take_migrations_out_of_the_plan(url: str) -> None:
    printed = timeless(migrated(url=url, LEAVE_OUT="0004_fragile"))
    assert printed == SUCCESS.format(goal=ALL, lines=applied(PLAN[:-1]))
    assert recorded(url) == GOODS[:3]
    assert timeless(migrated(url=url)) == SUCCESS.format(goal=ALL, lines=applied(GOODS[3:]))


def test_no_migration_writes_a_translated_text(url: str) -> None:
    migrated(url=url, language="pt-br")
    labels = "SELECT label FROM goods_crate ORDER BY id"
    assert query(url, labels) == [("Yes",), ("None",)]
    migrated("goods", "0001", url=url, language="pt-br", AUTO_MIGRATE_BLOCK="never")
    assert query(url, labels) == [("None",)]
