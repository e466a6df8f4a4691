"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from webhooks.api.schema import Docs
from webhooks.metrics import metrics

handler404 = "webhooks.views.not_found"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/webhooks/", include("webhooks.urls")),
    path("api/webhooks/", include("auto_migrate.urls")),
    path("api/webhooks/", include("webhooks.gateways.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", Docs.as_view(url_name="schema"), name="docs"),
    path("", RedirectView.as_view(pattern_name="panel")),
    path("panel/", include("webhooks.panel.urls")),
    path("metrics", metrics, name="metrics"),
]
