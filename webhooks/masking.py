"""Hiding what tells who somebody is, wherever it is not needed: phones, e-mail addresses, CPF."""

from __future__ import annotations

import re
from typing import Any

from webhooks.phones import mask

PERSONAL = re.compile(r"(?i)phone|mobile|document|cpf|cnpj|tax_?id|e-?mail|whats")
"""Keys of a payload below which everything is hidden."""
NUMBER = re.compile(r"[\d\s().+/-]{10,25}")
EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def email(address: str) -> str:
    """Hide all of an address but its first letter and where it is: `a…@example.com`."""
    name, at, host = address.partition("@")
    return f"{name[:1]}…{at}{host}" if at else hidden(address)


def hidden(value: object) -> str:
    """Hide a value but its last two characters; a short one wholly."""
    text = str(value)
    return f"…{text[-2:]}" if len(text) > 5 else "…" * bool(text)


def payload(value: Any, *, personal: bool = False) -> Any:
    """Return a payload with whatever is, or looks like, a phone, an e-mail address or a CPF hidden."""
    if isinstance(value, dict):
        return {key: payload(inner, personal=personal or bool(PERSONAL.search(key))) for key, inner in value.items()}
    if isinstance(value, list):
        return [payload(inner, personal=personal) for inner in value]
    if isinstance(value, str):
        return _text(value, personal=personal)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return hidden(value) if personal and is_number else value


def _text(value: str, *, personal: bool) -> str:
    if EMAIL.fullmatch(value):
        return email(value)
    if value.startswith("+") and NUMBER.fullmatch(value):
        return mask(value)
    looks_like_it = NUMBER.fullmatch(value) and sum(letter.isdigit() for letter in value) >= 10
    return hidden(value) if value and (personal or looks_like_it) else value
