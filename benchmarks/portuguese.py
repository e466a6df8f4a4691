"""What commands write into the documents, in Portuguese: sentences and cells are looked up, numbers written its way.

A `{}` stands for what changes from run to run: numbers, and the names and versions of what was measured; `{n}` for a
number, `{server}` for a server with its version, and `{raw}` for what stays as it is, such as what a program printed.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

OVERVIEW = Path(__file__).resolve().parent.parent / "docs" / "hazards" / "README.pt-BR.md"

SENTENCES = {
    "{server}, {n} cores (load {n}), {}, Python {n}.": "{server}, {n} núcleos (carga {n}), {}, Python {n}.",
    "{}, {n} runs of each.": "{}, execuções de cada: {n}.",
    "{}, {n} run(s) of each.": "{}, execuções de cada: {n}.",
    "{} of {} estimates ({}%) lie within a factor of {}.": (
        "{} de {} estimativas ({}%) erram por um fator de {} no máximo."
    ),
    # Nothing to do.
    "`auto_migrate` with nothing to do, in proportion, of a release that was there before unless it says so:": (
        "`auto_migrate` sem nada a fazer, em proporção, de uma versão que já estava lá se nada mais se diz:"
    ),
    "A project whose package brings receivers of its own, seconds of processor time:": (
        "Um projeto cujo pacote traz receptores próprios, segundos de processador:"
    ),
    "Seconds of processor time, median (least to most):": "Segundos de processador, mediana (menor a maior):",
    "Seconds by the clock:": "Segundos pelo relógio:",
    "A thousand migrations more, with the {} models that they make, cost: {}": (
        "Mil migrações a mais, com os {} modelos que elas criam, custam: {}"
    ),
    "Pods that start at the same time, {} migrations; processor time for each pod:": (
        "Pods que iniciam ao mesmo tempo, {} migrações; tempo de processador de cada pod:"
    ),
    "Databases; processor time for all, `auto_migrate --all-databases` beside one `migrate` for each:": (
        "Bancos de dados; tempo de processador para todos, `auto_migrate --all-databases` ao lado de um `migrate` para "
        "cada:"
    ),
    "{}. {} migrations a schema.": "{}. {} migrações por schema.",
    "≈ stands for what {} of the schemas took the others, multiplied.": (
        "≈ marca o que {} dos schemas levaram com os outros, multiplicado."
    ),
    # From nothing.
    "How many times faster than `migrate` without this app, median (least to most), peak memory in proportion": (
        "Quantas vezes mais rápido que o `migrate` sem este app, mediana (menor a maior), pico de memória em proporção"
    ),
    "(the worst), and seconds by the clock:": "(o pior), e segundos pelo relógio:",
    "A thousand migrations more, on the way from {} to {}, cost: {}": (
        "Mil migrações a mais, no caminho de {} até {}, custam: {}"
    ),
    "Public packages, each with the apps of Django that it needs:": (
        "Pacotes públicos, cada um com os apps do Django de que precisa:"
    ),
    "{}. {} rows, {} runs of each in turn, medians; `target_seconds` {}.": (
        "{}. {} linhas, {} execuções de cada por turnos, medianas; `target_seconds` {}."
    ),
    # Plans.
    "`assess_migrations`, in proportion:": "`assess_migrations`, em proporção:",
    "{}: {} of {} migrations are refused, {} %.": "{}: {} de {} migrações são recusadas, {} %.",
    "Not measured with this code yet: {raw}.": "Ainda não medidos com este código: {raw}.",
    "{}, {} rows, {}. Within a factor of {}: {} of {}.": "{}, {} linhas, {}. Até um fator de {}: {} de {}.",
    # Under traffic.
    (
        "{}, {} rows, {} clients that read and write them, {}. Longest statement of the traffic, and how long the "
        "command took:"
    ): (
        "{}, {} linhas, {} clientes que as leem e escrevem, {}. O comando mais demorado do tráfego, e quanto levou o "
        "comando medido:"
    ),
    (
        "{}, {} rows, one session that writes them one by one, {}, `LOCK_BUDGET` {}. Longest write, and how long the "
        "command took:"
    ): (
        "{}, {} linhas, uma sessão que as escreve uma a uma, {}, `LOCK_BUDGET` {}. A escrita mais demorada, e quanto "
        "levou o comando medido:"
    ),
    "{}, {} clients, {}.": "{}, {} clientes, {}.",
    "One transaction stays open for {} s:": "Uma transação fica aberta por {} s:",
    "Three sessions whose transactions of {} to {} s never leave a gap:": (
        "Três sessões cujas transações de {} a {} s nunca deixam uma brecha:"
    ),
    "{}, seconds of the server's processor time.": "{}, segundos de processador do servidor.",
    # The service.
    "{}, gunicorn with {} sync workers, {} migrations, all": "{}, gunicorn com {} workers sync, {} migrações, todas",
    "applied. Queries and connections are those of one worker in a second.": (
        "aplicadas. Consultas e conexões são as de um worker em um segundo."
    ),
    "With `CONN_MAX_AGE = 0`:": "Com `CONN_MAX_AGE = 0`:",
    (
        "{}, {} rows, {}, gunicorn with {} sync workers. With {} viewers the run took {} times as long as without. "
        "They asked {} times a second; {} % of the answers were 304."
    ): (
        "{}, {} linhas, {}, gunicorn com {} workers sync. Com {} espectadores a execução levou {} vezes o que leva sem "
        "eles. Eles perguntaram {} vezes por segundo; {} % das respostas foram 304."
    ),
    "{} without fsync, {}, gunicorn as it is deployed, {} clients.": (
        "{} sem fsync, {}, gunicorn como é implantado, {} clientes."
    ),
    "What the database is asked:": "O que se pergunta ao banco de dados:",
    "{}, {} payments of a year, {}.": "{}, {} pagamentos de um ano, {}.",
    # Packages.
    "{}: {} of {} identical ({} on empty tables alone), {} migrations in all.": (
        "{}: {} de {} idênticos ({} só com tabelas vazias), {} migrações ao todo."
    ),
    "What is different, or could not be compared on filled tables:": (
        "O que é diferente, ou não se pôde comparar com tabelas cheias:"
    ),
    "Looked at, and not to be had here, or not migrated by stock `migrate` either:": (
        "Examinados, e que não se obtêm aqui, ou que nem o `migrate` do Django migra:"
    ),
    "Not examined with this code yet: {raw}.": "Ainda não examinados com este código: {raw}.",
}
CELLS = {
    "migrations": "migrações",
    "to `{}`": "em relação a `{}`",
    "to django-migration-linter": "em relação ao django-migration-linter",
    "a new release, to `{}`": "uma nova versão, em relação a `{}`",
    "a new release that a receiver of the project hears of": (
        "uma nova versão de que um receptor do projeto fica sabendo"
    ),
    "with a receiver of the project's own": "com um receptor do próprio projeto",
    "after `migrate`": "depois do `migrate`",
    "after `migrate`, to `{}`": "depois do `migrate`, em relação a `{}`",
    "`migrate` with the app, to without": "`migrate` com o app, em relação a sem ele",
    "project": "projeto",
    "more than `shell -c pass`": "a mais que `shell -c pass`",
    "to `sqlmigrate` of each": "em relação ao `sqlmigrate` de cada uma",
    "`sqlmigrate` of each": "`sqlmigrate` de cada uma",
    "a new release": "uma nova versão",
    "pods": "pods",
    "databases": "bancos de dados",
    "schemas": "schemas",
    "to the second": "em relação ao segundo",
    "to the third": "em relação ao terceiro",
    "more than a shell": "a mais que um shell",
    "memory": "memória",
    "nothing to do": "nada a fazer",
    "one column": "uma coluna",
    "{}: × by the clock": "{}: × pelo relógio",
    "{}: × of the processor": "{}: × do processador",
    "{}: memory to stock": "{}: memória em relação ao Django",
    "seconds: stock / ours / with the app": "segundos: Django / nosso / com o app",
    "package": "pacote",
    "backfill, rows a second": "preenchimento, linhas por segundo",
    "bare UPDATEs": "só UPDATEs",
    "ratio": "razão",
    "longest transaction": "transação mais longa",
    "refused": "recusa",
    "for": "por",
    "such as": "como",
    "Django's `migrate`": "`migrate` do Django",
    "no migration": "nenhuma migração",
    "AddIndex, two": "AddIndex, dois",
    "AddConstraint: check, unique deferrable, unique with a condition": (
        "AddConstraint: check, unique adiável, unique com condição"
    ),
    "RemoveConstraint, three": "RemoveConstraint, três",
    "unique_together, two": "unique_together, dois",
    "unique_together, one for another": "unique_together, um por outro",
    "AddField: index, unique, ForeignKey, OneToOne, default": (
        "AddField: índice, unique, ForeignKey, OneToOne, valor padrão"
    ),
    "AddField with a volatile db_default": "AddField com um db_default volátil",
    "AddField with a default": "AddField com um valor padrão",
    "AddField: ManyToMany": "AddField: ManyToMany",
    "AddField: nullable ForeignKey": "AddField: ForeignKey que aceita NULL",
    "AlterField: db_index, unique": "AlterField: db_index, unique",
    "AlterField: index and unique off, unique to index": "AlterField: sem índice e sem unique, de unique a índice",
    "AlterField: ForeignKey": "AlterField: ForeignKey",
    "AlterField: NOT NULL, with and without a default": "AlterField: NOT NULL, com e sem valor padrão",
    "AlterField: NOT NULL to null": "AlterField: de NOT NULL a null",
    "AlterField: integer to bigint": "AlterField: de integer a bigint",
    "AlterField: types that need no rewrite": "AlterField: tipos que não reescrevem a tabela",
    "RemoveField and DeleteModel with foreign keys": "RemoveField e DeleteModel com chaves estrangeiras",
    "AddIndex": "AddIndex",
    "RemoveIndex": "RemoveIndex",
    "schema at the end": "schema no fim",
    "as Django's": "como o do Django",
    "differs": "difere",
    "rehearsal": "ensaio",
    "seconds of processor time, the server's included": "segundos de processador, os do servidor incluídos",
    "the plan alone": "só o plano",
    "with {} statements, of which {} could not go on": "com {} comandos, dos quais {} não poderiam continuar",
    "the statements": "os comandos",
    "work": "trabalho",
    "rows are": "linhas",
    "rows": "número de linhas",
    "seconds": "segundos",
    "estimated": "estimado",
    "narrow": "estreitas",
    "medium": "médias",
    "wide": "largas",
    "narrow, two indexes": "estreitas, dois índices",
    "scan: SET NOT NULL": "leitura: SET NOT NULL",
    "scan: CHECK": "leitura: CHECK",
    "scan: foreign key": "leitura: chave estrangeira",
    "index: integer": "índice: integer",
    "index: text": "índice: text",
    "index: unique": "índice: unique",
    "rewrite: type": "reescrita: tipo",
    "rewrite: column": "reescrita: coluna",
    "rewrite: VACUUM FULL": "reescrita: VACUUM FULL",
    "copy: type": "cópia: tipo",
    "copy: CHECK": "cópia: CHECK",
    "in place: FORCE": "no lugar: FORCE",
    "in place: NOT NULL": "no lugar: NOT NULL",
    "plan": "plano",
    "foreseen": "previsto",
    "took": "levou",
    "took to foreseen": "levou em relação ao previsto",
    "basis": "base",
    "learned": "aprendido",
    "history": "histórico",
    "sizes": "tamanhos",
    "rate to the empty view": "taxa em relação à view vazia",
    "rate to the bare view": "taxa em relação à view simples",
    "requests a second": "requisições por segundo",
    "processor a request": "processador por requisição",
    "queries": "consultas",
    "connections": "conexões",
    "an empty view": "uma view vazia",
    "`MigrationExecutor` built for each request": "`MigrationExecutor` montado a cada requisição",
    "{} with its migrations check": "{} com o seu check de migrações",
    "a request": "uma requisição",
    "processor of the web": "processador do web",
    "to the empty view": "em relação à view vazia",
    "one of {} viewers beside the run": "uma de {} espectadores ao lado da execução",
    "nothing has moved (304)": "nada se moveu (304)",
    "all of the page": "a página inteira",
    "a bare view with one INSERT": "uma view simples com um INSERT",
    "a new PIX payment": "um pagamento PIX novo",
    "a delivery that has come before": "uma entrega que já tinha vindo",
    "delivery": "entrega",
    "statements": "comandos",
    "the same again": "a mesma de novo",
    "it is paid": "foi pago",
    "what the page and support ask for": "o que a página e o suporte pedem",
    "median": "mediana",
    "slowest": "mais lento",
    "recovered today, in {} and {} days, and on each of them": "recuperado hoje, em {} e {} dias, e em cada um deles",
    "SMS that wait": "SMS que esperam",
    "deliveries by hour": "entregas por hora",
    "the last delivery of each gateway": "a última entrega de cada gateway",
    "dead letters": "entregas não processadas",
    "SMS by outcome": "SMS por resultado",
    "a phone, searched for in the admin": "um telefone, procurado no admin",
    "an order, searched for in the admin": "um pedido, procurado no admin",
    "all of it": "tudo isso",
    "longest statement": "comando mais demorado",
    "without a migration": "sem uma migração",
    "landed after its end": "concluído depois do fim dela",
    "landed after": "concluído depois de",
    "`migrate`, `lock_timeout` {} s, retried": "`migrate`, `lock_timeout` {} s, com novas tentativas",
    "django-pg-zero-downtime-migrations, lock timeout {} s, retried": (
        "django-pg-zero-downtime-migrations, lock timeout {} s, com novas tentativas"
    ),
    "killed at": "morto em",
    "right": "certos",
    "share": "parcela",
    "tables": "tabelas",
    "views": "views",
    "triggers": "gatilhos",
    "outcome": "resultado",
    "reason": "razão",
    "identical": "idêntico",
    "identical on empty tables": "idêntico com tabelas vazias",
    "different": "diferente",
    "step": "etapa",
    "output": "saída",
    "installation": "instalação",
    "loading": "carga",
    "`--check` before": "`--check` antes",
    "`--check` after": "`--check` depois",
    "`auto_migrate` again": "`auto_migrate` de novo",
    "`migrate` with the app": "`migrate` com o app",
    "`migrate`, on filled tables": "`migrate`, com tabelas cheias",
    "`auto_migrate`, `ONLINE=always`, on filled tables": "`auto_migrate`, `ONLINE=always`, com tabelas cheias",
    "seconds of processor time by migrations": "segundos de processador por migrações",
    "seconds of processor time by pods": "segundos de processador por pods",
    "seconds of processor time by databases": "segundos de processador por bancos de dados",
    "seconds by migrations": "segundos por migrações",
}
# What stands where a `{}` does.
PARTS = {
    r"\bcores\b": "núcleos",
    r"\(load ": "(carga ",
    r"(?<=\d) to (?=\d)": " a ",
    r"\ba new release that a receiver of the project hears of\b": (
        "uma nova versão de que um receptor do projeto fica sabendo"
    ),
    r"\ba new release\b": "uma nova versão",
    r"\bafter (?=`migrate`)": "depois do ",
    r"\bwith the app\b": "com o app",
}
# The version of a program stays as it is.
NUMBER = re.compile(
    r"(?P<program>(?:PostgreSQL|MariaDB|MySQL|Python|Django|django-[\w-]+) )?"
    r"(?<![\w.=])(?P<number>\d[\d.,]*\d|\d)(?![\w=])"
)
AS_WRITTEN_THERE = str.maketrans(".,", ",.")
# What programs are told and say.
CODE = re.compile(r"`[^`]+`(?:, `[^`]+`)*")
# What is the same in any language: packages with their versions, names of migrations, and numbers.
AMOUNT = r"(?:≈ )?[-+]?\d[\d.,]*(?: (?:s|ms|MiB|%))?"
NEUTRAL = re.compile(
    r"[\w\[\],-]+==[\w.]+(?:, [\w\[\],-]+==[\w.]+)*"
    r"|\w+\.\d{4}_\w+(?:, \w+\.\d{4}_\w+)*"
    r"|\d+ AM\d{3}(?:, \d+ AM\d{3})*"
    r"|[a-z]+(?:-[a-z\d]+)+|wagtail|wiki|PostgreSQL|MariaDB|[–×]"
    rf"|{AMOUNT}(?:(?: / |, | to | \(){AMOUNT})*\)?"
)
PICTURE = re.compile(r"!\[(?P<text>.*)\]\((?P<path>.*)\)")
TITLE = re.compile(r"^\| \[(AM\d{3})\]\(\1\.pt-BR\.md\) \| (.+?) \|", re.MULTILINE)
CELL = re.compile(r"(?<!\\)\|")
PLACE = re.compile(r"\{\w*\}")
# What each kind of place takes; in none of them a sentence ends, unless it is raw.
PLACES = {
    "{}": r"((?:(?!\. ).)+?)",
    "{n}": r"(\d[\d.,]*)",
    "{server}": r"((?:PostgreSQL|MariaDB) [\d.]+)",
    "{raw}": "(.+)",
}


def in_portuguese(text: str) -> str:
    """Return what a command has written, translated as far as it is known."""
    return "\n".join(line_in_portuguese(line) or line for line in text.split("\n"))


def unknown(text: str) -> Iterator[str]:
    """Return the sentences and cells that nobody has translated."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield from (cell for cell in cells(line) if cell_in_portuguese(cell) is None)
        elif line_in_portuguese(line) is None:
            yield line


