"""The Django project around `webhooks`: payment webhooks in, recovery SMS out.

Celery's app is loaded with Django, so that tasks declared with `shared_task` find their broker in every process.
"""

from sms_sender.celery import app as celery_app

__all__ = ["celery_app"]
