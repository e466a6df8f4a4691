"""Packages that bring migrations of their own and need little around them."""

from __future__ import annotations

from corpus.families import HAYSTACK
from corpus.package import Package

MACHINA = (
    "mptt", "haystack", "widget_tweaks", "machina", "machina.apps.forum", "machina.apps.forum_conversation",
    "machina.apps.forum_conversation.forum_attachments", "machina.apps.forum_conversation.forum_polls",
    "machina.apps.forum_feeds", "machina.apps.forum_moderation", "machina.apps.forum_search",
    "machina.apps.forum_tracking", "machina.apps.forum_member", "machina.apps.forum_permission",
)  # fmt: skip
ALLAUTH = (
    "allauth", "allauth.account", "allauth.socialaccount", "allauth.mfa", "allauth.usersessions", "allauth.idp.oidc",
)  # fmt: skip
ACCOUNTS = 'MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]\n'
WIKI = (
    "django.contrib.humanize", "django_nyt", "mptt", "sorl.thumbnail", "wiki", "wiki.plugins.attachments",
    "wiki.plugins.notifications", "wiki.plugins.images", "wiki.plugins.globalhistory", "wiki.plugins.help",
    "wiki.plugins.links", "wiki.plugins.macros", "sekizai",
)  # fmt: skip
SEKIZAI = 'PROCESSORS += ["sekizai.context_processors.sekizai"]\n'
OTP = tuple(f"django_otp{each}" for each in ("", ".plugins.otp_static", ".plugins.otp_totp", ".plugins.otp_hotp",
                                            ".plugins.otp_email"))  # fmt: skip
REDIS = 'RQ_QUEUES = {"default": {"HOST": "127.0.0.1", "PORT": 1, "DB": 0}}\n'

# What was an app each, and has its migrations still.
OPENEDX = (
    "openedx_content",
    *(f"openedx_content.backcompat.{each}" for each in (
        "backup_restore", "collections", "components", "contents", "publishing", "sections", "subsections", "units",
    )),
    "openedx_tagging",
)  # fmt: skip
OPENASSESSMENT = (
    "submissions", "openassessment", "openassessment.fileupload", "openassessment.workflow",
    "openassessment.assessment", "openassessment.staffgrader", "openassessment.xblock",
)  # fmt: skip
STUB_BROKER = 'DRAMATIQ_BROKER = {"BROKER": "dramatiq.brokers.stub.StubBroker", "MIDDLEWARE": []}\n'
# What older packages import and no longer comes with Python.
PKG_RESOURCES = ("setuptools<81",)
RELYING_PARTY = """OTP_WEBAUTHN_RP_ID, OTP_WEBAUTHN_RP_NAME = "localhost", "x"
OTP_WEBAUTHN_ALLOWED_ORIGINS = ["http://localhost:8000"]
"""

