"""The service's settings, with one address more."""

from sms_sender.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare"
