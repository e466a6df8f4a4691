"""The settings: one dict, `AUTO_MIGRATE`, read lazily into a frozen dataclass.

Every key is also an environment variable, `AUTO_MIGRATE_<KEY>`, which wins over the dict: whoever is on call can change
one without a new build. Nothing is read at import time, and a change under `override_settings` is noticed.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from auto_migrate.exceptions import UsageError, summary_of

SETTING = "AUTO_MIGRATE"
ENVIRONMENT_PREFIX = "AUTO_MIGRATE_"
# Names the file to which tests record their statements; no setting, since it is about one run of the tests.
RECORD_VARIABLE = "AUTO_MIGRATE_RECORD"

# What the platforms call the release that is running, first match wins.
RELEASE_VARIABLES = (
    "RENDER_GIT_COMMIT",
    "HEROKU_BUILD_COMMIT",
    "HEROKU_SLUG_COMMIT",
    "FLY_IMAGE_REF",
    "RAILWAY_GIT_COMMIT_SHA",
    "K_REVISION",
    "GIT_COMMIT",
)

# What the code of a hazard looks like; those that begin with AM are the package's own.
HAZARD_CODE = r"[A-Z]{2,8}\d{1,4}"

# Thirty years, in seconds. Clocks and dates overflow a long way above, and whoever writes more has mistyped.
LONGEST = 1_000_000_000

# What a backfill may wait for.
SIGNALS = ("replicas", "archive", "vacuum", "transactions")

SWITCHES = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class BadSetting(ValueError):
    """A key that does not exist or a value that makes no sense; the text names both."""


def at_least(minimum: float, kind: type[int] | type[float]) -> Callable[[Any], Any]:
    """Return a parser of finite numbers that are not below `minimum`; those with a fraction are durations."""

    def parse(value: Any) -> Any:
        try:
            number = kind(value)
        except (ValueError, TypeError, OverflowError):
            number = None
        if number is None or isinstance(value, bool):
            raise ValueError(_("a number is needed"))
        if kind is int and isinstance(value, float) and number != value:
            raise ValueError(_("a whole number is needed"))
        if not minimum <= number < float("inf"):
            raise ValueError(_("it must be a finite number of at least {minimum:g}").format(minimum=minimum))
        if kind is float and number > LONGEST:
            raise ValueError(_("it must be a number of at most {maximum}").format(maximum=LONGEST))
        return number

    return parse


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return a parser that takes exactly one of `choices`."""

    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(_("it must be one of {choices}").format(choices=", ".join(choices)))
        return str(value)

    return parse


def names(value: Any) -> tuple[str, ...]:
    """Parse one name, several separated by commas, or a list of them; an empty text is none."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError(_("a list of names is needed"))
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def several_of(*choices: str) -> Callable[[Any], tuple[str, ...]]:
    """Return a parser that takes any of `choices`, or "none" of them."""

    def parse(value: Any) -> tuple[str, ...]:
        found = () if value == "none" else names(value)
        if unknown := set(found) - set(choices):
            raise ValueError(_("{name} is none of {choices}").format(name=min(unknown), choices=", ".join(choices)))
        return found

    return parse


def switch(value: Any) -> bool:
    """Parse a truth value, written as True or as variables of the environment write it."""
    found = SWITCHES.get(str(value).strip().lower()) if isinstance(value, bool | str) else None
    if found is None:
        raise ValueError(_("it must be true or false"))
    return found


def optional(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a parser that also takes None."""
    return lambda value: None if value is None else parse(value)


def pairs(value: Any, separator: str | None) -> dict[str, Any]:
    """Read a dict, or `name=value` pairs with a separator (None: blanks) between them."""
    if isinstance(value, str):
        parts = (item.strip().partition("=") for item in value.split(separator) if item.strip())
        return {name: said for name, _equals, said in parts}
    if not isinstance(value, Mapping):
        raise ValueError(_("a dict is needed"))  # noqa: TRY004 # every parser answers with ValueError
    return dict(value)


def urls(value: Any) -> Mapping[str, str]:
    """Parse a dict of alias and URL, or `alias=url` pairs separated by blanks."""
    found = pairs(value, None)
    if any("://" not in str(url) for url in found.values()):
        raise ValueError(_("every alias needs a URL such as postgresql://user@host:5432/name"))
    return found


