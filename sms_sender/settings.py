"""Settings of sms_sender, from the environment.

With nothing set this is a developer's machine: SQLite, `DEBUG`, a key that protects nothing. A `DATABASE_URL` or a
hosting platform's own variable makes it production, which has `DEBUG` off and refuses to start without `SECRET_KEY`.
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from django.conf.global_settings import LANGUAGES
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from auto_migrate import __version__
from sms_sender import logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
YES, NO = {"true", "yes", "on", "1", "y", "t", "ok"}, {"false", "no", "off", "0", "n", "f"}


def given(name: str) -> str:
    """Read a variable as text; one that is unset, empty or blank is an empty text."""
    return str(env.str(name, default="")).strip()


def listed(name: str) -> list[str]:
    """Read a variable of comma-separated values."""
    return [part.strip() for part in given(name).split(",") if part.strip()]


# Seconds, a century: what no calendar reaches from now on would fail once an SMS is due.
LONGEST = 100 * 365 * 86400


def seconds(name: str, default: float, *, minimum: float = 0) -> float:
    """Read a duration; refuse what is no number, below `minimum` or longer than a century."""
    try:
        value = float(given(name) or default)
    except ValueError:
        value = float("nan")
    if not minimum <= value <= LONGEST:
        raise ImproperlyConfigured(f"{name}={given(name)!r} is not a number of seconds. Type: export {name}={default}")
    return value


def whole(name: str, default: int | None, *, minimum: int = 1) -> int | None:
    """Read a number; refuse what is none or below `minimum`."""
    text = given(name)
    if not text:
        return default
    if not text.isdecimal() or int(text) < minimum:
        example = default or 100
        raise ImproperlyConfigured(f"{name}={text!r} is not a number from {minimum} on. Type: export {name}={example}")
    return int(text)


def flag(name: str, *, default: bool) -> bool:
    """Read yes or no; refuse what is neither."""
    text = given(name).lower()
    if text not in {"", *YES, *NO}:
        raise ImproperlyConfigured(f"{name}={text!r} is neither true nor false. Type: export {name}=true")
    return text in YES if text else default


def one_of(name: str, default: str, known: Iterable[str]) -> str:
    """Read a word, in whatever case; refuse one that is not known."""
    text = given(name) or default
    for word in known:
        if word.casefold() == text.casefold():
            return word
    raise ImproperlyConfigured(f"{name}={text!r} is not known. Type: export {name}={default}")


def time_zones(usual: str) -> Iterator[str]:
    """Return the names of all time zones, first the usual one: to find the others is to open six hundred files."""
    yield usual
    yield from zoneinfo.available_timezones()


def price(name: str) -> Decimal | None:
    """Read an amount of reais, with a point or a comma; refuse what is none."""
    text = given(name)
    try:
        value = Decimal(text.replace(",", ".")) if text else None
    except InvalidOperation:
        value = Decimal("NaN")
    if value is not None and not (value.is_finite() and value >= 0):
        raise ImproperlyConfigured(f"{name}={text!r} is not an amount of reais. Type: export {name}=0.25")
    return value


# -- where this runs --------------------------------------------------------------------------------------------------

PLATFORMS = ("RENDER", "DYNO", "FLY_APP_NAME", "KUBERNETES_SERVICE_HOST", "K_SERVICE")
ON_PLATFORM = any(map(given, PLATFORMS))
DATABASE_URL = given("DATABASE_URL")
REDIS_URL = given("REDIS_URL")
if REDIS_URL.partition("://")[0] not in {"", "redis", "rediss", "unix"}:
    # Not the address: it holds a password.
    raise ImproperlyConfigured(
        "REDIS_URL is no address of a Redis. Type: export REDIS_URL=redis://:password@host:6379/0"
    )

DEBUG = flag("DEBUG", default=not (DATABASE_URL or ON_PLATFORM))

SECRET_KEY = given("SECRET_KEY") or ("django-insecure-only-for-development" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set, and this is production. Type: "
        "export SECRET_KEY=\"$(python -c 'import secrets; print(secrets.token_urlsafe(50))')\" "
        "(or, on a developer's machine: export DEBUG=true)."
    )

# Render asks for the health check under the service's custom domain: list that here too.
ALLOWED_HOSTS = [*listed("ALLOWED_HOSTS"), *listed("RENDER_EXTERNAL_HOSTNAME")]
CSRF_TRUSTED_ORIGINS = [
    *listed("CSRF_TRUSTED_ORIGINS"),
    *(f"https://{host}" for host in listed("RENDER_EXTERNAL_HOSTNAME")),
]

# -- apps -------------------------------------------------------------------------------------------------------------

# Deploy logs list the apps that bring migrations: admin, auth, contenttypes, sessions and webhooks, nothing else.
INSTALLED_APPS = [
    "auto_migrate",
    "webhooks",  # before the admin, some of whose templates are its own
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "sms_sender.middleware.NonsenseMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "sms_sender.urls"
WSGI_APPLICATION = "sms_sender.wsgi.application"
ASGI_APPLICATION = "sms_sender.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- database and cache -----------------------------------------------------------------------------------------------


def parse_database_url(url: str) -> dict[str, Any]:
    """Parse the URL; an error tells its scheme at most, since the rest holds a password."""
    scheme = url.partition(":")[0]
    refusal = ImproperlyConfigured(
        f"DATABASE_URL ({scheme[:20]}:…) is not a database's address; percent-encode special characters in its "
        "password. Type: export DATABASE_URL=postgresql://user:password@host:5432/name"
    )
    if scheme not in environ.Env.DB_SCHEMES:
        raise refusal
    try:
        return dict(env.db_url_config(url))
    except ValueError:
        raise refusal from None


def database() -> dict[str, Any]:
    """Return the database that `DATABASE_URL` names, else SQLite beside the code."""
    found = parse_database_url(DATABASE_URL or f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    if found["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE: a transaction that will write says so at once, instead of failing half-way when another one has.
        found["OPTIONS"] = {"timeout": 20, "transaction_mode": "IMMEDIATE", **found.get("OPTIONS", {})}
    if found["ENGINE"] == "django.db.backends.postgresql":
        found["CONN_MAX_AGE"] = 600
        found["CONN_HEALTH_CHECKS"] = True
        found["OPTIONS"] = {"connect_timeout": 10, "server_side_binding": True, **found.get("OPTIONS", {})}
    return found


DATABASES = {"default": database()}

# Health checks ask the cache, and have five seconds for everything: fail at once rather than try again.
REDIS_OPTIONS = {"socket_connect_timeout": 0.4, "socket_timeout": 0.4, "retry": Retry(NoBackoff(), 0)}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "sms_sender",
        "OPTIONS": REDIS_OPTIONS,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# -- language and static files ----------------------------------------------------------------------------------------

LANGUAGE_CODE = one_of("LANGUAGE_CODE", "pt-br", {**dict(LANGUAGES), "en-us": "English"})
TIME_ZONE = one_of("TIME_ZONE", "America/Sao_Paulo", time_zones("America/Sao_Paulo"))
USE_I18N = True
FORMAT_MODULE_PATH = ["sms_sender.formats"]
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Until collectstatic has run, files are served straight from the apps.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or not STATIC_ROOT.is_dir()

# -- security ---------------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# Only a proxy that overwrites the header may be believed; each of the platforms has one.
if flag("BEHIND_PROXY", default=ON_PLATFORM):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=ON_PLATFORM and not DEBUG)
# Probes ask in plain HTTP from inside the platform and take a redirect for an answer.
SECURE_REDIRECT_EXEMPT = [r"^api/webhooks/(health|live|ready)/$"]
SECURE_HSTS_SECONDS = int(seconds("SECURE_HSTS_SECONDS", 0))
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = flag("SECURE_COOKIES", default=not DEBUG)

# -- web server: gunicorn.conf.py -------------------------------------------------------------------------------------

# Heroku sets the first one by the memory that there is.
WEB_CONCURRENCY = whole("WEB_CONCURRENCY", 2)
WEB_THREADS = whole("WEB_THREADS", 24)
WEB_TIMEOUT = int(seconds("WEB_TIMEOUT", 30, minimum=1))
WEB_READ_TIMEOUT = seconds("WEB_READ_TIMEOUT", 10, minimum=0.1)

# -- logging ----------------------------------------------------------------------------------------------------------

LOGGING = logs.configuration(debug=DEBUG, level=one_of("LOG_LEVEL", "INFO", logs.LEVELS))
logs.configure_structlog()

# -- webhooks and SMS -------------------------------------------------------------------------------------------------

# Payment gateways, a line each. The last part is the name: in its address and, upper-case, in <NAME>_WEBHOOK_SECRET.
GATEWAYS = [
    "webhooks.gateways.ghostpay",
    "webhooks.gateways.tribopay",
]
# Several secrets, separated by commas, while one is being replaced by the next.
GATEWAY_SECRETS = {
    name: listed(f"{name.upper()}_WEBHOOK_SECRET") for name in (str(path).rpartition(".")[2] for path in GATEWAYS)
}
# Of gateways that sign as Standard Webhooks describes it: `whsec_…`, likewise.
GATEWAY_SIGNING_SECRETS = {name: listed(f"{name.upper()}_WEBHOOK_SIGNING_SECRET") for name in GATEWAY_SECRETS}
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

SMS_RECOVERY_DELAY = seconds("SMS_RECOVERY_DELAY", 600)
# Reminders of a payment, and the seconds from the one before to each further one.
SMS_REMINDERS = whole("SMS_REMINDERS", 1) or 1
SMS_FURTHER_DELAYS = {
    number: seconds(f"SMS_RECOVERY_DELAY_{number}", default) for number, default in ((2, 4 * 3600), (3, 12 * 3600))
}
SMS_POLL_INTERVAL = seconds("SMS_POLL_INTERVAL", 2, minimum=0.1)
# A row that was handed to the broker and is still waiting after this long is handed over again.
SMS_REDISPATCH_AFTER = seconds("SMS_REDISPATCH_AFTER", 30, minimum=0.1)
# A row still being sent after this long belonged to a worker that died; it must exceed the provider's own timeout.
SMS_SENDING_TIMEOUT = seconds("SMS_SENDING_TIMEOUT", 120, minimum=1)
# Providers, a line each. The last part is the name that SMS_PROVIDER chooses by.
SMS_PROVIDERS = [
    "webhooks.providers.console",
    "webhooks.providers.twilio",
    "webhooks.providers.zenvia",
]
SMS_PROVIDER = given("SMS_PROVIDER") or ("twilio" if given("TWILIO_ACCOUNT_SID") else "console")
# Where numbers may be of, by their two letters.
SMS_COUNTRIES = [name.upper() for name in listed("SMS_COUNTRIES")] or ["BR"]
# When a person may be written to, by the clock of the number's own time zone: to the minute, 24:00 is midnight.
SMS_HOURS = given("SMS_HOURS") or "09:00-21:00"
SMS_SATURDAY_HOURS = given("SMS_SATURDAY_HOURS") or "10:00-16:00"
# On Sundays by the hours of Saturdays, on national holidays by those of the weekday; not at all unless set.
SMS_SUNDAYS = flag("SMS_SUNDAYS", default=False)
SMS_HOLIDAYS = flag("SMS_HOLIDAYS", default=False)
# Nobody is reminded of a payment that is older than this, in seconds.
SMS_MAX_AGE = seconds("SMS_MAX_AGE", 86400, minimum=1)
SMS_PER_PHONE_PER_DAY = whole("SMS_PER_PHONE_PER_DAY", 1) or 1
# Over all; what is due beyond waits for the next day, with an alarm.
SMS_PER_DAY = whole("SMS_PER_DAY", None)
# The page on which a payment is made, with {gateway}, {id} and {external_id} of the payment.
PAYMENT_URL = given("PAYMENT_URL")
# Without accents that would make it three SMS. {name}, {amount}, {pix_code}, and {link}: the page, else the PIX code.
SMS_TEMPLATE = given("SMS_TEMPLATE") or (
    "{name}, seu PIX de {amount} ainda aguarda o pagamento. {link} Para parar, responda SAIR."
)
# Texts of a gateway's own or of further reminders, by the variable that sets them; `texts.py` says which one is taken.
SMS_TEMPLATES = {
    name: given(name)
    for gateway in ("", *(f"{name.upper()}_" for name in GATEWAY_SECRETS))
    for name in (f"{gateway}SMS_TEMPLATE{number}" for number in ("", "_2", "_3"))
    if given(name) and name != "SMS_TEMPLATE"
}
# What one segment costs, in reais, for the figures of the panel.
SMS_PRICE = price("SMS_PRICE")

# -- people's data ----------------------------------------------------------------------------------------------------

# After so many days deliveries are stripped of what they said, and payments of whose they were.
RETENTION_DAYS = whole("RETENTION_DAYS", 180) or 180

# -- alarms -----------------------------------------------------------------------------------------------------------

# Who is told, and how: addresses, separated by commas, and an address that takes JSON by POST.
ALARM_EMAILS = listed("ALARM_EMAILS")
ALARM_WEBHOOK_URL = given("ALARM_WEBHOOK_URL")
# Seconds until one is told of again that goes on, or that was over meanwhile.
ALARM_COOLDOWN = seconds("ALARM_COOLDOWN", 3600, minimum=1)
# Seconds for which an SMS may be due, and for which a gateway that has delivered before may be silent (0: for ever).
ALARM_LATE_AFTER = seconds("ALARM_LATE_AFTER", 300, minimum=1)
ALARM_SILENT_AFTER = seconds("ALARM_SILENT_AFTER", 86400) or None
# SMS that may fail within an hour.
ALARM_FAILURES = whole("ALARM_FAILURES", 5) or 5
if given("EMAIL_URL"):
    try:
        vars().update(environ.Env.email_url_config(given("EMAIL_URL")))
    except (ImproperlyConfigured, ValueError):
        example = "export EMAIL_URL=smtp+tls://user:password@smtp.example:587"
        raise ImproperlyConfigured(f"EMAIL_URL is no address of a mail server. Type: {example}") from None
    EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = given("EMAIL_FROM") or "sms_sender@localhost"

# -- SMS providers ----------------------------------------------------------------------------------------------------

TWILIO_ACCOUNT_SID = given("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = given("TWILIO_AUTH_TOKEN")
TWILIO_FROM = given("TWILIO_FROM")
TWILIO_BASE_URL = given("TWILIO_BASE_URL") or "https://api.twilio.com"

# Where providers reach this service, without a last slash; it is part of what they sign.
PUBLIC_URL = given("PUBLIC_URL").rstrip("/") or next(
    (f"https://{host}" for host in listed("RENDER_EXTERNAL_HOSTNAME")), ""
)

# -- Celery -----------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "redis://localhost:6379/0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
# Whoever hands a task over is told within seconds that the broker is away or hangs, and no request waits longer.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "queue_order_strategy": "priority",
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
# A message is fetched when a process is free for it, and from the first of these queues that has one: whoever asks for
# a migration, and beat with its questions, wait for one SMS to be sent at most, never for all that are due. Releases
# before this one put everything into `celery`.
CELERY_TASK_QUEUES = {
    name: {"exchange": name, "routing_key": name} for name in ("migrations", "questions", "celery", "retries", "sms")
}
CELERY_TASK_ROUTES = {
    "auto_migrate.tasks.*": {"queue": "migrations"},
    "webhooks.tasks.send_due": {"queue": "questions"},
    "webhooks.tasks.raise_alarms": {"queue": "questions"},
    "webhooks.tasks.finish_interrupted": {"queue": "retries"},
    "webhooks.tasks.apply_retention": {"queue": "retries"},
    "webhooks.tasks.send_recovery_sms": {"queue": "sms"},
}
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A migration keeps one process to itself until it is done; the others go on.
CELERY_WORKER_CONCURRENCY = whole("WORKER_CONCURRENCY", max(4, os.cpu_count() or 1))
# Everything here comes round within seconds, so beat has nothing to remember and no file to corrupt.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "send-due": {
        "task": "webhooks.tasks.send_due",
        "schedule": SMS_POLL_INTERVAL,
        # A worker that was away must not work through every question it missed.
        "options": {"expires": max(SMS_POLL_INTERVAL, 10)},
    },
    "finish-interrupted": {
        "task": "webhooks.tasks.finish_interrupted",
        "schedule": min(30.0, SMS_SENDING_TIMEOUT),
        "options": {"expires": 30},
    },
    "raise-alarms": {
        "task": "webhooks.tasks.raise_alarms",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "apply-retention": {
        "task": "webhooks.tasks.apply_retention",
        "schedule": crontab(hour=4, minute=10),
        "options": {"expires": 3600},
    },
    # What the release step has left until the release before is gone: nothing, unless AUTO_MIGRATE_PHASES is on.
    "post-deploy": {
        "task": "auto_migrate.tasks.run_post_deploy",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    # Does nothing unless a migration has left a backfill to be done in the background.
    "backfills": {
        "task": "auto_migrate.tasks.run_backfills",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}

# -- operators' API ---------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["webhooks.api.permissions.IsOperator"],
    "DEFAULT_RENDERER_CLASSES": ["webhooks.api.renderers.EveryTextRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "webhooks.api.pages.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "webhooks.api.errors.error_response",
    "PAGE_SIZE": 50,
    # What else is asked for with `?version=` is not written into a header.
    "ALLOWED_VERSIONS": [__version__],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "sms_sender",
    "VERSION": __version__,
    "DESCRIPTION": "Webhook deliveries and the recovery SMS that came of them, for operators.",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webhooks.api.schema.describe_deliveries",
    ],
    # A bearer of AUTO_MIGRATE_TOKEN gets in, as staff with a session do.
    "SECURITY": [{"token": []}],
    "APPEND_COMPONENTS": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "ENUM_NAME_OVERRIDES": {
        f"{name}Enum": f"webhooks.states.{name}"
        for name in ("PaymentStatus", "EventStatus", "SMSStatus", "OptOutSource", "DeliveryStatus")
    },
    # From our own server: a browser that reaches no CDN shows the page too.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

# -- auto_migrate -----------------------------------------------------------------------------------------------------

AUTO_MIGRATE = {
    "HEALTH_CHECKS": {
        "cache": "webhooks.health.cache",
        "sms_scheduler": "webhooks.health.sms_scheduler",
        "sms_provider": "webhooks.health.sms_provider",
        "sms_budget": "webhooks.health.sms_budget",
        "deliveries": "webhooks.health.deliveries",
    },
}
