"""Who wants no SMS any more: whoever answers so, whoever the provider says so of, whoever an operator enters."""

from __future__ import annotations

import re
import unicodedata

import structlog

from webhooks.models import OptOut
from webhooks.phones import mask
from webhooks.states import OptOutSource

logger = structlog.get_logger(__name__)

WORDS = frozenset({
    "SAIR", "PARE", "PARAR", "CANCELAR", "CANCELA", "CANCELE", "DESCADASTRAR", "DESCADASTRE", "DESCADASTRO", "REMOVER",
    "REMOVA", "REMOVE", "DESINSCREVER", "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE",
})  # fmt: skip
"""What people answer. Twilio knows the English ones alone, and answers those itself."""

SENTENCE = re.compile(r"\bNAO (ME )?(MANDEM?|ENVIEM?|QUERO (MAIS|RECEBER))\b")
"""How people say it who use none of these words: “não quero mais receber”, “não me mande mais”."""


def add(phone: str, source: OptOutSource) -> bool:
    """Remember that the number, in E.164, wants no SMS; return whether that is news."""
    _, is_new = OptOut.objects.get_or_create(phone=phone, defaults={"source": source})
    if is_new:
        logger.info("Opted out", phone=mask(phone), source=str(source))
    return is_new


def is_asked_for(text: str) -> bool:
    """Return whether an answer asks for no more SMS: it begins with such a word, is short and has one, or says so."""
    plain = unicodedata.normalize("NFKD", text.upper()).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Z]+", plain)
    has_word = bool(words) and (words[0] in WORDS or (len(words) <= 3 and not WORDS.isdisjoint(words)))
    return has_word or bool(SENTENCE.search(" ".join(words)))
