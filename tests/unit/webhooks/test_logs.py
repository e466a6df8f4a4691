"""Logs hold no secrets."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest
from django.test import RequestFactory

from sms_sender import logs


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def output(request: pytest.FixtureRequest) -> io.StringIO:
    """Return what the project's handler writes of the logger `logs-test`."""
    configuration = logs.configuration(debug=request.param, level="INFO")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    configurator = logging.config.DictConfigurator(configuration)
    handler.setFormatter(configurator.configure_formatter(configuration["formatters"]["structlog"]))
    logging.getLogger("logs-test").handlers = [handler]
    return written


def test_a_secret_in_an_url_is_not_logged(output: io.StringIO) -> None:
    request = RequestFactory().get("/api/webhooks/ghostpay/?token=hunter2&x=1")
    logging.getLogger("logs-test").warning("Forbidden: %s", "/x/?x=1&token=hunter2", extra={"request": request})
    assert "hunter2" not in output.getvalue()
    assert output.getvalue().count("token=[redacted]") == 2


def test_a_traceback_does_not_show_local_variables(output: io.StringIO) -> None:
    def fail(password: str) -> None:
        raise RuntimeError(len(password))

    try:
        fail("".join(["hun", "ter2"]))
    except RuntimeError:
        logging.getLogger("logs-test").exception("It failed")
    assert "RuntimeError: 7" in output.getvalue()
    assert "hunter2" not in output.getvalue()
