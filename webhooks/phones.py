"""Phone numbers: from whatever a gateway sends to E.164, who of them may be written to, and what a log may show."""

from __future__ import annotations

from collections.abc import Iterator

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumbers import PhoneNumber, PhoneNumberType

COUNTRY = "BR"
"""Where a number without a country code is from."""

MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
"""The second is of countries, such as the USA, whose numbers do not tell."""

KINDS = {
    PhoneNumberType.FIXED_LINE: gettext_lazy("a landline"),
    PhoneNumberType.TOLL_FREE: gettext_lazy("a free-call number"),
    PhoneNumberType.PREMIUM_RATE: gettext_lazy("a premium-rate number"),
    PhoneNumberType.SHARED_COST: gettext_lazy("a shared-cost number"),
    PhoneNumberType.VOIP: gettext_lazy("an internet telephone"),
}


def to_e164(number: str) -> str:
    """Return the number in E.164, or an empty text if there is no such number."""
    return next((_e164(found) for found in _readings(number) if phonenumbers.is_valid_number(found)), "")


def obstacle(phone: str) -> str:
    """Return why no SMS may go to a number, in E.164; an empty text if one may."""
    if not phone:
        return _("There is no phone number.")
    parsed = phonenumbers.parse(phone)
    country = phonenumbers.region_code_for_number(parsed)
    if country not in settings.SMS_COUNTRIES:
        told = _("The phone number is of {country}; SMS go to {countries} only.")
        return told.format(country=country or _("no country"), countries=", ".join(settings.SMS_COUNTRIES))
    kind = phonenumbers.number_type(parsed)
    if kind in MOBILE:
        return ""
    return _("The phone number is {kind}.").format(kind=KINDS.get(kind, _("no mobile phone")))


def mask(phone: str) -> str:
    """Hide the middle of a number: `+55119…7766`."""
    return f"{phone[:6]}…{phone[-4:]}" if len(phone) > 10 else "…" * bool(phone)


def _readings(number: str) -> Iterator[PhoneNumber]:
    # Gateways also send "5511999887766": with its length, only the country code can be what comes first.
    # Others write the international prefix, "005511999887766".
    for candidate in (number, f"+{number.strip()}", f"+{number.strip().removeprefix('00')}"):
        try:
            parsed = phonenumbers.parse(candidate, COUNTRY)
        except phonenumbers.NumberParseException:
            continue
        yield parsed
        yield from _with_ninth_digit(parsed)


def _with_ninth_digit(parsed: PhoneNumber) -> Iterator[PhoneNumber]:
    """Give a Brazilian mobile number of before 2016 the 9 that has followed its area code since.

    Only where it makes a mobile number of what is none: a landline's number has as many digits.
    """
    area, subscriber = divmod(parsed.national_number or 0, 10**8)
    if parsed.country_code != 55 or not 11 <= area <= 99 or phonenumbers.is_valid_number(parsed):
        return
    mended = PhoneNumber(country_code=55, national_number=area * 10**9 + 9 * 10**8 + subscriber)
    if phonenumbers.number_type(mended) == PhoneNumberType.MOBILE:
        yield mended


def _e164(number: PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
