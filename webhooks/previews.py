"""What customers would read: each gateway's text filled in with an example, its segments and its price."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from webhooks import gateways
from webhooks.models import Payment
from webhooks.texts import fill_in, reais, segments, template_of, unusual_letters

PIX_CODE = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d3-a456-426655440000520400005303986540599.905802BR5913LOJA EXEMPLO"
    "6009SAO PAULO62070503***6304E2CA"
)


@dataclasses.dataclass(frozen=True)
class Preview:
    """A text as one customer reads it; `error` instead if the template cannot be filled in."""

    gateway: str
    template: str
    number: int = 1
    text: str = ""
    error: str = ""

    @property
    def title(self) -> str:
        """Return whose text it is, and of which reminder."""
        further = _("{gateway}, reminder {number}").format(gateway=self.gateway, number=self.number)
        return further if self.number > 1 else self.gateway

    @property
    def segments(self) -> int:
        """Return how many SMS it is paid for as."""
        return segments(self.text)

    @property
    def unusual(self) -> str:
        """Return the letters that make a segment shorter."""
        return " ".join(unusual_letters(self.text))

    @property
    def price(self) -> str:
        """Return what it costs; nothing if nobody has said what a segment does."""
        cost: Decimal | None = settings.SMS_PRICE
        return "" if cost is None else reais(round(cost * self.segments * 100))


def all_previews() -> list[Preview]:
    """Return the text of each gateway and reminder."""
    return [
        preview(gateway=name, label=label, template=template_of(name, number), number=number)
        for name, label in gateways.choices()
        for number in range(1, settings.SMS_REMINDERS + 1)
    ]


def preview(*, template: str, gateway: str = "", label: str = "", number: int = 1) -> Preview:
    """Fill a template in."""
    example = Payment(
        gateway=gateway or next(iter(gateways.names()), ""), gateway_id="gp_7f3a9c21", external_id="pedido-1042",
        customer_name="Ana Souza", amount=9990, pix_code=PIX_CODE,
    )  # fmt: skip
    try:
        return Preview(label, template, number, text=fill_in(template, example))
    except (LookupError, ValueError, AttributeError) as error:
        return Preview(label, template, number, error=repr(error))
