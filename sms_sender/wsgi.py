"""The WSGI entry point: `gunicorn sms_sender.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

application = get_wsgi_application()
