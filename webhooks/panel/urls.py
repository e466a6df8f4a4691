"""Addresses under `/panel/`."""

from __future__ import annotations

from django.urls import path, re_path

from webhooks.panel import views

urlpatterns = [
    path("", views.panel, name="panel"),
    re_path(rf"^sms/(?P<key>[0-9]{{1,18}})/(?P<action>{'|'.join(views.ACTIONS)})/$", views.act, name="panel-act"),
]
