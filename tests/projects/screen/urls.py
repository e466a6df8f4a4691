from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("migrations/", include("auto_migrate.urls"))]
if settings.HAS_ADMIN:
    urlpatterns.append(path("admin/", admin.site.urls))
