"""AM411: somebody may do less than before, and the running release may be who it is."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.changes.object_change import RevokePrivileges
from auto_migrate.safety.after_deploy import late
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class PrivilegesRevoked(Hazard):
    code = "AM411"
    slug = "privileges-revoked"
    title = gettext_noop("Privileges that the running release may need are revoked")
    harm = Harm.BREAKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, RevokePrivileges) or site.migration.decision.waits:
            return
        if change.table in site.new.objects:
            return
        problem = _(
            "{roles} may no longer use {what} on {table}: if the running release connects as one of them, or as a "
            "member, its queries fail."
        )
        names = {"roles": ", ".join(change.roles), "what": change.what, "table": change.table or _("the database")}
        yield Found(change.table, problem.format(**names), late(site, self.code))
