"""Who may do what: support reads, operators decide and send as well. Both are groups, made when the schema is."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db.models import Q

SUPPORT, OPERATORS = "support", "operators"
MODELS = ("Group", "Permission")
READABLE = ("payment", "recoverysms", "webhookevent", "deadletter", "optout", "refusalcount", "alarm", "erasure")
DECIDED = (
    "change_recoverysms", "change_webhookevent", "change_deadletter", "change_refusalcount", "add_optout",
    "delete_optout", "add_erasure",
)  # fmt: skip


def create_roles(sender: AppConfig, using: str, apps: Apps = global_apps, **_: Any) -> None:
    """Make the groups that are not there yet. What an administrator has changed since is left alone.

    A receiver of `post_migrate`, which also comes when the tables of users are not there (yet, or any more).
    """
    try:
        groups, permissions = (apps.get_model("auth", name)._default_manager.using(using) for name in MODELS)
    except LookupError:
        return
    if groups.filter(name__in=[SUPPORT, OPERATORS]).count() == 2:
        return
    create_permissions(sender, verbosity=0, using=using, apps=apps)  # by whichever receiver comes first
    ours = permissions.filter(content_type__app_label=sender.label)
    reading = Q(codename__in=[f"view_{model}" for model in READABLE])
    for name, wanted in ((SUPPORT, reading), (OPERATORS, reading | Q(codename__in=DECIDED))):
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            group.permissions.set(ours.filter(wanted))
