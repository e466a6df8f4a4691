"""Large public packages with migrations, each in a project of its own that has little else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

DJANGO = ("admin", "auth", "contenttypes", "flatpages", "messages", "sessions", "sites", "staticfiles")
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
    "django.middleware.locale.LocaleMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)  # fmt: skip
PROCESSORS = (
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)  # fmt: skip
SETTINGS = """from tests.projects.base_settings import *

INSTALLED_APPS = {apps}
MIDDLEWARE = {middleware}
SITE_ID = 1
STATIC_URL = "static/"
ROOT_URLCONF = "packages_urls"
PROCESSORS = {processors}
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {{"context_processors": PROCESSORS}},
    }}
]
{more}
if "STOCK" not in os.environ:
    INSTALLED_APPS.insert(0, "auto_migrate")
"""


@dataclasses.dataclass(frozen=True)
class Package:
    """A package as the registry names it, the apps that it is made of, and what else it asks of the settings."""

    requirement: str
    apps: tuple[str, ...]
    settings: str = ""

    @property
    def name(self) -> str:
        """The package without its version."""
        return self.requirement.partition("==")[0]

    def write(self, folder: Path) -> None:
        """Write a project into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        apps = [*(f"django.contrib.{app}" for app in DJANGO), *self.apps]
        (folder / "applied_settings.py").write_text(
            SETTINGS.format(apps=apps, middleware=list(MIDDLEWARE), processors=list(PROCESSORS), more=self.settings)
        )
        (folder / "packages_urls.py").write_text("urlpatterns = []\n")


OSCAR = (
    "oscar.config.Shop",
    *(f"oscar.apps.{name}.apps.{name.title()}Config" for name in (
        "address", "analytics", "basket", "catalogue", "checkout", "communication", "customer", "dashboard", "offer",
        "order", "partner", "payment", "search", "shipping", "voucher", "wishlists",
    )),
    *(f"oscar.apps.dashboard.{name}.apps.{name.title()}DashboardConfig" for name in (
        "catalogue", "communications", "offers", "orders", "pages", "partners", "ranges", "reports", "reviews",
        "shipping", "users", "vouchers",
    )),
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig", "widget_tweaks", "haystack", "treebeard",
    "django_tables2", "sorl.thumbnail",
)  # fmt: skip
MACHINA = (
    "mptt", "haystack", "widget_tweaks", "machina", "machina.apps.forum", "machina.apps.forum_conversation",
    "machina.apps.forum_conversation.forum_attachments", "machina.apps.forum_conversation.forum_polls",
    "machina.apps.forum_feeds", "machina.apps.forum_moderation", "machina.apps.forum_search",
    "machina.apps.forum_tracking", "machina.apps.forum_member", "machina.apps.forum_permission",
)  # fmt: skip
WAGTAIL = (
    "wagtail.contrib.forms", "wagtail.contrib.redirects", "wagtail.contrib.search_promotions", "wagtail.embeds",
    "wagtail.sites", "wagtail.users", "wagtail.snippets", "wagtail.documents", "wagtail.images", "wagtail.search",
    "wagtail.admin", "wagtail", "modelcluster", "taggit", "modelsearch",
)  # fmt: skip
HAYSTACK = 'HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}\n'

PACKAGES = (
    Package("wagtail==8.0.1", WAGTAIL, 'WAGTAIL_SITE_NAME = "x"\nWAGTAILADMIN_BASE_URL = "http://x"\n'),
    Package("django-oscar==4.2.1", OSCAR, f"from oscar.defaults import *\n{HAYSTACK}"),
    Package(
        "django-cms==5.1.3",
        ("cms", "menus", "treebeard", "sekizai"),
        'LANGUAGES = [("en", "English")]\nCMS_CONFIRM_VERSION4 = True\n'
        'PROCESSORS += ["sekizai.context_processors.sekizai", "cms.context_processors.cms_settings"]\n',
    ),
    Package("django-helpdesk==2.6.1", ("helpdesk",), "HELPDESK_TEAMS_MODE_ENABLED = False\n"),
    Package("django-machina==1.3.1", MACHINA, HAYSTACK),
    Package("django-oauth-toolkit==3.4.1", ("oauth2_provider",)),
    Package("django-celery-beat==2.9.0", ("django_celery_beat",)),
    Package("django-filer==3.6.0", ("easy_thumbnails", "filer", "polymorphic")),
    Package(
        "wiki==0.13.0",
        (
            "django.contrib.humanize",
            "django_nyt",
            "mptt",
            "sorl.thumbnail",
            "wiki",
            "wiki.plugins.attachments",
            "wiki.plugins.notifications",
            "wiki.plugins.images",
            "sekizai",
        ),
        'PROCESSORS += ["sekizai.context_processors.sekizai"]\n',
    ),
    Package(
        "django-allauth[mfa,socialaccount]==65.21.1",
        ("allauth", "allauth.account", "allauth.socialaccount", "allauth.mfa", "allauth.usersessions"),
        'MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]\n',
    ),
)
