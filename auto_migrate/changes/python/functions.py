"""What a function of a migration does with rows and tables, and what of it nobody can follow.

Its source is read, and that of the functions that it calls, two levels deep, as far as they are of the same package or
of the project: how it goes through the rows of models, and which SQL it sends. Nothing is called.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

from auto_migrate.changes.python.call_frame import NOTHING, Frame
from auto_migrate.changes.python.calls import DEEPEST, frame_of, nested, owner_in
from auto_migrate.changes.python.queries import (
    AMBIGUOUS,
    IN_BULK,
    WRITERS,
    WRITES,
    derived_from,
    is_fetched,
    query_of,
    unwrapped,
)
from auto_migrate.changes.python.row_access import Pass, RowAccess
from auto_migrate.changes.python.source import Function, Untold, function_of, is_followed
from auto_migrate.changes.python.texts import HOLE, Texts, as_sql
from auto_migrate.changes.python.vendors import running, sides

SENDING = frozenset({"copy", "copy_expert", "execute", "executemany", "raw"})
# What is given a piece of SQL, and the statement that it becomes.
FORMS = {"RawSQL": "SELECT ({})", "callproc": "SELECT {}()"}
# What is passed to whoever is to write.
HANDLES = _lazy_re_compile(r"(.*_)?(apps|editor|schema_editor|cursor|cur|connection|conn)", re.IGNORECASE)
# What collects rows to be written later.
COLLECTS = frozenset({"append", "add", "extend", "setdefault", "update"})
WRITES_ROWS = _lazy_re_compile(
    r"\s*(WITH\b.*\b)?(COPY|DELETE|INSERT|MERGE|TRUNCATE|UPDATE)\b", re.IGNORECASE | re.DOTALL
)
# A schema editor's methods that change tables.
EDITS = _lazy_re_compile(r"(add|alter|create|delete|remove|rename)_(constraint|db_\w+|field|index|model|unique\w*)")
# A table with something unknown after it, which may say anything.
OPEN = _lazy_re_compile(rf"\b(FROM|JOIN|UPDATE|USING)\s+(ONLY\s+)?[\w.\"{HOLE}]+\s+{HOLE}", re.IGNORECASE)
# Whose functions write what Django itself keeps, in few rows.
TRUSTED = ("django.",)
COMMANDS = frozenset({"call_command", "execute_from_command_line"})


@dataclasses.dataclass(frozen=True)
class FunctionRead:
    """What the source of a function tells: its ways through rows, its statements, and what could not be followed."""

    passes: tuple[Pass, ...] = ()
    statements: tuple[str, ...] = ()
    unfollowed: tuple[str, ...] = ()
    writes: bool = False


def read_function(code: Any, tables: Mapping[str, str], vendor: str = "postgresql") -> FunctionRead:
    """Read a function; `tables` are those of the models that it can ask for, `app_label.modelname` → table.

    What it does on databases of another `vendor` alone is left out.
    """
    try:
        function = function_of(code)
    except Untold as reason:
        return FunctionRead(unfollowed=(str(reason),), writes=True)
    follower = Follower(tables, vendor)
    follower.follow(Frame(function), atomic=is_atomic(function))
    return follower.result()


@dataclasses.dataclass(frozen=True)
class Within:
    """Where something stands: its scope, and whether a transaction of the function's own is open there."""

    scope: Frame
    atomic: bool


