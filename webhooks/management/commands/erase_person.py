"""`manage.py erase_person`: forgets a person, as the admin's “Erasures” do."""

from __future__ import annotations

import getpass
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webhooks import privacy
from webhooks.states import PersonKey


class Command(BaseCommand):
    """Forgets whose payments some were, and keeps who asked for it."""

    help = "Forgets a person: names, phones, e-mail addresses, texts and payloads; ids, amounts and times stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take who it is, and who asks."""
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--phone", help="with area code, as in (11) 99988-7766")
        who.add_argument("--cpf", help="eleven digits, with or without dots")
        parser.add_argument(
            "--requested-by", required=True, help="who asked and how, as in 'the person, e-mail of 3 May'"
        )
        parser.add_argument("--format", choices=("text", "json"), default="text", help="how to say what was done")
        parser.add_argument("--done-by", default=getpass.getuser(), help="who carries it out (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Forget the person, and say how much there was."""
        kind = PersonKey.PHONE if options["phone"] else PersonKey.CPF
        try:
            done = privacy.erase(
                kind, options[kind.value], requested_by=options["requested_by"], done_by=options["done_by"]
            )
        except ValidationError as error:
            raise CommandError(f"--{kind.value}: {' '.join(error.messages)}", returncode=2) from error
        if options["format"] == "json":
            told = {"event": "erased", "erasure": done.pk, "payments": done.payments, "deliveries": done.deliveries}
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(f"Erasure {done.pk}: {done.payments} payments, {done.deliveries} deliveries.")
