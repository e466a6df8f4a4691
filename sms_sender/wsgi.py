"""The WSGI entry point: `gunicorn sms_sender.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from sms_sender.chunked import with_chunked_bodies
from sms_sender.content_type import with_plain_content_types
from webhooks.start import require_usable_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

django_application = get_wsgi_application()
require_usable_settings()  # what is raised here ends gunicorn, with its text as the last words
application = with_chunked_bodies(with_plain_content_types(django_application))
