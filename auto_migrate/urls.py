"""Addresses of the package, for a project to include."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
