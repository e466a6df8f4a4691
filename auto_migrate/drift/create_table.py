"""What a CREATE statement of SQLite says, which keeps its text and tells some of it nowhere else.

The grammar is that of https://www.sqlite.org/lang_createtable.html; what stands in `sqlite_master` has been parsed by
SQLite already. What has no name here ends up in a rule with all of its words, so that nothing passes for the same
that is not.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from auto_migrate.drift.table_shape import Column, TableConstraint, TableShape

TOKEN = re.compile(
    r"""(?P<nothing>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
      | (?P<word>[\w$]+)
      | (?P<sign>->>|->|\|\||<<|>>|<=|>=|==|!=|<>|.)""",
    re.VERBOSE | re.DOTALL,
)
# A part of a table's body that begins with one of these is no column.
OF_TABLE = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
# Where a clause of a column or of a constraint begins.
CLAUSES = OF_TABLE | {"NOT", "NULL", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"}
# What follows one of these belongs to it: NOT NULL, ON DELETE SET DEFAULT, DEFAULT NULL, GENERATED ALWAYS AS.
LEADS = frozenset({"NOT", "SET", "DEFAULT", "ALWAYS"})


@dataclasses.dataclass(frozen=True)
class Lexeme:
    """A word, name, literal or sign; `name` is the unquoted text of what may be a name, None for all else."""

    text: str
    name: str | None
    is_quoted: bool = False

    @property
    def keyword(self) -> str:
        """The word in capitals, as which a keyword is known; empty for a quoted name, which is none."""
        return "" if self.is_quoted else self.text.upper()


def tokens_of(sql: str) -> list[Lexeme]:
    """Return all tokens but white space and comments."""
    return [
        _token(found.group(), found.lastgroup or "") for found in TOKEN.finditer(sql) if found.lastgroup != "nothing"
    ]


def _token(text: str, kind: str) -> Lexeme:
    if kind == "quoted":
        end = text[-1]
        return Lexeme(text, text[1:-1].replace(end * 2, end) if end != "]" else text[1:-1], is_quoted=True)
    return Lexeme(text, text if kind == "word" else None)


def parse_table(name: str, sql: str) -> TableShape:
    """Return what a CREATE TABLE makes, its indexes left out."""
    tokens = tokens_of(sql)
    start = next(number for number, token in enumerate(tokens) if token.text == "(")
    body, rest = _enclosed(tokens, start)
    parts = list(_split(body))
    declared = [part for part in parts if part[0].keyword not in OF_TABLE]
    writer = Writer([part[0].name or part[0].text for part in declared])
    columns, rules = {}, []
    for part in declared:
        column, own = writer.column(part)
        columns[column.name] = column
        rules += own
    for part in parts:
        if part[0].keyword in OF_TABLE:
            rules += writer.rules(part)
    # STRICT, WITHOUT ROWID.
    rules += [TableConstraint("c", "", writer.text(option)) for option in _split(tokens[rest:])]
    return TableShape(name, columns, tuple(rules))


def parse_index(name: str, sql: str, columns: Sequence[str]) -> TableConstraint:
    """Return what a CREATE INDEX makes on a table with these columns."""
    tokens = tokens_of(sql)
    start = next(number for number, token in enumerate(tokens) if token.text == "(")
    writer = Writer(columns)
    unique = "UNIQUE " if tokens[1].keyword == "UNIQUE" else ""
    keys, _rest = _enclosed(tokens, start)
    return TableConstraint("i", name, unique + writer.text(tokens[start:]), writer.named(keys))


class Writer:
    """Writes clauses of one table in one way, however they were quoted and spaced."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = {name.lower(): name for name in columns}

    def text(self, tokens: Sequence[Lexeme]) -> str:
        """Return tokens as text: names of columns as they are declared, bare words in capitals."""
        text = before = ""
        for token in tokens:
            gap = "" if before in {"", "("} or token.text in {",", ")"} else " "
            text += gap + self._word(token, is_table=before.upper() == "REFERENCES")
            before = token.text
        return text

    def _word(self, token: Lexeme, *, is_table: bool = False) -> str:
        if token.name is None:
            return token.text
        name = token.name if is_table else self.columns.get(token.name.lower())
        if name is None and not token.is_quoted:
            return token.keyword
        return '"{}"'.format((name or token.name).replace('"', '""'))

    def named(self, tokens: Sequence[Lexeme]) -> tuple[str, ...]:
        """Return the columns that are named, in order."""
        names = (self.columns.get(token.name.lower()) for token in tokens if token.name is not None)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def column(self, tokens: Sequence[Lexeme]) -> tuple[Column, list[TableConstraint]]:
        """Return a column with the constraints that it is declared with."""
        name = tokens[0].name or tokens[0].text
        first = next((number for number, token in enumerate(tokens[1:], 1) if token.keyword in CLAUSES), len(tokens))
        # varchar(9), integer unsigned
        kind = re.sub(r" ?([(),]) ?", r"\1", " ".join(token.text.lower() for token in tokens[1:first]))
        column, rules = Column(name, kind, not_null=False), []
        for given, clause in _named_clauses(tokens[first:]):
            words = tuple(token.keyword for token in clause)
            match words:
                case ("NULL",):
                    continue
                case ("NOT", "NULL"):
                    column = dataclasses.replace(column, not_null=True)
                case ("DEFAULT", *_value):
                    column = dataclasses.replace(column, default=self.text(clause[1:]))
                case ("COLLATE", _name):
                    column = dataclasses.replace(column, collation=str(clause[1].name).upper())
                case ("GENERATED", "ALWAYS", "AS", *_expression) | ("AS", *_expression):
                    kept = "" if words[-1] in {"STORED", "VIRTUAL"} else " VIRTUAL"
                    column = dataclasses.replace(column, generated=self.text(clause[words.index("AS") + 1 :]) + kept)
                case ("PRIMARY", "KEY", *_order, "AUTOINCREMENT"):
                    column = dataclasses.replace(column, identity="AUTOINCREMENT")
                    rules.append(self.rule(given, clause[:-1], (name,)))
                case _:
                    rules.append(self.rule(given, clause, (name,)))
        return column, rules

    def rules(self, tokens: Sequence[Lexeme]) -> Iterator[TableConstraint]:
        """Return the constraints of a part of the table's body; commas between them may have been left out."""
        for given, clause in _named_clauses(tokens):
            yield self.rule(given, clause, ())

    def rule(self, name: str, clause: Sequence[Lexeme], of: tuple[str, ...]) -> TableConstraint:
        """Return a constraint, one of the column `of` as the table's would be that says the same."""
        keys = "({})".format(", ".join(self._word(Lexeme(column, column, is_quoted=True)) for column in of))
        match clause[0].keyword:
            case "PRIMARY" | "FOREIGN" | "UNIQUE" as word:
                kind = {"PRIMARY": "p", "FOREIGN": "f", "UNIQUE": "u"}[word]
                lead, rest = (word, clause[1:]) if kind == "u" else (f"{word} KEY", clause[2:])
                text = " ".join(filter(None, (lead, keys if of else "", self.text(rest))))
                return TableConstraint(kind, name, text, of or self.named(_enclosed(rest, 0)[0]))
            case "REFERENCES":
                return TableConstraint("f", name, f"FOREIGN KEY {keys} {self.text(clause)}", of)
        return TableConstraint("c", name, self.text(clause), self.named(clause) or of)


def _named_clauses(tokens: Sequence[Lexeme]) -> Iterator[tuple[str, Sequence[Lexeme]]]:
    """Return clauses with the names of their constraints, empty where there is none."""
    for clause in _clauses(tokens):
        if clause[0].keyword != "CONSTRAINT":
            yield "", clause
        elif clause[2:]:
            yield clause[1].name or clause[1].text, clause[2:]


def _clauses(tokens: Sequence[Lexeme]) -> Iterator[list[Lexeme]]:
    """Cut tokens where a clause begins that is in no parentheses and that nothing before it leads."""
    clause: list[Lexeme] = []
    depth = 0
    for number, token in enumerate(tokens):
        if clause and not depth and token.keyword in CLAUSES and not _belongs(clause, tokens[number : number + 2]):
            yield clause
            clause = []
        clause.append(token)
        depth += {"(": 1, ")": -1}.get(token.text, 0)
    if clause:
        yield clause


def _belongs(clause: Sequence[Lexeme], ahead: Sequence[Lexeme]) -> bool:
    """Return whether a word that begins clauses goes on with the one before it."""
    word = ahead[0].keyword
    if word == "NOT":  # of NOT DEFERRABLE
        return ahead[-1].keyword != "NULL"
    if clause[0].keyword == "CONSTRAINT":  # its name, and what it names
        return len(clause) <= 2 or clause[-1].keyword in LEADS or (word, clause[2].keyword) == ("REFERENCES", "FOREIGN")
    return clause[-1].keyword in LEADS or (word, clause[0].keyword) == ("REFERENCES", "FOREIGN")


def _enclosed(tokens: Sequence[Lexeme], start: int) -> tuple[list[Lexeme], int]:
    """Return what is in the parentheses that begin at `start`, and where the rest begins."""
    depth = 0
    for number in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[number].text, 0)
        if not depth:
            return list(tokens[start + 1 : number]), number + 1
    return list(tokens[start + 1 :]), len(tokens)


def _split(tokens: Sequence[Lexeme]) -> Iterator[list[Lexeme]]:
    """Cut tokens at commas that are in no parentheses."""
    part: list[Lexeme] = []
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and not depth:
            yield part
            part = []
        else:
            part.append(token)
    if part:
        yield part
