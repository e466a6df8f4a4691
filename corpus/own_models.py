"""Packages that make themselves felt in the migrations of those who use them: a small app of ours uses each."""

from __future__ import annotations

from pathlib import Path

from corpus.package import Package

FOLDER = Path(__file__).resolve().parent / "models"


def releases(name: str) -> tuple[str, ...]:
    """Return models.py of the app as it was at one release after the other."""
    return tuple(path.read_text() for path in sorted((FOLDER / name).glob("release_*.py")))


# One schema, as `migrate_schemas --shared` has it.
TENANT_SETTINGS = """
DATABASES["default"]["ENGINE"] = "django_tenants.postgresql_backend"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL, TENANT_DOMAIN_MODEL = "shop.Client", "shop.Domain"
SHARED_APPS, TENANT_APPS = tuple(INSTALLED_APPS), ("django.contrib.contenttypes",)
if "STOCK" not in os.environ:
    SHARED_APPS = ("auto_migrate", *SHARED_APPS)
# One schema alone, as stock `migrate` sees it.
AUTO_MIGRATE = {"TENANTS": "none"}
"""

OWN_MODELS = (
    Package("django-pgtrigger==4.17.0", ("pgtrigger",), models=releases("pgtrigger")),
    Package("django-pghistory==3.9.2", ("pgtrigger", "pghistory", "pghistory.admin"), models=releases("pghistory")),
    Package("django-pgviews-redux==1.3.0", ("django_pgviews",), models=releases("views")),
    Package("django-simple-history==3.13.0", ("simple_history",), models=releases("simple_history")),
    Package(
        "django-parler==2.4",
        ("parler",),
        'LANGUAGES = [("en", "English"), ("pt-br", "Portuguese")]\n',
        models=releases("parler"),
    ),
    Package("django-polymorphic==4.11.7", ("polymorphic",), models=releases("polymorphic")),
    Package("django-mptt==0.20.0", ("mptt",), models=releases("mptt")),
    Package("django-treebeard==7.0.3", ("treebeard",), models=releases("treebeard")),
    Package("django-guardian==3.5.2", ("guardian",), models=releases("guarded"), title="django-guardian-direct"),
    Package("django-money[exchange]==3.6.2", ("djmoney", "djmoney.contrib.exchange"), models=releases("money")),
    Package("django-fsm-2==4.2.4", ("django_fsm",), also=("django-model-utils==5.0.0",), models=releases("fsm")),
    Package(
        "django-postgres-extra==3.0.1",
        ("psqlextra",),
        'DATABASES["default"]["ENGINE"] = "psqlextra.backend"\nPOSTGRES_EXTRA_AUTO_EXTENSION_SET_UP = False\n',
        models=releases("psqlextra"),
    ),
    # Each row would be a tenant whose schema is missing, which `migrate_schemas` cannot bear.
    Package("django-tenants==4.0.1", ("django_tenants",), TENANT_SETTINGS, models=releases("tenants"), fillable=False),
)
