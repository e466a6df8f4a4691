"""The two halves of a deploy, and which of them a run is of; `phasing` tells the phase of a migration."""

from __future__ import annotations

import enum

from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.exceptions import UsageError


class Phase(enum.StrEnum):
    """The two halves of a deploy."""

    PRE_DEPLOY = "pre_deploy"
    POST_DEPLOY = "post_deploy"


ALL = "all"


def asked_phase(said: str | None, *, named: bool = False) -> Phase | None:
    """Return the phase that a run is of, None for all; raise `UsageError` for one that cannot be had.

    `said` is `all`, a phase or None, which leaves it to the setting; a `named` migration is reached in one go.
    """
    phases = get_settings().PHASES
    if said is None:
        return Phase.PRE_DEPLOY if phases and not named else None
    if said == ALL:
        return None
    if said not in list(Phase):
        raise UsageError(
            _("There is no phase {said!r}.").format(said=said), hint=_("Choose all, pre_deploy or post_deploy.")
        )
    if named:
        raise UsageError(
            _("A migration that is named is reached in one go, not in the phase {said}.").format(said=said),
            hint=_("Leave out --phase, or the name of the migration."),
        )
    # Bridges come down after the deploy, whether or not anything else is left for then.
    if not phases and not (said == Phase.POST_DEPLOY and get_settings().BRIDGES):
        raise UsageError(
            _("There is no phase {said} here: all migrations run in one.").format(said=said),
            hint=_(
                'Turn phases on: AUTO_MIGRATE = {"PHASES": True}, or AUTO_MIGRATE_PHASES=true. Or leave out --phase.'
            ),
        )
    return Phase(said)
