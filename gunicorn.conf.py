"""How gunicorn serves: read by `gunicorn sms_sender.wsgi` in this folder, whoever starts it.

A connection that says nothing, or stops in the middle of a request, keeps a thread and nobody else waiting. Threads are
started when they are needed; each that has asked the database keeps a connection to it, so that
`WEB_CONCURRENCY` times `WEB_THREADS` is what the database must be able to bear.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

from django.conf import settings

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

worker_class = "gthread"
workers = settings.WEB_CONCURRENCY
threads = settings.WEB_THREADS
# Seconds in which a process must show that it lives; it does so beside its requests, however long these take.
timeout = settings.WEB_TIMEOUT
# Platforms kill half a minute after they have asked to stop; what is being answered by then has ended before.
graceful_timeout = 25
# Longer than proxies keep a connection that they do not use: they, and not we, close one that they might just need.
keepalive = 75
# The same lines as everybody's: one JSON object each, one clock.
logconfig_dict = settings.LOGGING


def post_fork(_server: Arbiter, worker: Worker) -> None:
    """Let no connection be silent in mid-request for longer than `WEB_READ_TIMEOUT`.

    gunicorn has no such limit. What is accepted inherits the listener's; the listener itself never waits.
    """
    whole, rest = divmod(settings.WEB_READ_TIMEOUT, 1)
    limit = struct.pack("ll", int(whole), int(rest * 1_000_000))
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
