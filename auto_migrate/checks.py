"""System checks: what would otherwise be noticed only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import filter as filter_names
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 # Django's own name
from django.core.management import get_commands
from django.urls import NoReverseMatch, reverse

from auto_migrate.conf import FIELDS, BadSetting, get_settings, load_callable, unknown_keys, unknown_variables
from auto_migrate.exceptions import UsageError

SEE_KEYS = f"The keys are: {', '.join(FIELDS)}. Find where it is set: grep -rn AUTO_MIGRATE ."
SEE_SETTINGS = "Find where it is set: grep -rn AUTO_MIGRATE . ; env | grep -o '^AUTO_MIGRATE_[A-Z_]*'"
HOW_TO_SET_ONE = (
    "Set one: export AUTO_MIGRATE_TOKEN=\"$(python -c 'import secrets; print(secrets.token_urlsafe(32))')\""
)
SHORTEST_TOKEN = 16


@register(Tags.compatibility)
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse settings that mean nothing to this version."""
    unknown: list[CheckMessage] = []
    try:
        unknown = [*_unknown_keys(), *_unknown_variables()]
        get_settings()
    except BadSetting as error:
        return [*unknown, Error(str(error), hint=SEE_SETTINGS, id="auto_migrate.E002")]
    return [*unknown, *_unusable_paths()]


@register(Tags.compatibility)
def check_migrate_command(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Warn if `migrate` is another app's, which does not take the deploy lock."""
    owner = get_commands()["migrate"]
    name = owner.name if isinstance(owner, AppConfig) else str(owner)
    if name == "auto_migrate":
        return []
    text = f"`migrate` is the command of {name}: it takes no deploy lock and leaves no history."
    hint = "Put 'auto_migrate' before it in INSTALLED_APPS, or migrate by: python manage.py auto_migrate"
    return [Warning(text, hint=hint, id="auto_migrate.W004")]


@register(Tags.compatibility)
def check_acknowledgements(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Warn of acknowledgements in the settings that can match nothing any more."""
    try:
        configured = get_settings().ACKNOWLEDGE
        return list(_unmatched(configured)) if configured else []
    except (BadSetting, UsageError):
        # The check of the settings tells.
        return []


@register(Tags.security, deploy=True)
def check_token(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Warn of endpoints that only staff can use, and of a token that can be guessed."""
    try:
        tokens = get_settings().TOKEN
        reverse("auto_migrate:force-migrate")
    except (BadSetting, NoReverseMatch):
        return []
    if not tokens:
        text = "AUTO_MIGRATE['TOKEN'] is not set: debug/, force-migrate/ and runs/ refuse everybody but staff."
        return [Warning(text, hint=HOW_TO_SET_ONE, id="auto_migrate.W001")]
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        text = f"AUTO_MIGRATE['TOKEN'] holds a token of fewer than {SHORTEST_TOKEN} characters, which can be guessed."
        return [Warning(text, hint=HOW_TO_SET_ONE, id="auto_migrate.W002")]
    return []


def _unknown_keys() -> Iterator[CheckMessage]:
    for key in unknown_keys():
        yield Error(f"AUTO_MIGRATE[{key!r}]: there is no such setting.", hint=SEE_KEYS, id="auto_migrate.E001")


def _unknown_variables() -> Iterator[CheckMessage]:
    # A warning only: the name may belong to somebody else, and an environment must not be able to stop every command.
    for name in unknown_variables():
        text = f"The environment variable {name} is not a setting of auto_migrate."
        yield Warning(text, hint=SEE_KEYS, id="auto_migrate.W003")


def _unusable_paths() -> Iterator[CheckMessage]:
    settings = get_settings()
    for path in settings.HEALTH_CHECKS.values():
        yield from _refused("auto_migrate.E003", load_callable, "HEALTH_CHECKS", path)
    # Every process runs the checks, and few projects have listeners or hazards of their own.
    for path in settings.LISTENERS:
        from auto_migrate.listeners import load_listener

        yield from _refused("auto_migrate.E004", load_listener, path)
    if "." in settings.TENANTS:
        yield from _refused("auto_migrate.E007", load_callable, "TENANTS", settings.TENANTS)
    if settings.NOTIFY:
        yield from _undeliverable(settings.NOTIFY)
    if settings.HAZARDS:
        from auto_migrate.safety.hazards import hazards

        yield from _refused("auto_migrate.E005", hazards)


def _undeliverable(addresses: Iterable[str]) -> Iterator[CheckMessage]:
    from auto_migrate.reporting.notifications.recipient import shown_address
    from auto_migrate.reporting.notifications.services import is_missing_apprise

    for address in filter(is_missing_apprise, addresses):
        text = f"AUTO_MIGRATE['NOTIFY']: {shown_address(address)} takes Apprise, which is not installed."
        yield Error(text, hint="Run: pip install 'django-auto-migrate[notify]'", id="auto_migrate.E006")


def _refused(code: str, load: Callable[..., Any], *arguments: str) -> Iterator[CheckMessage]:
    try:
        load(*arguments)
    except UsageError as error:
        yield Error(error.message, hint=error.hint, id=code)


def _unmatched(configured: Mapping[str, str]) -> Iterator[CheckMessage]:
    # Every process runs the checks, and few have anything to acknowledge.
    from auto_migrate.planning.loader import Loader
    from auto_migrate.safety.acknowledgements import of_settings
    from auto_migrate.safety.hazards import hazards

    loader = Loader(None, load=False)
    try:
        loader.load_disk()
    except Exception:  # noqa: BLE001 # whoever needs the migrations says what is wrong with them
        return
    names = [f"{app_label}.{name}" for app_label, name in loader.disk_migrations]
    for acknowledgement in of_settings(configured):
        if acknowledgement.code not in hazards():
            reason = f"there is no hazard {acknowledgement.code}"
        elif not filter_names(names, acknowledgement.migration):
            reason = f"there is no migration {acknowledgement.migration}"
        else:
            continue
        key = f"{acknowledgement.code}:{acknowledgement.migration}"
        text = f"AUTO_MIGRATE['ACKNOWLEDGE'][{key!r}] matches nothing: {reason}."
        yield Warning(text, hint="Take it out, or correct it.", id="auto_migrate.W005")