class Follower:
    """Goes through a function and those that it calls, and notes what they do."""

    def __init__(self, tables: Mapping[str, str], vendor: str) -> None:
        self.tables = tables
        self.vendor = vendor
        self.passes: dict[Pass, None] = {}
        self.statements: dict[str, None] = {}
        self.unfollowed: dict[str, None] = {}
        self.writes = False
        # Loops that only collect what may be written after them.
        self.collecting: dict[Pass, None] = {}
        self.under_way: set[int] = set()

    def result(self) -> FunctionRead:
        """Return what was noted; a loop that only reads is none that matters."""
        found = {**self.passes, **(self.collecting if self.writes else {})}
        told = bool(self.statements or self.unfollowed)
        return FunctionRead(tuple(found), tuple(self.statements), tuple(self.unfollowed), self.writes or told)

    def follow(self, scope: Frame, *, atomic: bool) -> list[str]:
        """Read a function as it is called; return the models whose rows it writes, empty where that is unknown."""
        if id(scope.function.tree) in self.under_way:
            return []
        self.under_way.add(id(scope.function.tree))
        written = self.read_body(scope.function.body, Within(scope, atomic))
        self.under_way.discard(id(scope.function.tree))
        return written

    def read_all(self, nodes: Iterable[ast.AST], place: Within) -> list[str]:
        """Read some nodes in turn."""
        return [model for node in nodes for model in self.read(node, place)]

    def read_body(self, body: list[ast.AST], place: Within) -> list[str]:
        """Read the statements of a function in turn, up to where it ends on databases of this vendor."""
        return self.read_all(running(body, self.vendor), place)

    def read(self, node: ast.AST, place: Within) -> list[str]:
        """Read one node and all within it."""
        match node:
            case ast.With(items=items, body=body):
                opens = any(is_transaction(item.context_expr) for item in items)
                first = self.read_all((item.context_expr for item in items), place)
                return first + self.read_body(list(body), dataclasses.replace(place, atomic=place.atomic or opens))
            case ast.For() | ast.While():
                return self.loop(node, place)
            case ast.If():
                return self.read_all(sides(node, self.vendor), place)
            case ast.FunctionDef(name=name, body=body):
                # Read where it is called, if it is; what is handed on may be called by anybody.
                return [] if is_called(name, place.scope) else self.read_all(body, place)
        written = self.read_all(ast.iter_child_nodes(node), place)
        if isinstance(node, ast.Call):
            written += self.called(node, place)
        elif generators := getattr(node, "generators", None):
            self.comprehended(node, generators, place, written)
        return written

    def loop(self, node: ast.For | ast.While, place: Within) -> list[str]:
        """Read a loop."""
        if isinstance(node, ast.For):
            return self.read(node.iter, place) + self.through(node, place) + self.read_all(node.orelse, place)
        written = self.read_all([node.test, *node.body], place)
        if written:
            self.note(Pass(RowAccess.BATCHES, known_first(written), place.atomic))
        return written + self.read_all(node.orelse, place)

    def note(self, one: Pass) -> None:
        """Note a way through rows that writes them."""
        self.writes = True
        self.passes[one] = None

    def through(self, node: ast.For, place: Within) -> list[str]:
        """Read a loop over something, which may be rows."""
        written = self.read_all(node.body, place)
        query = query_of(unwrapped(node.iter), place.scope)
        if query is not None and not query.bounded:
            one = Pass(RowAccess.LOOP, query.model, place.atomic)
            if written:
                self.note(one)
            elif collects(node.body):
                self.collecting[one] = None
        elif query is None and written:
            if is_fetched(node.iter, place.scope):
                self.note(Pass(RowAccess.LOOP, known_first(written), place.atomic))
            elif derived := derived_from(node.iter, place.scope):
                self.note(Pass(RowAccess.BATCHES, known_first([*written, derived.model]), place.atomic))
        return written

    def comprehended(self, node: Any, generators: list[ast.comprehension], place: Within, written: list[str]) -> None:
        """Note what writes rows, or makes objects of rows, which may be written later."""
        for one in generators:
            self.applied(one.iter, place, written, makes=makes_rows(node))

    def applied(self, rows: ast.expr, place: Within, written: list[str], *, makes: bool) -> None:
        """Note what is done to each of some rows: it writes them, or makes something to be written later."""
        query = query_of(unwrapped(rows), place.scope)
        if query is None or query.bounded:
            return
        one = Pass(RowAccess.LOOP, query.model, place.atomic)
        if written:
            self.note(one)
        elif makes:
            self.collecting[one] = None

    def mapped(self, node: ast.Call, place: Within) -> list[str]:
        """Read what `map` does to each row."""
        function, rows = node.args[:2]
        called = ast.copy_location(ast.Call(func=function, args=[rows], keywords=[]), node)
        written = self.read(function.body, place) if isinstance(function, ast.Lambda) else self.called(called, place)
        self.applied(rows, place, written, makes=True)
        return written

    def called(self, node: ast.Call, place: Within) -> list[str]:
        """Read a call: a query that writes, a statement that is sent, or a function that is followed."""
        node = by_its_name(node, place.scope)
        attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Name) and node.func.id == "map" and len(node.args) > 1:
            return self.mapped(node, place)
        if isinstance(node.func, ast.Attribute) and (attribute in SENDING or defers(node.func)):
            return self.sent(node, node.func, place)
        if (form := FORMS.get(getattr(node.func, "id", attribute))) and node.args:
            self.collect_texts(node, form, place)
            return [""] if attribute == "callproc" else []
        if isinstance(node.func, ast.Attribute) and attribute in WRITES:
            return self.written(node, node.func, place)
        if (
            isinstance(node.func, ast.Attribute)
            and EDITS.fullmatch(attribute)
            and is_handle(node.func.value, place.scope)
        ):
            self.say(
                _("it changes tables by {editor}.{method}(…)"), editor=ast.unparse(node.func.value), method=attribute
            )
            return []
        return self.followed(node, place)

    def written(self, node: ast.Call, function: ast.Attribute, place: Within) -> list[str]:
        """Read a call that writes rows."""
        name, query = function.attr, query_of(function.value, place.scope)
        if query is None and name in AMBIGUOUS and not isinstance(function.value, ast.Attribute):
            # Sets and dicts have it too.
            return []
        self.writes = True
        model = query.model if query else ""
        if name in WRITERS and query is not None and not query.bounded:
            self.note(Pass(RowAccess.ONE_STATEMENT, model, place.atomic))
        if name in IN_BULK and node.args:
            rows = query_of(unwrapped(node.args[0]), place.scope)
            if rows is not None and not rows.bounded:
                self.note(Pass(RowAccess.LOOP, rows.model or model, place.atomic))
        return [model]

    def sent(self, node: ast.Call, function: ast.Attribute, place: Within) -> list[str]:
        """Read a statement that is sent, if it is one."""
        if not node.args:
            return []
        texts = self.collect_texts(node, "{}", place)
        if not texts:
            if (
                is_handle(function.value, place.scope)
                or is_fetched(function.value, place.scope)
                or function.attr == "raw"
            ):
                told = ast.unparse(node.args[0]).splitlines()[0][:80]
                self.say(_("the text of the SQL that it sends is made only when it runs: {code}"), code=told)
                return [""]
            return []
        writing = [text for text in texts if WRITES_ROWS.match(text)]
        if writing and function.attr == "executemany" and derived_from(node.args[-1], place.scope):
            self.note(Pass(RowAccess.LOOP, "", place.atomic))
        return [""] if writing else []

    def collect_texts(self, node: ast.Call, form: str, place: Within) -> list[str]:
        """Note the statements that a call may send."""
        with_parameters = len(node.args) > 1 or bool(node.keywords)
        texts = [
            form.format(as_sql(text, with_parameters=with_parameters))
            for text in Texts(place.scope, self.tables).of(node.args[0])
        ]
        for text in filter(str.strip, texts):
            if OPEN.search(text):
                self.say(_("the text of the SQL that it sends is made only when it runs: {code}"), code=text[:80])
            else:
                self.statements[text] = None
        self.writes = self.writes or any(WRITES_ROWS.match(text) for text in texts)
        return texts

    def followed(self, node: ast.Call, place: Within) -> list[str]:
        """Read the function that is called, if it can be followed; say so where it matters and cannot be."""
        scope = place.scope
        inner = nested(node.func.id, scope) if isinstance(node.func, ast.Name) else None
        called = inner or scope.value(node.func)
        handed = any(is_handle(argument, scope) for argument in (*node.args, *(one.value for one in node.keywords)))
        module = str(getattr(called, "__module__", "") or "")
        if getattr(called, "__name__", "") in COMMANDS:
            self.say(_("{name} runs a command of manage.py"), name=ast.unparse(node.func))
            return [""]
        if isinstance(called, Function):
            return self.step_into(called, node, place) if scope.depth < DEEPEST else self.too_deep(node, handed)
        if callable(called) and not isinstance(called, type) and is_followed(called, scope.function.module):
            try:
                function = function_of(called, owner_in(node.func, scope))
            except Untold as reason:
                self.say("{reason}", reason=str(reason))
                return [""]
            return self.step_into(function, node, place) if scope.depth < DEEPEST else self.too_deep(node, handed)
        if handed and not isinstance(called, type) and not module.startswith(TRUSTED):
            known = called is not NOTHING and module
            text = _("{name} of {module} is not followed") if known else _("{name} is known only when it runs")
            if known or not isinstance(node.func, ast.Attribute):
                self.say(text, name=ast.unparse(node.func), module=module)
                return [""]
        return []

    def too_deep(self, node: ast.Call, handed: bool) -> list[str]:
        """Say that a function is too far down to be followed, if it is given what to write with."""
        if handed:
            self.say(_("{name} is called too deep to be followed"), name=ast.unparse(node.func))
        return []

    def step_into(self, function: Function, node: ast.Call, place: Within) -> list[str]:
        """Read a function as it is called here."""
        return self.follow(frame_of(function, node, place.scope), atomic=place.atomic or is_atomic(function))

    def say(self, text: str, **names: str) -> None:
        """Note what could not be followed."""
        self.unfollowed[text.format(**names)] = None


