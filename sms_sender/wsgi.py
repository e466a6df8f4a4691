"""The WSGI entry point: `gunicorn sms_sender.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from sms_sender.chunked import with_chunked_bodies
from sms_sender.content_type import with_plain_content_types

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

application = with_chunked_bodies(with_plain_content_types(get_wsgi_application()))
