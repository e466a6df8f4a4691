"""What to try on a service that `make run` has started: `python -m tools.trial paid|morning|opt-out`.

Each makes a payment of its own, and says what has become of its SMS. The panel shows all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tools.run_folder import RunFolder
from tools.servers import HOST

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "tests/fixtures/ghostpay-pix-pending.json"
MORNING = "07:00-07:01"
"""Hours of which hardly anybody's clock is in the middle."""


class Trial:
    """A payment that nobody has heard of, of a customer with a phone of their own."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        number = random.randrange(10**7)  # noqa: S311 # which phone it is does not matter
        self.identity, self.phone = f"gp_{number:07}", f"1198{number:07}"
        example = json.loads(EXAMPLE.read_text())
        customer = example["customer"] | {"phone": self.phone}
        self.payload = example | {"paymentId": self.identity, "externalId": f"pedido-{number:07}", "customer": customer}

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the service with every secret that it knows."""
        request = urllib.request.Request(  # our own address
            f"http://{HOST}:{self.values['PORT']}/api/webhooks/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.values['AUTO_MIGRATE_TOKEN']}",
                "X-Webhook-Secret": self.values["GHOSTPAY_WEBHOOK_SECRET"],
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 # likewise
            return json.load(answer)

    def paid(self) -> str:
        """Leave a payment waiting, and make it before its SMS."""
        self.call("ghostpay/", self.payload)
        self.call("ghostpay/", self.payload | {"status": "APPROVED", "updatedAt": "2026-11-22T14:01:00Z"})
        return "It was paid before its SMS."

    def morning(self) -> str:
        """Take a delivery in as the service does by night: with hours that it is not."""
        os.environ.update(self.values | {"SMS_HOURS": MORNING, "SMS_SATURDAY_HOURS": MORNING, "LOG_LEVEL": "ERROR"})
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")
        import django

        django.setup()
        from webhooks import deliveries

        deliveries.take_in("ghostpay", json.dumps(self.payload).encode())
        return "It came when nobody is written to."

    def opt_out(self) -> str:
        """Have a phone want no SMS, and leave a payment of its waiting."""
        self.call("opt-outs/", {"phone": self.phone})
        self.call("ghostpay/", self.payload)
        return "Its phone wants no SMS, which is asked when the SMS is due."

    def outcome(self) -> str:
        """Return what has become of the SMS so far."""
        [sms] = self.call(f"sms-logs/?payment={self.identity}")["results"]
        return f"its SMS is {sms['status']}, due at {sms['due_at']}. {sms['error']}".strip()


def main() -> int:
    """Carry one trial out; return the exit code."""
    trials = {"paid": Trial.paid, "morning": Trial.morning, "opt-out": Trial.opt_out}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", choices=trials)
    chosen = parser.parse_args().trial
    folder = RunFolder(ROOT / ".run")
    if not folder.values.exists():
        sys.stdout.write("✖ There is no service to try it on. Type: make run\n")
        return 1
    trial = Trial(folder.load())
    try:
        told = trials[chosen](trial)
        outcome = trial.outcome()
    except OSError as error:
        sys.stdout.write(f"✖ The service does not answer ({error}). Type, in another terminal: make run\n")
        return 1
    panel = f"http://{HOST}:{trial.values['PORT']}/panel/"
    sys.stdout.write(f"{told} Payment {trial.identity}: {outcome}\nThe panel shows it: {panel}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