def by_its_name(node: ast.Call, scope: Frame) -> ast.Call:
    """Return the call of a method that a variable stands for, or that `getattr` gives, as one by the method's name."""
    function: ast.expr | None = None
    match node.func:
        case ast.Name(id=name) if (meanings := scope.meanings(name)) and isinstance(meanings[0].node, ast.Attribute):
            function = meanings[0].node if meanings[0].scope is scope else None
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str() as name), *_]):
            function = ast.copy_location(ast.Attribute(owner, name), node)
    return ast.copy_location(ast.Call(function, node.args, node.keywords), node) if function else node


def defers(function: ast.Attribute) -> bool:
    """Return whether a method puts SQL among what a schema editor sends last."""
    return function.attr in {"append", "extend"} and getattr(function.value, "attr", "") == "deferred_sql"


def is_called(name: str, scope: Frame) -> bool:
    """Return whether a function calls another by its name."""
    calls = (node for node in ast.walk(scope.function.tree) if isinstance(node, ast.Call))
    return any(isinstance(node.func, ast.Name) and node.func.id == name for node in calls)


def is_transaction(node: ast.expr) -> bool:
    """Return whether an expression opens a transaction: `transaction.atomic()`, `atomic(using=…)`."""
    called = node.func if isinstance(node, ast.Call) else node
    return getattr(called, "attr", getattr(called, "id", "")) == "atomic"


