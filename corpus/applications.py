"""Applications: whole projects with settings of their own."""

from __future__ import annotations

from corpus.package import Package

LOCAL_CACHE = 'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n'

APPLICATIONS = (
    Package("pretix==2026.8.0", module="pretix.settings"),
    Package("nautobot==3.2.7", module="nautobot.core.settings", settings=LOCAL_CACHE),
)
