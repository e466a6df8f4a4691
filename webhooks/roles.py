"""Who may do what: support reads, operators decide and send as well. Both are groups, made when the schema is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

SUPPORT, OPERATORS = "support", "operators"
READABLE = ("payment", "recoverysms", "webhookevent", "deadletter", "optout", "refusalcount", "alarm", "erasure")
DECIDED = (
    "change_recoverysms", "change_webhookevent", "change_deadletter", "change_refusalcount", "add_optout",
    "delete_optout", "add_erasure",
)  # fmt: skip


def create_roles(sender: Any, using: str, **options: Any) -> None:
    """Make the groups that are not there yet. What an administrator has changed since is left alone."""
    if set(Group.objects.using(using).filter(name__in=[SUPPORT, OPERATORS]).values_list("name", flat=True)) == {
        SUPPORT, OPERATORS,
    }:  # fmt: skip
        return
    create_permissions(sender, verbosity=0, using=using)  # by whichever receiver comes first
    ours = Permission.objects.using(using).filter(content_type__app_label=sender.label)
    reading = Q(codename__in=[f"view_{model}" for model in READABLE])
    for name, wanted in ((SUPPORT, reading), (OPERATORS, reading | Q(codename__in=DECIDED))):
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set(ours.filter(wanted))
