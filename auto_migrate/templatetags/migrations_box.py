"""The way from the admin's first page to the operator's screen."""

from __future__ import annotations

from django.template import Library
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from auto_migrate.web.pages.frame import address_of
from auto_migrate.web.pages.markup import tag

register = Library()


@register.simple_tag
def migrations_box() -> SafeString | str:
    """Return a box as each app has one, with the pages; nothing where the project does not include our addresses."""
    pages = [(_("State and plan"), address_of("auto_migrate:debug")), (_("Runs"), address_of("auto_migrate:runs"))]
    pages.append((_("Backfills"), address_of("auto_migrate:backfills")))
    rows = [tag("tr", tag("th", tag("a", name, href=address), scope="row")) for name, address in pages if address]
    if not rows:
        return ""
    return tag("div", tag("table", tag("caption", _("Migrations")), rows), class_="module", id="am-box")
