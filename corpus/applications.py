"""Applications: whole projects with settings of their own."""

from __future__ import annotations

from corpus.package import Package

# Nothing here has a Redis.
LOCAL_CACHE = 'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n'

APPLICATIONS = (
    Package("pretix==2026.8.0", module="pretix.settings"),
    # It asks for this Django. To build it, Debian's libldap2-dev and libsasl2-dev are needed.
    Package("mayan-edms==4.12.2", module="mayan.settings.production", also=("Django==5.2.17",)),
    Package(
        "nautobot==3.2.7",
        module="nautobot.core.settings",
        settings=f"{LOCAL_CACHE}CONSTANCE_DATABASE_CACHE_BACKEND = None\n",
    ),
)
