"""The operator's screen beside a view that does nothing: what `benchmarks.viewers` compares it with."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def empty(_request: HttpRequest) -> HttpResponse:
    """Answer with nothing."""
    return HttpResponse("ok")


urlpatterns = [path("empty/", empty), path("", include("auto_migrate.urls"))]
