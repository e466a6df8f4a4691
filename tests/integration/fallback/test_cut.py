"""A cut that awaits an answer is told with the commands that answer it, and by nobody as if all were well."""

from __future__ import annotations

import json

from tests.integration.fallback.project import ID, Project

ITEM = f'migrations.CreateModel("Item", [{ID}, ("n", models.IntegerField(default=0))])'
BOOM = 'def boom(apps, editor):\n    raise ValueError("boom")\n'
FILL = "migrations.RunPython(boom, boom)"


def field(name: str) -> str:
    return f'migrations.AddField("Item", "{name}", models.IntegerField(null=True))'


def cut(project: Project, *, back: bool = False) -> Project:
    """Cut the second of three operations, as it is applied or taken back."""
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    fill = f"migrations.RunPython({'migrations.RunPython.noop' if back else 'boom'}, boom)"
    operations = ", ".join([field("a"), fill, field("b")])
    project.migration("shop", "0002_fill", operations, after="0001_initial", before=BOOM, head="atomic = False")
    assert project.run("auto_migrate").code == (0 if back else 1)
    project.query("INSERT INTO shop_item (n) VALUES (1)")
    if back:
        said = project.run("auto_migrate", "shop", "0001", "--acknowledge", "AM301:shop.0002_fill")
        assert said.code == 1
    return project


def answers(*target: str) -> list[str]:
    """Return the commands that answer."""
    command = " ".join(["manage.py auto_migrate", *target])
    return [f"{command} --resolve shop.0002_fill:2={verdict}\n" for verdict in ("done", "redo")]


def test_whoever_asks_is_told_what_to_type(project: Project) -> None:
    cut(project)
    for command, code in {
        ("auto_migrate", "--check"): 7,
        ("auto_migrate", "--plan"): 7,
        ("wait_for_migrations", "--timeout", "1"): 7,
        ("auto_migrate",): 1,
        ("migrate",): 1,
    }.items():
        said = project.run(*command)
        assert said.code == code, said.text
        assert all(answer in said.errors for answer in answers()), (command, said.text)
    _status, told = project.get("/debug/")
    assert all(answer.strip() in told["databases"]["default"]["migrations"]["hint"] for answer in answers())
    assert project.get("/ready/")[0] == 503


def test_what_stands_half_applied_is_not_passed_over_on_the_way_back(project: Project) -> None:
    cut(project)
    for options in (("zero", "--plan"), ("zero",), ("0001", "--check"), ("0001",)):
        said = project.run("auto_migrate", "shop", *options)
        assert said.code == 7, said.text
        assert "carried out successfully" not in said.text
        assert all(answer in said.errors for answer in answers()), (options, said.text)
    assert project.recorded == ["shop.0001_initial"]


def test_the_plan_leaves_out_what_is_done(project: Project) -> None:
    cut(project)
    said = project.run("auto_migrate", "--plan")
    assert "shop.0002_fill (not atomic, was cut; done: 1)" in said.output
    assert "Add field a" not in said.output
    assert "Add field b" in said.output
    assert "Nothing stops this plan" not in said.output
    answered = project.run("auto_migrate", "--plan", "--resolve", "shop.0002_fill:2=done")
    assert answered.code == 0
    assert "Raw Python" not in answered.output
    assert "Nothing stops this plan" in answered.output
    told = project.run("auto_migrate", "--plan", "--format", "json").output.splitlines()
    [assessed] = [json.loads(line) for line in told if '"migration_assessed"' in line]
    assert assessed["assessed"]["done"] == 1


def test_an_answer_to_what_nobody_asked_is_refused(project: Project) -> None:
    cut(project)
    for given, options in {"shop.0002_fill:1=done": (), "shop.0002_fill:3=redo": ("--plan",)}.items():
        said = project.run("auto_migrate", "--resolve", given, *options)
        assert said.code == 2, said.text
        assert all(answer.strip() in said.errors for answer in answers())
    assert project.run("auto_migrate", "--resolve", "shop.0001_initial:1=done").code == 2
    assert project.recorded == ["shop.0001_initial"]


def test_an_answer_is_refused_where_nothing_was_cut(project: Project) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    said = project.run("auto_migrate", "--resolve", "shop.0001_initial:1=done")
    assert said.code == 2
    assert "Nothing awaits an answer; leave --resolve out." in said.errors
    assert project.run("auto_migrate").code == 0
    assert project.run("auto_migrate", "--resolve", "shop.0001_initial:1=done").code == 2


def test_what_was_cut_while_it_was_unapplied_is_told_likewise(project: Project) -> None:
    cut(project, back=True)
    for command, code in {
        ("auto_migrate", "shop", "0001", "--check"): 7,
        ("auto_migrate", "--check"): 7,
        ("auto_migrate", "shop", "0001", "--plan"): 7,
        ("auto_migrate", "shop", "0001"): 1,
        ("auto_migrate",): 7,
        ("migrate",): 7,
    }.items():
        said = project.run(*command)
        assert said.code == code, (command, said.text)
        assert all(answer in said.errors for answer in answers("shop", "0001_initial")), (command, said.text)
        assert "Nothing stops this plan" not in said.text
    # It had been let pass, and need not be acknowledged once more.
    done = project.run("auto_migrate", "shop", "0001_initial", "--resolve", "shop.0002_fill:2=done")
    assert done.code == 0, done.text
    assert project.recorded == ["shop.0001_initial"]


