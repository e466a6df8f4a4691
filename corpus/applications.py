"""Applications: whole projects with settings of their own; those that take longest come last."""

from __future__ import annotations

from corpus.package import Package

# Nothing here has a Redis.
LOCAL_CACHE = 'CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}\n'
# It takes a module of each installation's own.
NETBOX = """import sys, types

sys.modules["netbox_configuration"] = types.SimpleNamespace(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="x" * 60,
    API_TOKEN_PEPPERS={1: "x" * 60},
    DATABASES={"default": {}},
    REDIS={name: {"HOST": "localhost", "PORT": 1, "DATABASE": 0} for name in ("tasks", "caching")},
)
os.environ["NETBOX_CONFIGURATION"] = "netbox_configuration"
"""

APPLICATIONS = (
    Package("pretalx==2025.2.2", module="pretalx.settings"),
    Package("pretix==2026.8.0", module="pretix.settings"),
    # It asks for this Django. To build it, Debian's libldap2-dev and libsasl2-dev are needed.
    Package("mayan-edms==4.12.2", module="mayan.settings.production", also=("Django==5.2.17",)),
    Package(
        "nautobot==3.2.7",
        module="nautobot.core.settings",
        settings=f"{LOCAL_CACHE}CONSTANCE_DATABASE_CACHE_BACKEND = None\n",
    ),
    Package("netbox==4.7.3", module="netbox.settings", before=NETBOX, also=("Django==6.1.2",), python="3.12"),
)
