"""The release step applies what is for before the deploy, and `--phase post_deploy` the rest."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.integration.phases.shop import (
    ADD_SIZE,
    DROP_NOTE,
    FIRST,
    SECOND,
    THIRD,
    Migration,
    Shop,
)

NOT_NULL = 'migrations.AlterField("Order", "note", models.TextField())'
LATE = 'phase = "post_deploy"'
POSITIVE = 'models.CheckConstraint(condition=models.Q(total__gte=0), name="total_positive")'
MERGE = Migration("", "0003_drop_note")


def test_what_hurts_the_running_release_is_left_for_after_the_deploy(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    assert "Left for after the deploy: shop.0003_drop_note" in v2.migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]
    v2.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == ["0001_initial", "0002_colour", "0003_drop_note"]
    assert open_shop.runs()[1:] == [
        ("pre_deploy", "v2", "succeeded", ["shop.0003_drop_note"]),
        ("post_deploy", "v2", "succeeded", None),
    ]


def test_with_phases_off_everything_is_applied_at_once(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    assert "after the deploy" not in v2.migrated(AUTO_MIGRATE_PHASES="false")
    assert open_shop.recorded() == list(SECOND)
    assert open_shop.runs()[-1] == ("all", "v2", "succeeded", None)


def test_all_applies_everything_at_once(open_shop: Shop) -> None:
    open_shop.release("v2", SECOND).migrated("--phase", "all")
    assert open_shop.recorded() == list(SECOND)


@pytest.mark.parametrize(
    ("arguments", "phases", "why"),
    [
        ((), "false", "AUTO_MIGRATE_PHASES=true"),
        (("--phase", "all"), "true", "all phases at once"),
        (("shop", "0002"), "true", "all phases at once"),
    ],
)
def test_a_declared_phase_that_nobody_keeps_lets_nothing_pass(
    open_shop: Shop, arguments: tuple[str, ...], phases: str, why: str
) -> None:
    open_shop.query(SELL)
    declared = {**FIRST, "0002_check": Migration(f'AddConstraintNotValid("Order", {POSITIVE})', "0001_initial", LATE)}
    v2 = open_shop.release("v2", declared)
    env = {"AUTO_MIGRATE_PHASES": phases, "AUTO_MIGRATE_SMALL_TABLE": "0"}
    for asked in ((), ("--plan",)):
        refused = v2.run("auto_migrate", *arguments, *asked, **env)
        assert (refused.returncode, "AM405:shop.0002_check" in refused.stderr) == (6, True)
    assert why in " ".join(refused.stdout.split())
    assert open_shop.recorded() == list(FIRST)


def test_a_declared_phase_that_is_kept_lets_pass_what_hurts_the_old_code_alone(open_shop: Shop) -> None:
    open_shop.query(SELL)
    declared = {**FIRST, "0002_check": Migration(f'AddConstraintNotValid("Order", {POSITIVE})', "0001_initial", LATE)}
    v2 = open_shop.release("v2", declared)
    assert "AM405" not in v2.migrated("--plan", AUTO_MIGRATE_SMALL_TABLE="0")
    v2.migrated(AUTO_MIGRATE_SMALL_TABLE="0")
    assert open_shop.recorded() == list(FIRST)
    v2.migrated("--phase", "post_deploy", AUTO_MIGRATE_SMALL_TABLE="0")
    assert open_shop.recorded() == list(declared)


def test_a_database_that_nobody_uses_yet_gets_everything_at_once(shop: Shop) -> None:
    declared = {**FIRST, "0002_x": Migration(ADD_SIZE, "0001_initial", 'phase = "post_deploy"')}
    shop.release("v1", {**declared, "0003_drop_note": Migration(DROP_NOTE, "0002_x")}).migrated()
    assert shop.recorded() == ["0001_initial", "0002_x", "0003_drop_note"]


def test_a_migration_that_is_named_is_reached_whatever_its_phase(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    v2.migrated("shop", "0003")
    assert open_shop.recorded() == list(SECOND)
    v2.migrated("shop", "0001")
    assert open_shop.recorded() == list(FIRST)


def test_an_app_that_is_named_is_taken_to_its_phase(open_shop: Shop) -> None:
    open_shop.release("v2", SECOND).migrated("shop")
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]


def test_nothing_is_done_twice_and_nothing_is_called_up_to_date_that_is_not(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    v2.migrated()
    again = v2.told("auto_migrate")
    [compared] = [event for event in again if event["event"] == "state_compared"]
    assert (compared["state"], compared["pending"]) == ("up_to_date", [])
    assert compared["deferred"] == ["shop.0003_drop_note"]
    assert "migration_started" not in [event["event"] for event in again]
    v2.migrated("--phase", "post_deploy")
    assert all(not event.get("deferred") for event in v2.told("auto_migrate"))
    # Now that nothing is left, the record is recognised without building a graph.
    assert "lock_acquired" not in [event["event"] for event in v2.told("auto_migrate")]


def test_a_migration_before_the_deploy_that_needs_one_after_it_is_refused(open_shop: Shop) -> None:
    open_shop.release("v2", SECOND).migrated()
    v3 = open_shop.release("v3", THIRD)
    refused = v3.run("auto_migrate")
    assert refused.returncode == 6
    assert "AM506" in refused.stderr
    assert "shop.0004_size" in refused.stderr
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]
    # The way out that it names, with the code of the new release: only what the old one had left is applied.
    v3.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == ["0001_initial", "0002_colour", "0003_drop_note"]
    v3.migrated()
    assert open_shop.recorded() == list(THIRD)


def test_no_acknowledgement_and_no_setting_lets_a_migration_run_before_what_it_needs(open_shop: Shop) -> None:
    open_shop.release("v2", SECOND).migrated()
    v3 = open_shop.release("v3", THIRD)
    assert v3.run("auto_migrate", "--acknowledge", "AM506:shop.0004_size").returncode == 6
    assert v3.run("auto_migrate", AUTO_MIGRATE_BLOCK="never").returncode == 6
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]


def test_a_migration_of_both_phases_is_refused_until_somebody_acknowledges_it(open_shop: Shop) -> None:
    both = {**FIRST, "0002_both": Migration(f"{ADD_SIZE}, {DROP_NOTE}", "0001_initial")}
    v2 = open_shop.release("v2", both)
    refused = v2.run("auto_migrate")
    assert refused.returncode == 6
    assert "AM505:shop.0002_both" in refused.stderr
    assert "new code needs it: 1. Add field size to Order." in " ".join(refused.stdout.split())
    assert "release needs what goes: 2. Remove field note from Order." in " ".join(refused.stdout.split())
    v2.migrated("--acknowledge", "AM505:shop.0002_both=the old release is stopped")
    assert open_shop.recorded() == list(both)
    assert open_shop.runs()[-1] == ("pre_deploy", "v2", "succeeded", None)


def test_a_migration_of_both_phases_is_no_matter_where_phases_are_off(open_shop: Shop) -> None:
    both = {**FIRST, "0002_both": Migration(f"{ADD_SIZE}, {DROP_NOTE}", "0001_initial")}
    assert "AM505" not in open_shop.release("v2", both).migrated(AUTO_MIGRATE_PHASES="false")


@pytest.mark.parametrize(
    ("arguments", "phases", "found"), [(["--phase", "post_deploy"], "true", set()), ([], "false", {"AM404"})]
)
def test_what_only_breaks_the_old_release_is_no_hazard_after_the_deploy(
    open_shop: Shop, arguments: list[str], phases: str, found: set[str]
) -> None:
    v2 = open_shop.release("v2", {**FIRST, "0002_note": Migration(NOT_NULL, "0001_initial")})
    v2.migrated()
    events = v2.told("auto_migrate", "--plan", *arguments, AUTO_MIGRATE_PHASES=phases)
    [judged] = [event for event in events if event["event"] == "plan_assessed"]
    codes = {finding["code"] for finding in judged["findings"]}
    assert "AM104" in codes
    assert codes & {"AM404"} == found


def test_after_the_deploy_only_that_is_applied_whose_code_is_out(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    # Nobody has deployed v2 yet.
    assert "No migrations to apply" in v2.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == list(FIRST)


def test_a_merge_waits_with_what_it_merges(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", {**SECOND, "0004_merge": MERGE})
    v2.migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]
    v2.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == [*SECOND, "0004_merge"]


def test_a_declared_phase_counts(open_shop: Shop) -> None:
    declared = {
        **FIRST,
        "0002_drop_note": Migration(DROP_NOTE, "0001_initial", 'phase = "pre_deploy"'),
        "0003_size": Migration(ADD_SIZE, "0002_drop_note", 'phase = "post_deploy"'),
    }
    v2 = open_shop.release("v2", declared)
    v2.migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_drop_note"]


@pytest.mark.parametrize("arguments", [(), ("--check",), ("--phase", "post_deploy"), ("--plan",)])
def test_a_phase_that_does_not_exist_is_a_clear_error(open_shop: Shop, arguments: tuple[str, ...]) -> None:
    wrong = {**FIRST, "0002_size": Migration(ADD_SIZE, "0001_initial", 'phase = "postdeploy"')}
    refused = open_shop.release("v2", wrong).run("auto_migrate", *arguments)
    assert refused.returncode == 2
    assert "shop.0002_size: there is no phase 'postdeploy'." in refused.stderr
    assert open_shop.recorded() == list(FIRST)


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("--phase", "post_deploy"), {"AUTO_MIGRATE_PHASES": "false", "AUTO_MIGRATE_BRIDGES": "false"}),
        (("--phase", "pre_deploy"), {"AUTO_MIGRATE_PHASES": "false"}),
        (("--check", "--phase", "post_deploy"), {"AUTO_MIGRATE_PHASES": "false", "AUTO_MIGRATE_BRIDGES": "false"}),
        (("shop", "0002", "--phase", "pre_deploy"), {}),
        (("--phase", "later"), {}),
    ],
)
def test_a_phase_that_cannot_be_had_is_refused(
    open_shop: Shop, arguments: tuple[str, ...], env: dict[str, str]
) -> None:
    refused = open_shop.release("v2", SECOND).run("auto_migrate", *arguments, **env)
    assert (refused.returncode, open_shop.recorded()) == (2, list(FIRST))


def test_the_signals_of_a_phase_are_sent_with_what_it_applies(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND)
    printed = v2.python(
        "from django.db.models.signals import post_migrate\n"
        "from auto_migrate import RunRequest, migrate\n"
        "from auto_migrate.phases.phase import Phase\n"
        "from auto_migrate.planning.targets import Goal\n"
        "def note(plan, apps, **kwargs):\n"
        "    fields = sorted(field.name for field in apps.get_model('shop', 'order')._meta.fields)\n"
        "    print([migration.name for migration, backwards in plan], fields)\n"
        "from django.apps import apps\n"
        "post_migrate.connect(note, sender=apps.get_app_config('shop'))\n"
        "migrate()\n"
        "migrate(request=RunRequest(goal=Goal(phase=Phase.POST_DEPLOY)))\n"
    )
    assert printed.splitlines() == [
        "['0002_colour'] ['colour', 'id', 'note', 'total']",
        "['0003_drop_note'] ['colour', 'id', 'total']",
    ]


SELL = "INSERT INTO shop_order (note, total) VALUES ('in red', 1)"


def hinted(refused: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """Return the arguments of the commands that a refusal prints."""
    lines = [line.split("manage.py ")[1] for line in refused.stderr.splitlines() if "manage.py " in line]
    return [line.split() for line in lines]


def test_what_a_refusal_after_the_deploy_prints_works_as_typed(open_shop: Shop) -> None:
    open_shop.query(SELL)
    v2 = open_shop.release("v2", SECOND)
    v2.migrated()
    look, acknowledge = hinted(v2.run("auto_migrate", "--phase", "post_deploy"))
    shown = v2.run(*look)
    assert (shown.returncode, "AM301 shop.0003_drop_note" in shown.stdout) == (6, True)
    assert v2.run(*acknowledge).returncode == 0
    assert open_shop.recorded() == list(SECOND)


def test_who_looks_at_the_plan_is_not_told_to_look_at_it(open_shop: Shop) -> None:
    open_shop.query(SELL)
    v2 = open_shop.release("v2", SECOND)
    [acknowledge] = hinted(v2.run("auto_migrate", "--phase", "all", "--plan"))
    assert v2.run(*acknowledge).returncode == 0
    assert open_shop.recorded() == list(SECOND)


def test_the_plan_also_judges_what_is_left(open_shop: Shop) -> None:
    open_shop.query(SELL)
    v2 = open_shop.release("v2", SECOND)
    shown = v2.migrated("--plan")
    assert "shop.0002_colour (pre_deploy)" in shown
    assert "shop.0003_drop_note (post_deploy, left for after the deploy)" in shown
    assert "Refused after the deploy, unless the migration is changed or acknowledges it: AM301:shop.0003" in shown
    assert "DROP COLUMN" not in v2.migrated("--sql")
    [judged] = [event for event in v2.told("auto_migrate", "--plan") if event["event"] == "plan_assessed"]
    assert ([found["code"] for found in judged["later"]], judged["blocking"]) == (["AM301"], [])


def test_what_is_left_and_declared_is_not_warned_of(open_shop: Shop) -> None:
    open_shop.query(SELL)
    declared = {**SECOND, "0003_drop_note": Migration(DROP_NOTE, "0002_colour", LATE)}
    v2 = open_shop.release("v2", declared)
    assert "Refused after" not in v2.migrated("--plan")
    v2.migrated()
    v2.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == list(declared)


def test_phases_are_not_shown_where_there_are_none(open_shop: Shop) -> None:
    shown = open_shop.release("v2", SECOND).run("auto_migrate", "--plan", AUTO_MIGRATE_PHASES="false")
    assert "0003_drop_note\n" in shown.stdout
    assert "_deploy)" not in shown.stdout


def test_a_migration_of_both_phases_is_called_ambiguous(open_shop: Shop) -> None:
    both = {**FIRST, "0002_both": Migration(f"{ADD_SIZE}, {DROP_NOTE}", "0001_initial")}
    shown = open_shop.release("v2", both).run("auto_migrate", "--plan")
    assert "shop.0002_both (pre_deploy, ambiguous)" in shown.stdout


def test_two_new_migrations_in_the_wrong_order_are_to_be_swapped(open_shop: Shop) -> None:
    v3 = open_shop.release("v3", THIRD)
    for arguments in ([], ["--plan"]):
        refused = v3.run("auto_migrate", *arguments)
        assert refused.returncode == 6
        assert "shop.0003_drop_note is new as well, so let shop.0004_size come first" in refused.stderr
        assert "--phase post_deploy" not in refused.stderr
        assert "--acknowledge" not in refused.stderr
    assert "no successful release step has left it yet: shop.0003" in v3.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == list(FIRST)
    v3.migrated("--phase", "all")
    assert open_shop.recorded() == list(THIRD)


def test_not_null_that_a_constraint_proves_waits_together_with_the_proof(open_shop: Shop) -> None:
    proof = 'models.CheckConstraint(condition=models.Q(total__isnull=False), name="total_known")'
    steps = {
        **FIRST,
        "0002_check": Migration(f'AddConstraintNotValid("Order", {proof})', "0001_initial", LATE),
        "0003_validate": Migration('ValidateConstraint("Order", "total_known")', "0002_check", LATE),
        "0004_require": Migration(
            'migrations.AlterField("Order", "total", models.IntegerField()),'
            'migrations.RemoveConstraint("Order", "total_known")',
            "0003_validate",
        ),
    }
    v2 = open_shop.release("v2", steps)
    shown = v2.migrated("--plan")
    assert "shop.0004_require (post_deploy, left for after the deploy)" in shown
    assert not {"AM104", "AM505", "AM506", "AM507"} & set(re.findall(r"AM\d+", shown))
    v2.migrated()
    v2.migrated("--phase", "post_deploy")
    assert open_shop.recorded() == list(steps)


def test_the_phases_to_choose_from_are_named(open_shop: Shop) -> None:
    refused = open_shop.release("v2", FIRST).run("auto_migrate", "--phase", "later")
    assert "Phase." not in refused.stderr
    assert "post_deploy" in refused.stderr