def tokens(value: Any) -> tuple[str, ...]:
    """Parse one token, several separated by commas, or a list of them."""
    parts = value.split(",") if isinstance(value, str) else () if value is None else value
    if not isinstance(parts, Collection) or not all(isinstance(part, str) for part in parts):
        raise ValueError(_("tokens are text"))
    found = tuple(part.strip() for part in parts if part.strip())
    if any(not token.isascii() or not token.isprintable() for token in found):
        raise ValueError(_("a token is printable ASCII, as HTTP headers are"))
    return found


def text(value: Any) -> str:
    """Parse a plain string."""
    if not isinstance(value, str):
        raise ValueError(_("text is needed"))  # noqa: TRY004 # every parser answers with ValueError
    return value


def dotted_paths(value: Any) -> Mapping[str, str]:
    """Parse a dict of name and dotted path, or `name=package.module.function` pairs separated by commas."""
    found = pairs(value, ",")
    for name, path in found.items():
        if not (isinstance(path, str) and "." in path):
            raise ValueError(_("{name} needs the dotted path of a callable").format(name=name))
    return found


def path_list(value: Any) -> tuple[str, ...]:
    """Parse one dotted path, several separated by commas, or a list of them."""
    parts = [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError(_("a list of dotted paths is needed"))  # noqa: TRY004 # every parser answers with ValueError
    found = [part.strip() if isinstance(part, str) else "" for part in parts]
    if not all("." in path.strip(".") for path in found):
        raise ValueError(_("every entry is a dotted path, such as shop.deploys.notify"))
    return tuple(dict.fromkeys(found))


def tenants(value: Any) -> str:
    """Parse `auto`, `none`, or one dotted path."""
    if value not in {"auto", "none"} and not (isinstance(value, str) and "." in value.strip(".")):
        raise ValueError(_("it must be auto, none, or a dotted path such as shop.tenants.schema_names"))
    return str(value)


def acknowledgements(value: Any) -> Mapping[str, str]:
    """Parse a dict of `CODE:MIGRATION` and reason, or `CODE:MIGRATION=reason` pairs separated by semicolons."""
    found = pairs(value, ";")
    for key, reason in found.items():
        if not re.fullmatch(HAZARD_CODE + r":[^.:]+\..+", str(key)):
            raise ValueError(_("{key} is not CODE:MIGRATION, such as AM301:shop.0007_drop_note").format(key=key))
        if not (isinstance(reason, str) and reason.strip()):
            raise ValueError(_("{key} needs a reason").format(key=key))
    return found


# What a project may be notified of; `waiting` of waits for longer than some seconds, as in `waiting:60`.
NOTIFIED = ("started", "waiting", "failed", "refused", "succeeded", "left", "backfill")
NOTIFIED_BY_DEFAULT = ("failed", "refused", "waiting:60")


def notify(value: Any) -> Mapping[str, tuple[str, ...]]:
    """Parse addresses and the events that each is told: a dict, or `ADDRESS|EVENT,EVENT` with blanks between them."""
    if isinstance(value, str):
        parts = (item.partition("|") for item in value.split())
        value = {address: events.split(",") if events else () for address, _bar, events in parts}
    if isinstance(value, list | tuple):
        value = dict.fromkeys(value, ())
    if not isinstance(value, Mapping) or not all(isinstance(address, str) and ":" in address for address in value):
        raise ValueError(_("every address is a URL, such as https://hooks.slack.com/… or mailto:ops@example.com"))
    return {address: _events(events) for address, events in value.items()}


def _events(events: Any) -> tuple[str, ...]:
    found = tuple([events] if isinstance(events, str) else events) or NOTIFIED_BY_DEFAULT
    for event in found:
        if not re.fullmatch(rf"({'|'.join(NOTIFIED)})|waiting:\d{{1,6}}(\.\d+)?", str(event)):
            raise ValueError(_("{event} is none of {choices}").format(event=event, choices=", ".join(NOTIFIED)))
    return found


def web_address(value: Any) -> str:
    """Parse the address of a page, or nothing."""
    if not isinstance(value, str) or not re.fullmatch(r"(https?://[^\s<>|]+)?", value):
        raise ValueError(_("it must be an address such as https://shop.example/migrations/"))
    return value


def _setting(parse: Callable[[Any], Any], default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"parse": parse})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a project may set. Durations are seconds."""

    MAX_RETRIES: int = _setting(at_least(1, int), 5)
    """Attempts in all of `auto_migrate`, as in `1/5`."""
    RETRY_DELAY: float = _setting(at_least(0, float), 3.0)
    """Pause before the second attempt; later ones grow from it."""
    LOCK: str = _setting(one_of("auto", "none"), "auto")
    """`none` runs without a deploy lock, for databases that offer none."""
    LOCK_WAIT: float = _setting(at_least(0, float), 3600.0)
    """How long to wait for another runner before exit code 5."""
    MIGRATIONS_WAIT: float = _setting(at_least(0, float), 3600.0)
    """How long `wait_for_migrations` and Celery workers wait for migrations before exit code 9."""
    WORKERS: str = _setting(one_of("wait", "start"), "wait")
    """`start` lets Celery workers consume although migrations are pending that their code needs."""
    LOCK_TIMEOUT: float = _setting(at_least(0.01, float), 0.2)
    """How long the first queued attempt at a table lock may hold up the queries behind it."""
    LOCK_TIMEOUT_CEILING: float = _setting(at_least(0.01, float), 1.0)
    """The most that any queued attempt may; also the `lock_timeout` of every statement of a migration."""
    LOCK_PATIENCE: float = _setting(at_least(0, float), 300.0)
    """How long to look for a moment at which the tables are free before the migration is given up."""
    STATEMENT_TIMEOUT: float | None = _setting(optional(at_least(0, float)), None)
    """The `statement_timeout` of migrations, 0 for none; None leaves the server's own."""
    BLOCK: str = _setting(one_of("error", "warning", "notice", "never"), "error")
    """The level of findings, unless acknowledged, at and above which a plan is refused."""
    SMALL_TABLE: int = _setting(at_least(0, int), 50_000)
    """Rows up to which a table is small, for what its size in bytes does not tell: only lost data stops a deploy."""
    LOCK_BUDGET: float = _setting(at_least(0, float), 1.0)
    """Seconds for which a change may keep others waiting by its lock, as estimated: longer is an error."""
    ONLINE: str = _setting(one_of("auto", "always", "never"), "auto")
    """Which stock operations are carried out in steps that hold nobody up: those on tables that are not small."""
    STATEMENTS: str = _setting(text, "auto")
    """Where the statements of the running release are: `auto` is pg_stat_statements, `never`, or a recorded file."""
    ACKNOWLEDGE: Mapping[str, str] = dataclasses.field(default_factory=dict, metadata={"parse": acknowledgements})
    """`CODE:MIGRATION` → the reason why a hazard is wanted, for the migrations of other people's apps."""
    PHASES: bool = _setting(switch, False)
    """Whether the release step leaves what would hurt the running release until after the deploy."""
    POST_DEPLOY_DELAY: float = _setting(at_least(0, float), 900.0)
    """How long the beat task lets a release run before it applies what was left for after the deploy."""
    BRIDGES: bool = _setting(switch, True)
    """Whether the database serves the release that is still running, where it can, until its code is gone."""
    BACKFILL_FINISH: float = _setting(at_least(0, float), 30.0)
    """How many seconds may be left of a background backfill for a release step that needs it to finish it."""
    BACKFILL_LAG: float = _setting(at_least(0, float), 10.0)
    """How many seconds a replica may be behind before backfills wait for it."""
    BACKFILL_TRANSACTION: float = _setting(at_least(0, float), 60.0)
    """How old a transaction of others may be that holds the table of a backfill before it waits for them."""
    BACKFILL_SIGNALS: tuple[str, ...] = _setting(several_of(*SIGNALS), SIGNALS)
    """What backfills wait for; one that cannot be read holds them up."""
    BACKFILL_REPLICAS: tuple[str, ...] = _setting(names, ())
    """Aliases of replicas that backfills ask themselves how far behind they are, on any database."""
    TENANTS: str = _setting(tenants, "auto")
    """Who the tenants are: `auto`, `none`, or the dotted path of a callable that gives the names of their schemas."""
    TENANT_WORKERS: int | None = _setting(optional(at_least(1, int)), None)
    """How many schemas, or databases, are migrated at a time; None is as many as processors, 4 at most."""
    DIRECT_URLS: Mapping[str, str] = dataclasses.field(default_factory=dict, metadata={"parse": urls}, repr=False)
    """Alias → URL of the server itself, for databases that `DATABASES` reaches through a pooler."""
    TOKEN: tuple[str, ...] = dataclasses.field(default=(), metadata={"parse": tokens}, repr=False)
    """Bearer tokens of the protected endpoints; several while one is being rotated."""
    RELEASE: str = _setting(text, "")
    """Name of the running release; found in the platform's own variables when empty."""
    RUNNER: str = _setting(one_of("auto", "celery", "process"), "auto")
    """What carries out a run asked for over HTTP: Celery where the project has it, else a process."""
    HEALTH_CHECKS: Mapping[str, str] = dataclasses.field(default_factory=dict, metadata={"parse": dotted_paths})
    """More entries of `checks` in `health/`: name → dotted path of a callable that gives a dict or raises."""
    LISTENERS: tuple[str, ...] = _setting(path_list, ())
    """Dotted paths of functions or classes whose instances are told every event: `(event, context)`."""
    NOTIFY: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict, metadata={"parse": notify}, repr=False
    )
    """Address → events that are told there: webhooks, Slack, Teams, e-mail, and whatever Apprise knows."""
    SCREEN_URL: str = _setting(web_address, "")
    """Where `auto_migrate.urls` are on the web, for the links in notifications."""
    HAZARDS: tuple[str, ...] = _setting(path_list, ())
    """Dotted paths of the project's own subclasses of `auto_migrate.hazards.Hazard`."""

    @property
    def release(self) -> str:
        """The running release as the project or the platform names it, else an empty text."""
        found = (os.environ[name] for name in RELEASE_VARIABLES if os.environ.get(name))
        return self.RELEASE or next(found, "")

    def goes_online(self, *, is_new: bool) -> bool:
        """Return whether anything may be carried out online; nobody uses the tables of a database that `is_new`."""
        return self.ONLINE == "always" or (self.ONLINE == "auto" and not is_new)


