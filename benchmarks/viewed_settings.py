"""The settings of the depot whose migrations are one of each kind that goes online, with the operator's screen."""

from tests.projects.online.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.viewed"
ALLOWED_HOSTS = ["*"]
DATABASES["default"]["CONN_MAX_AGE"] = 600  # noqa: F405
AUTO_MIGRATE = {"TOKEN": "a-benchmarks-token"}