def test_a_refusal_repeats_the_answer_that_was_given(project: Project) -> None:
    cut(project)
    drop = 'migrations.RemoveField("Item", "n")'
    project.migration("shop", "0003_drop", drop, after="0002_fill")
    said = project.run("auto_migrate", "--resolve", "shop.0002_fill:2=done")
    assert said.code == 6
    assert "manage.py auto_migrate --resolve shop.0002_fill:2=done --acknowledge AM301:shop.0003_drop\n" in said.errors


def test_a_first_operation_is_one(project: Project) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    repeated = f"__import__('auto_migrate').repeatable({FILL})"
    project.migration("shop", "0002_fill", repeated, after="0001_initial", before=BOOM, head="atomic = False")
    assert project.run("auto_migrate").code == 1
    said = project.run("auto_migrate", "--check")
    assert "after 0 of its 1 operation.\n" in said.errors
    assert "Let it be finished: manage.py auto_migrate\n" in said.errors


def test_an_acknowledgement_that_matches_nothing_is_told_where_nothing_is_pending_too(project: Project) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    assert project.run("auto_migrate").code == 0
    # By the fingerprint, and the long way.
    for options in ((), ("shop",)):
        said = project.run("auto_migrate", *options, "--acknowledge", "AM301:shop.0001_initial")
        assert said.code == 0
        assert "AM301:shop.0001_initial is acknowledged (command line) and matches nothing in the plan." in said.output


NAMES = ("a", "b")
SQUASH = 'atomic = False\n    replaces = [("shop", "0002_fill")]'


def test_the_release_before_goes_on_while_a_newer_one_is_cut(project: Project) -> None:
    cut(project)
    path = project.folder / "code/shop/migrations/0002_fill.py"
    text = path.read_text()
    path.unlink()
    assert project.get("/ready/") == (200, {"status": "ready"})
    for command in (("auto_migrate",), ("auto_migrate", "--check"), ("wait_for_migrations", "--timeout", "1")):
        said = project.run(*command)
        assert said.code == 0, said.text
        assert "older than the database" in said.output
    # Unless it would build on what stands half-way.
    project.migration("shop", "0002_other", field("c"), after="0001_initial")
    assert project.run("auto_migrate", "--check").code == 7
    assert project.run("auto_migrate").code == 1
    assert project.get("/ready/")[0] == 503
    (project.folder / "code/shop/migrations/0002_other.py").unlink()
    path.write_text(text)
    assert project.run("auto_migrate", "--check").code == 7


def test_an_app_that_is_not_there_any_more_keeps_no_deploy_from_its_end(project: Project) -> None:
    cut(project)
    project.settings(INSTALLED_APPS=["auto_migrate"])
    assert project.run("auto_migrate").code == 0
    assert project.run("auto_migrate", "--check").code == 0
    assert project.get("/ready/")[0] == 200


def test_a_squash_does_not_do_once_more_what_one_of_its_migrations_has_done(project: Project) -> None:
    cut(project)
    project.migration("shop", "0002_squashed", ", ".join(map(field, NAMES)), after="0001_initial", head=SQUASH)
    for command, code in {("auto_migrate", "--check"): 7, ("auto_migrate",): 1, ("migrate",): 1}.items():
        said = project.run(*command)
        assert said.code == code, said.text
        assert "shop.0002_fill was cut after 1 operation, and this is not its first one any more" in said.errors
    assert project.recorded == ["shop.0001_initial"]


def test_a_squash_is_told_of_that_was_cut_while_it_was_unapplied_and_recorded_by_what_it_replaced(
    project: Project,
) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    project.migration("shop", "0002_fill", ", ".join(map(field, NAMES)), after="0001_initial")
    assert project.run("auto_migrate").code == 0
    operations = f"{field('a')}, migrations.RunPython(migrations.RunPython.noop, boom), {field('b')}"
    project.migration("shop", "0002_squashed", operations, after="0001_initial", before=BOOM, head=SQUASH)
    assert project.run("auto_migrate", "shop", "0001", AUTO_MIGRATE_BLOCK="never").code == 1
    for command in (("auto_migrate", "--check"), ("auto_migrate",), ("migrate",)):
        said = project.run(*command)
        assert said.code == 7, said.text
        assert "shop.0002_squashed was cut while operation 2" in said.errors
    assert project.get("/ready/")[0] == 503


def test_djangos_own_question_is_answered_with_what_stands_half_unapplied(project: Project) -> None:
    cut(project, back=True)
    for option in ("--check", "--plan"):
        said = project.run("migrate", option)
        assert said.code == 7, said.text
        assert all(answer in said.errors for answer in answers("shop", "0001_initial")), said.text
