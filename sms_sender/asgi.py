"""The ASGI entry point, for servers that want one."""

import os

from django.core.asgi import get_asgi_application

from webhooks.start import require_usable_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

application = get_asgi_application()
require_usable_settings()