def is_atomic(function: Function) -> bool:
    """Return whether a decorator opens a transaction around a function."""
    return any(is_transaction(one) for one in getattr(function.tree, "decorator_list", []))


def is_handle(node: ast.expr, scope: Frame, *, steps: int = 4) -> bool:
    """Return whether an expression is what somebody writes with: `apps`, `schema_editor`, `cursor`.

    It is told by its name, or by being what the migration's function is given.
    """
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    if HANDLES.fullmatch(name) or not isinstance(node, ast.Name):
        return bool(HANDLES.fullmatch(name))
    if (meanings := scope.meanings(name)) and steps:
        return is_handle(meanings[0].node, meanings[0].scope, steps=steps - 1)
    return scope.depth == 0 and name in scope.function.parameters


def collects(body: list[ast.stmt]) -> bool:
    """Return whether a loop keeps something for later."""
    return any(is_kept(node) for statement in body for node in ast.walk(statement))


def is_kept(node: ast.AST) -> bool:
    """Return whether something is put into a list or the like, or on a row."""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Subscript | ast.Attribute) for target in node.targets)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in COLLECTS
    return isinstance(node, ast.Yield)


def makes_rows(node: Any) -> bool:
    """Return whether a comprehension makes objects, and not only values."""
    return isinstance(getattr(node, "elt", None), ast.Call | ast.Name)


def known_first(models: Iterable[str]) -> str:
    """Return the first model that is known."""
    return next(filter(None, models), "")
