"""The endpoints, for `path("…", include("auto_migrate.urls"))`."""

from __future__ import annotations

from django.urls import path

from auto_migrate.web import backfill_views, debug, force_migrate, probes, run_actions, runs
from auto_migrate.web.pages import frame

app_name = "auto_migrate"
urlpatterns = [
    path("health/", probes.health, name="health"),
    path("live/", probes.live, name="live"),
    path("ready/", probes.ready, name="ready"),
    path("debug/", debug.debug, name="debug"),
    path("force-migrate/", force_migrate.force_migrate, name="force-migrate"),
    path("runs/", runs.index, name="runs"),
    path("runs/<str:run_id>/", runs.detail, name="run"),
    path("backfills/", backfill_views.index, name="backfills"),
    path("backfills/<str:name>/pause/", backfill_views.pause, name="pause-backfill"),
    path("backfills/<str:name>/resume/", backfill_views.resume, name="resume-backfill"),
    path("backfills/<str:name>/cancel/", backfill_views.cancel, name="cancel-backfill"),
    path("runs/<str:run_id>/stop/", run_actions.stop, name="stop"),
    path("runs/<str:run_id>/retry/", run_actions.retry, name="retry"),
    path("blockers/<int:pid>/end/", run_actions.end_blocker, name="end-blocker"),
    *(path(f"pages/{name}", frame.asset, {"name": name}, name=f"asset-{name}") for name in frame.ASSETS),
]
