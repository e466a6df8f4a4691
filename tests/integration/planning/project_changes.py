"""What may happen to a project between two deploys; each change is a function whose name says what it does."""

from __future__ import annotations

import os
import py_compile
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.integration.planning.tiny import SQUASH, Tiny

Change = Callable[[Tiny, str], None]


def sources(tiny: Tiny, app: str) -> list[Path]:
    """Return the files of an app's code that are there to be read."""
    return sorted(path for path in (tiny.code / app).glob("**/*.py") if path.exists())


def a_migration_is_added(tiny: Tiny, app: str) -> None:
    tiny.later(app, "0003_next", "second", 3)


def a_conflicting_migration_is_added(tiny: Tiny, app: str) -> None:
    tiny.later(app, "0002_other", "first", 4)


def the_last_migration_is_removed(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app)[-1:]:
        path.unlink()


def the_first_migration_is_removed(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app)[:1]:
        path.unlink()


def the_last_migration_is_renamed(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app)[-1:]:
        path.rename(path.with_name("0009_renamed.py"))


def a_migration_is_edited(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app)[:1]:
        path.write_bytes(path.read_bytes() + b"# edited\n")


def a_migration_is_edited_in_place_with_the_same_size_and_time(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app)[-1:]:
        before = path.stat()
        path.write_bytes(path.read_bytes().replace(b"models.py", b"models.PY").replace(b"field_", b"FIELD_"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def a_helper_in_a_folder_below_the_migrations_is_edited(tiny: Tiny, app: str) -> None:
    path = tiny.code / app / "migrations/tasks/more.py"
    if path.exists():
        path.write_text("SIZE = 2\n")


def a_file_in_a_folder_below_the_migrations_is_added(tiny: Tiny, app: str) -> None:
    tiny.file(f"{app}/migrations/tasks/deep/other.py", "SIZE = 3\n")


def a_squash_is_added(tiny: Tiny, app: str) -> None:
    dependencies = [] if app == "shop" else [("shop", "0001_initial"), ("auth", "__first__")]
    replaces = [(app, path.stem) for path in tiny.migrations(app) if path.stem != "0001_squashed"]
    tiny.file(f"{app}/migrations/0001_squashed.py", SQUASH.format(replaces=replaces, dependencies=dependencies))


def a_squash_takes_the_place_of_what_it_replaces(tiny: Tiny, app: str) -> None:
    a_squash_is_added(tiny, app)
    for path in tiny.migrations(app):
        if path.stem != "0001_squashed":
            path.unlink()


def a_squash_loses_a_row_that_it_replaces(tiny: Tiny, app: str) -> None:
    a_squash_takes_the_place_of_what_it_replaces(tiny, app)
    a_row_is_added(tiny, app, name="0001_squashed")
    a_row_is_deleted(tiny, app)


def what_a_helper_of_a_migration_says_is_changed(tiny: Tiny, app: str) -> None:
    tiny.file(f"{app}/helpers.py", f'first = [("{app}", "0000_none")]\nsecond = []\n')


def a_setting_is_changed_that_only_a_helper_reads(tiny: Tiny, app: str) -> None:
    tiny.settings(NEEDS=["0003_alter_user_email_max_length"])


def the_environment_is_changed_that_only_a_helper_reads(tiny: Tiny, app: str) -> None:
    tiny.settings(ENVIRONMENT={"NEEDS": "0002_alter_permission_name_max_length"})


def a_migration_comes_to_need_what_is_not_there(tiny: Tiny, app: str) -> None:
    tiny.settings(ENVIRONMENT={"NEEDS": "0099_nowhere"})


def a_setting_is_changed_that_a_receiver_reads(tiny: Tiny, app: str) -> None:
    tiny.settings(ROLES=["staff", "editor"])


def the_environment_is_changed_that_a_receiver_reads(tiny: Tiny, app: str) -> None:
    tiny.settings(ENVIRONMENT={"ROLE": "editor"})


def a_migration_is_given_another_place_when_django_is_set_up(tiny: Tiny, app: str) -> None:
    path = tiny.code / app / "apps.py"
    if path.exists():
        moved = f"import_module('{app}.migrations.0001_initial').Migration.dependencies = [('auth', '0002_more')]"
        path.write_text(f"{path.read_text()}\n        from importlib import import_module\n        {moved}\n")


def a_helper_of_a_migration_is_removed(tiny: Tiny, app: str) -> None:
    (tiny.code / app / "helpers.py").unlink(missing_ok=True)


def an_app_is_removed(tiny: Tiny, app: str) -> None:
    installed = tiny.read_settings()["INSTALLED_APPS"]
    tiny.settings(INSTALLED_APPS=[name for name in installed if name != app])


def an_app_is_added(tiny: Tiny, app: str) -> None:
    shutil.copytree(tiny.code / app, tiny.code / "extra", dirs_exist_ok=True, ignore_dangling_symlinks=True)
    for path in sources(tiny, "extra"):
        path.write_bytes(path.read_bytes().replace(app.encode(), b"extra"))
    tiny.settings(INSTALLED_APPS=sorted({*tiny.read_settings()["INSTALLED_APPS"], "extra"}))


def an_app_is_given_another_label(tiny: Tiny, app: str) -> None:
    path = tiny.code / app / "apps.py"
    if path.exists():
        path.write_text(path.read_text().replace(f'label = "{app}"', f'label = "{app}_too"'))


def an_app_is_not_migrated_any_more(tiny: Tiny, app: str) -> None:
    tiny.settings(MIGRATION_MODULES={app: None})


def an_app_takes_its_migrations_from_elsewhere(tiny: Tiny, app: str) -> None:
    shutil.copytree(
        tiny.code / app / "migrations", tiny.code / "elsewhere", dirs_exist_ok=True, ignore_dangling_symlinks=True
    )
    tiny.later("elsewhere", "0004_there", "first", 5)
    (tiny.code / "elsewhere/migrations/0004_there.py").rename(tiny.code / "elsewhere/0004_there.py")
    tiny.settings(MIGRATION_MODULES={app: "elsewhere"})


def an_app_takes_its_migrations_from_nowhere(tiny: Tiny, app: str) -> None:
    tiny.settings(MIGRATION_MODULES={app: "no.such.package"})


def a_row_is_deleted(tiny: Tiny, app: str) -> None:
    tiny.query("DELETE FROM django_migrations WHERE app = ? AND name = '0002_more'", app)


def a_row_in_the_middle_is_deleted(tiny: Tiny, app: str) -> None:
    tiny.query("DELETE FROM django_migrations WHERE app = ? AND name = '0001_initial'", app)


def a_row_is_added(tiny: Tiny, app: str, name: str = "0042_newer") -> None:
    tiny.query("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2026-01-01')", app, name)


def a_row_is_renamed(tiny: Tiny, app: str) -> None:
    tiny.query("UPDATE django_migrations SET name = '0002_less' WHERE app = ? AND name = '0002_more'", app)


def only_bytecode_is_left(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app):
        py_compile.compile(str(path), cfile=f"{path}c")
        path.unlink()


def bytecode_of_a_migration_that_nobody_knows_is_added(tiny: Tiny, app: str) -> None:
    a_migration_is_added(tiny, app)
    path = tiny.code / app / "migrations/0003_next.py"
    py_compile.compile(str(path), cfile=f"{path}c")
    path.unlink()


def the_code_is_zipped(tiny: Tiny, app: str) -> None:
    with zipfile.ZipFile(tiny.folder / "code.zip", "w") as archive:
        for path in sources(tiny, app):
            archive.write(path, path.relative_to(tiny.code))
    shutil.rmtree(tiny.code / app)
    tiny.settings(PATHS=["code", "code.zip"])


def the_migrations_become_a_namespace_package(tiny: Tiny, app: str) -> None:
    (tiny.code / app / "migrations/__init__.py").unlink(missing_ok=True)


def the_migrations_package_looks_elsewhere(tiny: Tiny, app: str) -> None:
    tiny.later("other", "0005_hidden", "first", 6)
    lines = f"import pathlib\n__path__.append(str(pathlib.Path(__file__).parents[2] / 'other/migrations'))\n# {app}\n"
    tiny.file(f"{app}/migrations/__init__.py", lines)


def a_migration_decides_by_the_environment(tiny: Tiny, app: str) -> None:
    for path in tiny.migrations(app)[-1:]:
        path.write_bytes(b"import os\n" + path.read_bytes() + b"\n    run_before = os.environ.get('BEFORE') or []\n")


def a_dangling_link_stands_among_the_migrations(tiny: Tiny, app: str) -> None:
    path = tiny.code / app / "migrations/0007_gone.py"
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere.py")


def the_user_model_is_swapped(tiny: Tiny, app: str) -> None:
    installed = tiny.read_settings()["INSTALLED_APPS"]
    tiny.settings(INSTALLED_APPS=[*installed, *({"customers"} - {*installed})], AUTH_USER_MODEL="customers.Customer")


def a_router_refuses_an_app(tiny: Tiny, app: str) -> None:
    tiny.settings(DATABASE_ROUTERS=["routers.Shut"])


def a_router_refuses_a_model(tiny: Tiny, app: str) -> None:
    tiny.settings(DATABASE_ROUTERS=["routers.Choosy"])


def a_router_changes_its_mind(tiny: Tiny, app: str) -> None:
    path = tiny.code / "routers.py"
    path.write_text(path.read_text().replace("return None", f'return app_label != "{app}"'))


def a_receiver_is_edited(tiny: Tiny, app: str) -> None:
    path = tiny.code / app / "receivers.py"
    if path.exists():
        path.write_text(path.read_text() + "# edited\n")


def what_a_receiver_imports_is_edited(tiny: Tiny, app: str) -> None:
    if (path := tiny.code / app / "words.py").exists():
        path.write_text(path.read_text() + "# edited\n")


def a_permission_is_added_to_a_model(tiny: Tiny, app: str) -> None:
    path = tiny.code / app / "models.py"
    if path.exists():
        path.write_text(path.read_text().replace('("weigh",', '("paint", "Can paint"), ("weigh",'))


def django_is_updated(tiny: Tiny, app: str) -> None:
    tiny.settings(DJANGO_PATCH=99)


def auto_migrate_is_updated(tiny: Tiny, app: str) -> None:
    tiny.settings(APP_VERSION="99.0")


def the_release_is_another(tiny: Tiny, app: str) -> None:
    tiny.settings(AUTO_MIGRATE={"RELEASE": "v2"})


def a_view_is_edited(tiny: Tiny, app: str) -> None:
    tiny.file(f"{app}/views.py", "def index(request): ...\n")


def a_file_that_a_receiver_may_read_is_edited(tiny: Tiny, app: str) -> None:
    tiny.file(f"{app}/sql/views.sql", "SELECT 2")


def a_file_beside_the_apps_is_edited(tiny: Tiny, app: str) -> None:
    tiny.file("sql/views.sql", "SELECT 2")


def a_module_that_only_a_text_names_is_edited(tiny: Tiny, app: str) -> None:
    tiny.file("reports/views.py", "SQL = 2")


CHANGES: list[Change] = [
    a_helper_in_a_folder_below_the_migrations_is_edited,
    a_file_in_a_folder_below_the_migrations_is_added,
    a_migration_is_added,
    a_conflicting_migration_is_added,
    the_last_migration_is_removed,
    the_first_migration_is_removed,
    the_last_migration_is_renamed,
    a_migration_is_edited,
    a_migration_is_edited_in_place_with_the_same_size_and_time,
    a_squash_is_added,
    a_squash_takes_the_place_of_what_it_replaces,
    a_squash_loses_a_row_that_it_replaces,
    what_a_helper_of_a_migration_says_is_changed,
    a_setting_is_changed_that_only_a_helper_reads,
    the_environment_is_changed_that_only_a_helper_reads,
    a_migration_comes_to_need_what_is_not_there,
    a_setting_is_changed_that_a_receiver_reads,
    the_environment_is_changed_that_a_receiver_reads,
    a_migration_is_given_another_place_when_django_is_set_up,
    a_helper_of_a_migration_is_removed,
    an_app_is_removed,
    an_app_is_added,
    an_app_is_given_another_label,
    an_app_is_not_migrated_any_more,
    an_app_takes_its_migrations_from_elsewhere,
    an_app_takes_its_migrations_from_nowhere,
    a_row_is_deleted,
    a_row_in_the_middle_is_deleted,
    a_row_is_added,
    a_row_is_renamed,
    only_bytecode_is_left,
    bytecode_of_a_migration_that_nobody_knows_is_added,
    the_code_is_zipped,
    the_migrations_become_a_namespace_package,
    the_migrations_package_looks_elsewhere,
    a_migration_decides_by_the_environment,
    a_dangling_link_stands_among_the_migrations,
    the_user_model_is_swapped,
    a_router_refuses_an_app,
    a_router_refuses_a_model,
    a_router_changes_its_mind,
    a_view_is_edited,
    a_file_that_a_receiver_may_read_is_edited,
    a_file_beside_the_apps_is_edited,
    a_module_that_only_a_text_names_is_edited,
    a_receiver_is_edited,
    what_a_receiver_imports_is_edited,
    a_permission_is_added_to_a_model,
    django_is_updated,
    auto_migrate_is_updated,
    the_release_is_another,
]


def nothing_at_all(tiny: Tiny, app: str) -> None:
    """Leave everything as it is."""


def bytecode_is_cached(tiny: Tiny, app: str) -> None:
    for path in sources(tiny, app):
        py_compile.compile(str(path))


def files_are_touched(tiny: Tiny, app: str) -> None:
    for path in sources(tiny, app):
        os.utime(path)


def the_command_is_run_from_another_folder(tiny: Tiny, app: str) -> None:
    tiny.settings(CWD="/")


def the_language_is_another(tiny: Tiny, app: str) -> None:
    tiny.settings(LANGUAGE_CODE="pt-br")


def the_environment_says_what_migrations_read_in_their_functions(tiny: Tiny, app: str) -> None:
    tiny.settings(ENVIRONMENT={"WORK": "json"})


def an_editor_leaves_a_backup(tiny: Tiny, app: str) -> None:
    tiny.file(f"{app}/migrations/0001_initial.py~", "# draft\n")


def the_migrations_become_a_link_to_their_folder(tiny: Tiny, app: str) -> None:
    folder, target = tiny.code / app / "migrations", tiny.folder / f"{app}_migrations"
    if not target.exists():
        folder.rename(target)
        folder.symlink_to(target, target_is_directory=True)


def an_environment_is_made_beside_the_apps(tiny: Tiny, app: str) -> None:
    tiny.file("env/pyvenv.cfg", "")
    tiny.file("env/lib/module.py", "")


HARMLESS: list[Change] = [
    nothing_at_all,
    bytecode_is_cached,
    files_are_touched,
    the_command_is_run_from_another_folder,
    the_language_is_another,
    the_environment_says_what_migrations_read_in_their_functions,
    an_editor_leaves_a_backup,
    the_migrations_become_a_link_to_their_folder,
    an_environment_is_made_beside_the_apps,
]
