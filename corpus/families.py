"""Wagtail, django CMS and Oscar, and what is built on them."""

from __future__ import annotations

from corpus.package import Package

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
WAGTAIL = (
    "wagtail.contrib.forms", "wagtail.contrib.redirects", "wagtail.contrib.search_promotions", "wagtail.embeds",
    "wagtail.sites", "wagtail.users", "wagtail.snippets", "wagtail.documents", "wagtail.images", "wagtail.search",
    "wagtail.admin", "wagtail", "modelcluster", "taggit", "modelsearch",
)  # fmt: skip
HAYSTACK = 'HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}\n'

SORL = ("sorl-thumbnail",)
OSCAR_SETTINGS = f"from oscar.defaults import *\n{HAYSTACK}"
WAGTAIL_SETTINGS = 'WAGTAIL_SITE_NAME = "x"\nWAGTAILADMIN_BASE_URL = "http://x"\n'
MENU_PROCESSORS = 'PROCESSORS += ["wagtailmenus.context_processors.wagtailmenus"]\n'
LOCALIZED = (
    "USE_I18N = True\nWAGTAIL_I18N_ENABLED = True\n"
    'LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = [("en", "English"), ("fr", "French")]\n'
)
CMS = ("cms", "menus", "treebeard", "sekizai")
CMS_SETTINGS = (
    'LANGUAGES = [("en", "English")]\nCMS_CONFIRM_VERSION4 = True\nX_FRAME_OPTIONS = "SAMEORIGIN"\n'
    'PROCESSORS += ["sekizai.context_processors.sekizai", "cms.context_processors.cms_settings"]\n'
)
PLUGINS = (
    "parler", "easy_thumbnails", "filer", "djangocms_alias", "djangocms_file", "djangocms_link", "djangocms_picture",
    "djangocms_snippet", "djangocms_text", "djangocms_versioning", "djangocms_frontend",
)  # fmt: skip
PUPUT = (
    "django_social_share", "django_comments", "colorful", "wagtail.contrib.sitemaps", "wagtail.contrib.routable_page",
    "puput",
)  # fmt: skip
# Before it had its search taken out.
OLDER_WAGTAIL = tuple(app for app in WAGTAIL if app != "modelsearch")
COMMENTED = ("django-social-share", "django-contrib-comments", "django-colorful")
CODERED = (
    "coderedcms", "django_bootstrap5", "wagtailcache", "wagtailseo", "wagtail.contrib.settings",
    "wagtail.contrib.table_block",
)  # fmt: skip


FAMILIES = (
    Package("wagtail==8.0.1", WAGTAIL, WAGTAIL_SETTINGS),
    Package(
        "wagtail-localize==1.14.5",
        ("wagtail_localize", "wagtail_localize.locales", "wagtail_footnotes", "wagtailmedia", *WAGTAIL),
        WAGTAIL_SETTINGS + LOCALIZED,
        also=("wagtail-footnotes==0.15.0", "wagtailmedia==0.19.1"),
    ),
    Package(
        "wagtailmenus==4.2.0",
        ("wagtailmenus", "wagtail.contrib.settings", *WAGTAIL),
        WAGTAIL_SETTINGS + MENU_PROCESSORS,
    ),
    Package("puput==2.2.0", (*PUPUT, *OLDER_WAGTAIL), f"{WAGTAIL_SETTINGS}PUPUT_AS_PLUGIN = True\n", COMMENTED),
    Package("coderedcms==6.0.0", (*CODERED, *WAGTAIL), f"{WAGTAIL_SETTINGS}BASE_DIR = os.path.dirname(__file__)\n"),
    Package("django-oscar==4.2.1", OSCAR, OSCAR_SETTINGS, SORL),
    Package("django-oscar-api==3.3.0", (*OSCAR, "rest_framework", "oscarapi"), OSCAR_SETTINGS, SORL),
    Package(
        "django-oscar-accounts==3.0.1",
        (*OSCAR, "oscar_accounts.apps.AccountsConfig", "oscar_accounts.dashboard.apps.AccountsDashboardConfig"),
        OSCAR_SETTINGS,
        SORL,
    ),
    Package("django-cms==5.1.3", CMS, CMS_SETTINGS, ("packaging",)),
    Package(
        "djangocms-frontend==2.5.3",
        (*CMS, *PLUGINS),
        CMS_SETTINGS,
        also=(
            "djangocms-alias==3.2.0",
            "djangocms-file==3.0.1",
            "djangocms-link==5.2.0",
            "djangocms-picture==4.1.1",
            "djangocms-snippet==5.0.2",
            "packaging",
            "djangocms-text==1.0.2",
            "djangocms-versioning==2.8.0",
        ),
    ),
)