PACKAGES = (
    # Who somebody is and what he may do.
    Package("django-allauth[mfa,socialaccount,idp-oidc]==65.22.1", ALLAUTH, ACCOUNTS),
    Package("django-oauth-toolkit==3.4.1", ("oauth2_provider",)),
    Package("django-oidc-provider==0.9.0", ("oidc_provider",)),
    Package("django-rest-knox==5.1.0", ("rest_framework", "knox")),
    Package("djangorestframework-simplejwt==5.5.1", ("rest_framework", "rest_framework_simplejwt.token_blacklist")),
    Package("djangorestframework==3.18.3", ("rest_framework", "rest_framework.authtoken")),
    Package(
        "djangorestframework-api-key==3.1.0",
        ("rest_framework", "rest_framework_api_key"),
        also=("djangorestframework",),
    ),
    Package(
        "django-rest-passwordreset==1.6.0",
        ("rest_framework", "django_rest_passwordreset"),
        also=("djangorestframework",),
    ),
    Package("social-auth-app-django==8.0.0", ("social_django",)),
    Package("django-cas-ng==5.1.1", ("django_cas_ng",)),
    Package("django-cas-server==3.1.0", ("cas_server",)),
    Package("django-guardian==3.5.2", ("guardian",)),
    Package("django-axes==8.3.1", ("axes",), 'MIDDLEWARE += ["axes.middleware.AxesMiddleware"]\n'),
    Package("django-defender==0.9.8", ("defender",), 'DEFENDER_REDIS_URL = "redis://127.0.0.1:1/0"\n'),
    Package("django-otp==1.7.5", OTP),
    Package(
        "django-two-factor-auth[phonenumbers]==1.18.1",
        (*OTP, "two_factor", "two_factor.plugins.phonenumber"),
        'MIDDLEWARE += ["django_otp.middleware.OTPMiddleware"]\n',
    ),
    Package("django-otp-webauthn==0.10.3", ("django_otp", "django_otp_webauthn"), RELYING_PARTY),
    Package("django-mfa3==0.8.0", ("mfa",), 'MFA_DOMAIN = "localhost"\nMFA_SITE_TITLE = "x"\n'),
    Package("django-trench==0.3.1", ("rest_framework", "trench"), also=("djangorestframework", *PKG_RESOURCES)),
    Package("django-user-sessions==2.0.0", ("user_sessions",), also=PKG_RESOURCES),
    Package("django-hijack==3.7.9", ("hijack",)),
    Package("django-invitations==2.1.0", ("invitations",)),
    Package("django-organizations==2.7.0", ("organizations",)),
    Package("django-user-accounts==3.3.2", ("account",)),
    Package("django-registration-redux==2.13", ("registration",)),
    Package("drfpasswordless==1.5.9", ("rest_framework", "rest_framework.authtoken", "drfpasswordless")),
    Package("django-impersonate==1.9.5", ("impersonate",)),
    Package("django-simple-captcha==0.7.0", ("captcha",)),
    Package("django-ca==3.2.0", ("django_ca",)),
    Package("djoser[webauthn]==2.3.5", ("rest_framework", "djoser", "djoser.webauthn")),
    # What works in the background, and what is sent.
    Package("django-celery-beat==2.9.0", ("django_celery_beat",)),
    Package("django-celery-results==2.6.0", ("django_celery_results",)),
    Package("django-q2==1.11.1", ("django_q",)),
    Package("django-rq==4.2.0", ("django_rq",), REDIS),
    Package("django-dramatiq==0.15.0", ("django_dramatiq",), STUB_BROKER, ("dramatiq",)),
    Package("django-background-tasks-updated==1.2.8.post1", ("background_task",), also=PKG_RESOURCES),
    Package("django-apscheduler==0.7.0", ("django_apscheduler",)),
    Package("procrastinate[django]==3.10.0", ("procrastinate.contrib.django",)),
    Package("django-mailer==2.3.2", ("mailer",)),
    Package("django-post-office==3.12.0", ("post_office",)),
    Package("django-mailbox==4.8.2", ("django_mailbox",)),
    Package("django-newsletter==1.2.1", ("easy_thumbnails", "newsletter"), also=("easy-thumbnails", "sorl-thumbnail")),
    Package("django-push-notifications==3.3.0", ("push_notifications",)),
    Package("fcm-django==3.2.0", ("fcm_django",)),
    Package("django-webhook==0.0.15", ("django_webhook",), 'DJANGO_WEBHOOK = {"MODELS": ["auth.User"]}\n'),
    Package("django-notifications-hq==1.8.3", ("notifications",), also=PKG_RESOURCES),
    Package("django-nyt==1.6.0", ("django_nyt",)),
    Package("django-yubin==2.0.6", ("django_yubin",)),
    Package("django-ses==4.8.2", ("django_ses",)),
    Package("django-eventstream==5.3.4", ("django_eventstream",)),
    Package("django-pgpubsub==1.3.1", ("pgtrigger", "pgpubsub")),
    # What has happened, and what is switched.
    Package("django-reversion==6.4.0", ("reversion",)),
    Package("django-auditlog==3.4.1", ("auditlog",)),
    Package("django-easy-audit==1.3.9", ("easyaudit",)),
    Package("django-activity-stream==2.0.0", ("actstream",)),
    Package("django-fsm-log==5.0.2", ("django_fsm_log",)),
    Package("django-request==1.7.1", ("request",)),
    Package("drf-api-logger==1.4.0", ("rest_framework", "drf_api_logger")),
    Package("django-silk==5.6.0", ("silk",)),
    Package(
        "django-sql-explorer==5.3.1",
        ("explorer",),
        'EXPLORER_CONNECTIONS = {"Default": "default"}\nEXPLORER_DEFAULT_CONNECTION = "default"\n',
    ),
    Package("django-sql-dashboard==1.2", ("django_sql_dashboard",)),
    Package("django-denorm-iplweb==1.15.0", ("denorm",)),
    Package("django-health-check==3.24", ("health_check", "health_check.db")),
    Package("django-waffle==5.0.0", ("waffle",)),
    Package("django-flags==5.2.0", ("flags",)),
    Package(
        "django-constance==4.4.0",
        ("constance",),
        'CONSTANCE_BACKEND = "constance.backends.database.DatabaseBackend"\n'
        'CONSTANCE_CONFIG = {"ANSWER": (42, "of everything")}\n',
    ),
    Package("django-extra-settings==0.15.0", ("extra_settings",)),
    Package(
        "django-dynamic-preferences==1.17.0",
        ("dynamic_preferences", "dynamic_preferences.users.apps.UserPreferencesConfig"),
    ),
    Package("django-admin-interface==0.32.0", ("admin_interface", "colorfield"), 'X_FRAME_OPTIONS = "SAMEORIGIN"\n'),
    Package("django-dbbackup==5.4.0", ("dbbackup",)),
    Package("django-cookie-consent==1.0.0", ("cookie_consent",)),
    Package("django-db-file-storage==0.5.6.1", ("db_file_storage",)),
    # What is shown, tagged, filed and discussed.
    Package("django-taggit==6.1.0", ("taggit",)),
    Package("easy-thumbnails==2.10.1", ("easy_thumbnails",)),
    Package("sorl-thumbnail==13.4.0", ("sorl.thumbnail",)),
    Package("django-filer==3.6.0", ("easy_thumbnails", "filer", "polymorphic")),
    Package("django-photologue==3.20", ("photologue", "sortedm2m")),
    Package("django-attachments==1.12", ("attachments",)),
    Package("django-avatar==9.0.0", ("avatar",)),
    Package("django-contrib-comments==2.2.0", ("django_comments",)),
    Package(
        "django-comments-xtd==2.10.13",
        ("django_comments_xtd", "django_comments"),
        'COMMENTS_APP = "django_comments_xtd"\n',
    ),
    Package("django-comments-dab==3.0.0", ("comment",), "PROFILE_APP_NAME = None\n"),
    Package("django-sitetree==1.18.1", ("sitetree",)),
    Package("django-summernote==0.8.20.0", ("django_summernote",)),
    Package("django-star-ratings==0.9.2", ("star_ratings",)),
    Package("django-hitcount==1.3.5", ("hitcount",)),
    Package("django-vote==2.5.0", ("vote",)),
    Package("django-voting==1.1.0", ("voting",), also=PKG_RESOURCES),
    Package("django-friendship==1.12.0", ("friendship",)),
    Package("django-postman==4.6", ("postman",)),
    Package("pinax-badges==3.0.0", ("pinax.badges",), also=PKG_RESOURCES),
    Package("pinax-teams==3.0.1", ("account", "pinax.invitations", "pinax.teams"), also=PKG_RESOURCES),
    Package("django-survey-and-report==1.5.0", ("survey",)),
    Package("django-categories==2.0.0", ("mptt", "categories", "categories.editor")),
    Package("django-robots==6.1", ("robots",)),
    Package("django-watson==1.6.3", ("watson",)),
    Package("django-scheduler==0.12.0", ("schedule",)),
    Package("django-cities-light==3.11", ("cities_light",)),
    Package("django-helpdesk==2.6.1", ("helpdesk",), "HELPDESK_TEAMS_MODE_ENABLED = False\n"),
    Package("django-machina==1.3.1", MACHINA, HAYSTACK),
    Package("wiki==0.13.0", WIKI, SEKIZAI),
    Package("django-tastypie==0.14.0", ("tastypie",)),
    # What is paid, learnt and drawn.
    Package(
        "dj-stripe==2.11.0",
        ("djstripe",),
        'DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"\nSTRIPE_TEST_SECRET_KEY = "sk_test_x"\n',
    ),
    Package("django-ledger==0.8.5", ("django_ledger",)),
    Package("django-hordak==2.0.0", ("mptt", "hordak"), 'DEFAULT_CURRENCY = "EUR"\nCURRENCIES = ["EUR"]\n'),
    Package(
        "django-plans==2.8.2",
        ("ordered_model", "plans"),
        'PLANS_CURRENCY = "EUR"\nPLANS_INVOICE_ISSUER = {}\n',
    ),
    Package("django-viewflow==2.4.0", ("viewflow", "viewflow.workflow")),
    Package("django-river==1.0.0", ("river",), also=PKG_RESOURCES),
    Package("edx-organizations==9.0.0", ("organizations", "simple_history"), also=("django-simple-history",)),
    Package("edx-when==4.1.0", ("edx_when",)),
    Package("edx-completion==5.0.0", ("completion",)),
    Package("edx-milestones==2.0.0", ("milestones",)),
    Package("edx-name-affirmation==3.0.2", ("edx_name_affirmation", "simple_history")),
    Package("ora2==7.1.2", OPENASSESSMENT, python="3.12"),
    Package("edxval==5.0.1", ("edxval",), also=("fs", *PKG_RESOURCES)),
    Package("django-user-tasks==4.0.0", ("rest_framework", "user_tasks")),
    Package("openedx-learning==0.33.1", OPENEDX),
    Package("edx-submissions==4.0.2", ("submissions",), also=PKG_RESOURCES),
)
