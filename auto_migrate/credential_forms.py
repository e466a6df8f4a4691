"""How credentials are told in a text: by the name before them, by the place that they stand in, or by their form.

Each pattern takes time in proportion to the text, whatever the text: nothing is searched for twice, and what may go on
for long is taken at once (`*+`) or has a limit. A text of others must not be able to stop a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# As Django's own error pages write it.
HIDDEN = "********************"

# What a value is called: within a longer name (`DB_PASSWORD_2`), or only as a name of its own.
WITHIN = (
    r"passw(?:or)?d|passphrase|passcode|pwd|secret|token|credential|signature|senha|segredo|session[-_]?id|"
    r"(?:api|access|private|client|auth|signing|sign|encryption|crypt\w{0,8}|fernet|hmac|jwt|master|account|admin|service|"
    r"storage|deploy|license|webhook|stripe|sentry|shared[-_]access|subscription)[-_ ]?key|"
    r"chave[-_ ](?:de[-_ ])?(?:api|acesso|secreta|privada)"
)
# `auth` is an app as well, and stands before a colon.
ALONE = r"pass|auth(?=[\"']?\s?=)|otp|pin"
NAME = rf"(?:(?:{WITHIN})[\w-]{{0,60}}+|(?<![^\W_])(?:{ALONE})(?![^\W_]))"

# A text in quotes, of whichever language: prefixed, with quotes doubled or escaped, or itself within a quoted text.
QUOTED = (
    r"(?:''(?:[^']|'(?!'))++''"
    r"|(?:[A-Za-z]{1,2}|U&)?(?:'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.|\"\")*+\")"
    r"|`[^`]*+`"
    r"|\\{1,8}\".{0,2000}?\\{1,8}\"|\\{1,8}'.{0,2000}?\\{1,8}'"
    r"|\$\w{0,60}\$.{0,2000}?\$\w{0,60}\$)"
)
NESTED = r"(?:[^()]|\((?:[^()]|\([^()]{0,500}+\)){0,500}+\)){0,2000}+"
SEVERAL = rf"(?:\[[^\[\]]{{0,2000}}+\]|\{{[^{{}}]{{0,2000}}+\}}|[A-Za-z_][\w.]{{0,60}}\({NESTED}\)|\({NESTED}\))"
# What was cut before it ended.
OPEN = r"(?:[A-Za-z]{0,2}['\"]|[`\[{(])[^\n]++"
WORD = r"(?:\\.|[^\s,;&'\"`)\]}<>\\])++"
VALUE = rf"(?:{QUOTED}|{SEVERAL}|[>|][-+]?\s*\n\s*[^\n]++|{OPEN}|{WORD})"
IS = r"""(?>(?:\\{0,8}["'])?\]?\s{0,20}(?:=>|:=|==(?!\d)|=(?!=)|:(?!:)|%3[AaDd])\s{0,20})"""
# What our own commands ask of a migration that may be called as a credential is: --resolve shop.0007_token:2=done.
ANSWER = r"(?:\d{1,4}=)?(?:done|redo|reason)(?!\w)"
# "The password for ana was: …"
OF = r"(?:\s{1,3}(?:is|was|for|of|given|used|para|de|do|da|era)\b(?:\s{1,3}[\w.@'\"-]{1,60})?){1,2}"

# What says by its form that it is a key or the hash of a password.
FORMS = (
    r"eyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+)?",
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"AIza[\w-]{30,}",
    r"ya29\.[\w-]{10,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_\w{20,}",
    r"gl(?:pat|dt|rt|soat)-[\w-]{16,}",
    r"xox[a-z]-[\w-]{10,}",
    r"xapp-[\w-]{10,}",
    r"(?:sk|rk|pk|ak)_(?:live|test)_[A-Za-z0-9]{10,}",
    r"sk-[\w-]{16,}",
    r"whsec_[\w+/=-]{16,}",
    r"SG\.[\w-]{10,}+\.[\w-]{10,}",
    r"(?:npm|hf|glsa|dop_v1|shpat|shpss|sntry[su]|lin_api|pul|dapi)_[A-Za-z0-9_]{16,}",
    r"pypi-[\w-]{16,}",
    r"AC[0-9a-f]{32}:[^\s'\",]{8,}",
    r"hvs\.[\w-]{16,}",
    r"(?:APP_USR|TEST)-[0-9]{6,}+-[\w-]{16,}",
    r"(?:pbkdf2|bcrypt|scrypt|argon2)\w{0,20}\$[^\s'\",)]{16,}",
    r"SCRAM-SHA-256\$[^\s'\",)]{16,}",
)
# … which begin with what is no letter.
UNBOUND_FORMS = (r"\$(?:2[abxy]|argon2\w{0,2}|[156y])\$[^\s'\",)]{16,}", r"\$aact_[\w:+/=$-]{16,}")


def _hidden_if_named(found: re.Match[str]) -> str:
    """Hide what columns hold, where one of them is called as a credential is."""
    return f"{found[1]}({HIDDEN})" if re.search(WITHIN, found[1], re.IGNORECASE) else found[0]


# In this order: the first ones take whole what later ones would take a part of.
PATTERNS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    # A key or a certificate's key, also on one line and cut short.
    (
        (
            r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END ).)*+"
            r"(?:-----END [A-Z0-9 ]{0,40}-----|\Z)?"
        ),
        HIDDEN,
    ),
    # scheme://user:password@host; of what calls itself a password, quotes and spaces are part, but of a port.
    (
        (
            r"(?<=://)[^\s'\"<>/@:]{0,200}+:"
            r"(?:[^\s'\"<>]{0,1000}@|(?!\d{1,5}+(?:[\s/,;'\"]|$))[^\n<>@/]{1,200}+@)"
        ),
        f"{HIDDEN}@",
    ),
    # https://token@host: of other schemes, what stands there alone is a role.
    (r"(?i)(?<=https://|.http://)[^\s'\"<>/@:]{1,1000}+@", f"{HIDDEN}@"),
    # The addresses that let everybody in who knows them.
    (r"(?i)(\bhooks\.slack\.com/\w{1,20}/|\bdiscord(?:app)?\.com/api/webhooks/)[^\s'\"<>]++", rf"\1{HIDDEN}"),
    (r"(/bot\d{1,20}:)[\w-]++", rf"\1{HIDDEN}"),
    (r"(?i)([?&](?:key|sig|code|auth|jwt|hash)=)(?!\*{20})[^\s&#'\"<>]++", rf"\1{HIDDEN}"),
    # Authorization: Bearer …, also as a dict or a pair is printed; schemes that go on to the end of the line.
    (
        (
            rf"(?is)(\b(?:proxy-)?authorization\b(?:{IS}|\\{{0,8}}[\"']\s{{0,20}},\s{{0,20}}))(?!\*{{20}}|[\"']\*{{20}})(?:{QUOTED}|"
            r"(?:Digest|AWS4-HMAC-SHA256|OAuth|Hawk|Signature|Token|GNAP|DPoP)\s[^\r\n]++|"
            r"(?:[A-Za-z]{1,40}+(?:\s{1,9}|%20))?[^\s,;'\"}]++)"
        ),
        rf"\1{HIDDEN}",
    ),
    (r"(?i)(\bbearer\s{1,9})(?!<)[\w.~+/=-]{6,}+", rf"\1{HIDDEN}"),
    (rf"(?is)(\b(?:set-)?cookies?\b[\"']?\s{{0,9}}:\s{{0,9}})(?:{QUOTED}|{SEVERAL}|[^\r\n]++)", rf"\1{HIDDEN}"),
    # Key (name, token)=(ana, …): what PostgreSQL says of a row, in whichever language.
    (
        (
            r"(\((?:[^()\n]|\([^()\n]*+\))*+\)=)"
            r"(?:\((?:[^()\n]|\([^()\n]*+\))*+\)(?=[\s.]|$)|\([^\n]*+)"
        ),
        _hidden_if_named,
    ),
    # INSERT INTO … (name, token) VALUES (…)
    (r"(?is)(\([^()]*+\)\s{0,9}VALUES\s{0,9}+)(?=\().++", _hidden_if_named),
    # PASSWORD '…', IDENTIFIED BY '…', IDENTIFIED VIA … USING PASSWORD('…'), OPTIONS (password '…')
    (
        (
            rf"(?is)(\b(?:password|identified\s{{1,9}}(?:(?:with|via)\s{{1,9}}\S{{1,60}}\s{{1,9}})?(?:by|as|using))\s{{1,9}})"
            rf"(?:{QUOTED})"
        ),
        rf"\1{HIDDEN}",
    ),
    (rf"(?is)(\bpassword\s{{0,9}}\()(?:{QUOTED})", rf"\1{HIDDEN}"),
    (rf"(?is)(\bset\s{{1,9}}password\s{{1,9}}for\s[^\n=]{{1,200}}=\s{{0,9}})(?!\*{{20}}){VALUE}", rf"\1{HIDDEN}"),
    # ('password', '…') and ["token", "…"]
    (rf"(?is)(\(\s{{0,9}}'[\w-]{{0,60}}?{NAME}'\s{{0,9}},\s{{0,9}}){QUOTED}(?=\s{{0,9}}\))", rf"\1{HIDDEN}"),
    (rf"(?is)(\[\s{{0,9}}[\"'][\w-]{{0,60}}?{NAME}[\"']\s{{0,9}},\s{{0,9}}){QUOTED}(?=\s{{0,9}}\])", rf"\1{HIDDEN}"),
    # <password>…</password>
    (rf"(?i)(<(?:[\w:-]{{0,60}}?){NAME}(?:\s[^<>]{{0,500}})?>)[^<]++(?=</)", rf"\1{HIDDEN}"),
    # --password …, -u name:…, mysql -p…
    (rf"(?i)((?<!\S)--[\w-]{{0,60}}?{NAME}\s{{1,9}})(?![-\s])(?:{QUOTED}|[^\s'\"]++)", rf"\1{HIDDEN}"),
    (r"((?<!\S)(?:-u|--user|--proxy-user)\s{0,9}[^\s:'\"]{0,200}+:)[^\s'\"]++", rf"\1{HIDDEN}"),
    (r"(\b(?:mysql|mariadb)\w{0,20}\b[^\n]{0,500}?\s-p)[^\s'\"]++", rf"\1{HIDDEN}"),
    # host:port:database:role:… of a .pgpass
    (r"(?m)((?<!\S)[\w.*-]{1,200}+:(?:\d{4,5}|\*):[\w.*-]{1,200}+:[\w.*-]{1,200}+:)[^\s'\"]++", rf"\1{HIDDEN}"),
    # password=…, token: …, "api_key": "…", in connection strings, URLs, JSON and Python alike.
    (rf"(?is)({NAME}(?:{OF})?{IS})(?!\*{{20}}|{ANSWER}){VALUE}", rf"\1{HIDDEN}"),
    (rf"(?<!\w)(?:{'|'.join(FORMS)}|{'|'.join(UNBOUND_FORMS)})", HIDDEN),
)
