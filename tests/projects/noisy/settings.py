"""A project that logs to standard output, as platforms like it, and whose migrations talk and wait."""

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["auto_migrate", "tests.projects.noisy.parcels"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["stdout"], "level": "INFO"},
}