# Settings whose values are never shown.
SECRET = frozenset({"TOKEN", "DIRECT_URLS", "NOTIFY"})
FIELDS: Mapping[str, dataclasses.Field[Any]] = {field.name: field for field in dataclasses.fields(Settings)}


def parse_value(key: str, value: Any, *, name: str = "") -> Any:
    """Parse one setting's value; raise `BadSetting` with the reason and `name`, where it was set."""
    try:
        return FIELDS[key].metadata["parse"](value)
    except (ValueError, TypeError) as error:
        shown = _("the value given") if key in SECRET else repr(value)
        text = _("{name}: {shown} is refused: {error}.")
        raise BadSetting(text.format(name=name or f"{SETTING}[{key!r}]", shown=shown, error=error)) from error


def unknown_keys() -> list[str]:
    """Return the keys of the dict that mean nothing to this version."""
    return sorted(str(key) for key in _configured() if key not in FIELDS)


def unknown_variables() -> list[str]:
    """Return the environment variables that look like settings and mean nothing to this version."""
    known = {RECORD_VARIABLE, *(ENVIRONMENT_PREFIX + key for key in FIELDS)}
    return sorted(name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX) and name not in known)


def load_callable(key: str, path: str) -> Any:
    """Return the callable that a dotted path of the setting `key` names; raise `UsageError` if there is none."""
    try:
        found = import_string(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # A module may raise anything when it is imported, `SystemExit` included.
        reason = str(error) if isinstance(error, ImportError) else summary_of(error)
        module = path.rpartition(".")[0]
        hint = _("Try to import it: manage.py shell -c 'import {module}'").format(module=module)
        raise unusable(key, path, reason, hint) from error
    if not callable(found):
        raise unusable(key, path, _("it is not callable"))
    return found


def unusable(key: str, path: str, reason: str, *hints: str) -> UsageError:
    """Return the error that says why a dotted path of the setting `key` is refused."""
    variable = ENVIRONMENT_PREFIX + key
    where = _("Correct {setting}, or the variable {variable}, whichever it is from.")
    return UsageError(
        _("{setting}: {path} cannot be used: {reason}.").format(
            setting=f"{SETTING}[{key!r}]", path=path, reason=reason.rstrip(".")
        ),
        hint="\n".join([where.format(setting=f"{SETTING}[{key!r}]", variable=variable), *hints]),
    )


@functools.cache
def get_settings() -> Settings:
    """Read the project's settings; raise `BadSetting` at the first value that makes no sense."""
    values = {key: parse_value(key, value) for key, value in _configured().items() if key in FIELDS}
    for key in FIELDS:
        variable = ENVIRONMENT_PREFIX + key
        if os.environ.get(variable):
            values[key] = parse_value(key, os.environ[variable], name=variable)
    return Settings(**values)


def _configured() -> Mapping[str, Any]:
    configured = getattr(django_settings, SETTING, {})
    if not isinstance(configured, Mapping):
        text = _("{setting} must be a dict, not {kind}.")
        raise BadSetting(text.format(setting=SETTING, kind=type(configured).__name__))
    return configured


def _forget(*, setting: str, **_: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="auto_migrate.conf")
