"""Logging for every process: structlog's rendering, standard error, no secrets.

Standard output belongs to management commands, whose lines deploy scripts read.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from structlog.typing import Processor, WrappedLogger

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# A gateway that can only be given a URL sends its secret as `?token=`, and servers log URLs.
_TOKEN_IN_URL = re.compile(r"(?<=[?&]token=)[^&\s\"'>]+")

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def redact_tokens(_logger: WrappedLogger, _method: str, line: Any) -> str:
    """Replace the secret in any URL of a rendered line, the requests that Django logs beside its message included."""
    return _TOKEN_IN_URL.sub("[redacted]", str(line))


def configuration(*, debug: bool, level: str) -> dict[str, Any]:
    """Return Django's `LOGGING`: lines for people while debugging, one JSON object a line otherwise."""
    # structlog's own tracebacks for debugging show local variables, and with them secrets.
    renderer: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
        if debug
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderer,
                    redact_tokens,
                ],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django gives these handlers of their own, which would print everything twice.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # gunicorn likewise, with a clock of its own.
            "gunicorn.error": {"handlers": [], "propagate": True},
            "gunicorn.access": {"handlers": [], "propagate": True},
            # Beat asks every few seconds; a line for each question would bury the answers.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            # It logs whole requests, phone numbers included.
            "twilio": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    """Send what is logged through structlog down the same road as the standard library's logging."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
