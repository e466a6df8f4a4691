"""HTML as nested calls, in which whatever is not markup already is escaped.

No template: the pages come with a package that cannot know which template engine a project has, and their sentences are
read by `tools/messages.py`, which reads Python.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

VOID = frozenset({"input", "link", "meta"})

Child = object


def tag(name: str, /, *children: Child, **attributes: object) -> SafeString:
    """Return an element.

    Children are markup or text; lists are taken apart, None and False left out. Of attributes, True stands for a bare
    name, None and False for none; `for_` is `for`, and `data_key` is `data-key`.
    """
    given = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in VOID:
        return mark_safe(f"<{name}{given}>")  # noqa: S308 # all of it is escaped
    return mark_safe(f"<{name}{given}>{joined(children)}</{name}>")  # noqa: S308 # likewise


def joined(children: Iterable[Child]) -> SafeString:
    """Return children side by side."""
    return mark_safe("".join(map(_child, children)))  # noqa: S308 # likewise


def _child(child: Child) -> str:
    if child is None or child is False:
        return ""
    return joined(child) if isinstance(child, list | tuple) else conditional_escape(child)  # type: ignore[arg-type] # it takes whatever str() takes


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{conditional_escape(value)}"'  # type: ignore[arg-type] # likewise