def line_in_portuguese(line: str) -> str | None:
    """Return a line in Portuguese, with the cells of a row that are known; None if it is not known."""
    if line.startswith("|"):
        return f"| {' | '.join(cell_in_portuguese(cell) or cell for cell in cells(line))} |"
    if picture := PICTURE.fullmatch(line):
        text = look_up(picture["text"], CELLS)
        return None if text is None else f"![{text}]({picture['path']})"
    return look_up(line, SENTENCES) if line else ""


def cells(row: str) -> list[str]:
    """Return the cells of a row."""
    return [cell.strip() for cell in CELL.split(row.strip())[1:-1]]


def cell_in_portuguese(cell: str) -> str | None:
    """Return a cell in Portuguese, None if it is not known."""
    code = cell.partition(" ")[0]
    if code in titles():
        return f"{code} {titles()[code]}"
    if not cell or set(cell) == {"-"} or CODE.fullmatch(cell):
        return cell
    found = look_up(cell, CELLS)
    return part_in_portuguese(cell) if found is None and NEUTRAL.fullmatch(cell) else found


def look_up(text: str, phrases: Mapping[str, str]) -> str | None:
    """Return the translation of a text, with what changes from run to run in its places."""
    if text in phrases:
        return phrases[text]
    for phrase, translation in phrases.items():
        if "{" in phrase and (found := pattern_of(phrase).fullmatch(text)):
            places = zip(PLACE.findall(phrase), found.groups(), strict=True)
            parts = (one if place == "{raw}" else part_in_portuguese(one) for place, one in places)
            return fill(translation, parts)
    return None


def fill(translation: str, parts: Iterable[str]) -> str:
    """Return a translation with its places filled, in the order of the phrase."""
    rest = iter(parts)
    return PLACE.sub(lambda _place: next(rest), translation)


@functools.cache
def pattern_of(phrase: str) -> re.Pattern[str]:
    """Return what a phrase with places matches."""
    between = map(re.escape, PLACE.split(phrase))
    places = [PLACES[place] for place in PLACE.findall(phrase)]
    return re.compile("".join(itertools.chain.from_iterable(itertools.zip_longest(between, places, fillvalue=""))))


def part_in_portuguese(text: str) -> str:
    """Return what stands in a place, with numbers as Portuguese writes them."""
    for pattern, translation in PARTS.items():
        text = re.sub(pattern, translation, text)

    def swap(found: re.Match[str]) -> str:
        is_version = found["program"] or found["number"].count(".") > 1
        return found[0] if is_version else found["number"].translate(AS_WRITTEN_THERE)

    return NUMBER.sub(swap, text)


@functools.cache
def titles() -> Mapping[str, str]:
    """Return the title of each hazard, by its code."""
    return dict(TITLE.findall(OVERVIEW.read_text("utf-8")))
