"""A shop with an admin, whose operators look at its migrations; `ADMIN=false` leaves the admin out of the addresses."""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403
from tests.projects.base_settings import DATABASES

DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "auto_migrate",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tests.projects.locks.shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
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
ROOT_URLCONF = "tests.projects.screen.urls"
STATIC_URL = "/static/"
USE_I18N = True
TIME_ZONE = "America/Sao_Paulo"
DATABASES["default"]["CONN_MAX_AGE"] = 60
HAS_ADMIN = os.environ.get("ADMIN") != "false"
AUTO_MIGRATE = {"RETRY_DELAY": 0.2, "TOKEN": "a-token-of-this-test-only", "RUNNER": "process", "RELEASE": "4f2a91c"}
