# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of messages that a shop may edit: Jinja2 cut down to texts, facts, conditions and lists.

No call, no assignment, no arithmetic, no other template, no attribute but those of `loop` and `counts`: what a template
can do is fill in the facts it is given. So it reads nothing, and its length is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import HoldfastError

LARGEST = 20_000
"""Characters of a template."""
LONGEST = 200_000
"""Characters of what is made of it."""
DEPTH = 2
"""Lists within lists."""
FILTERS = frozenset(
    ("capitalize", "default", "e", "escape", "first", "join", "last", "length", "lower", "sort", "title", "trim",
     "upper")
)  # fmt: skip
TESTS = frozenset(("defined", "undefined", "none", "equalto", "eq", "ne", "in"))
LOOP = frozenset(("index", "first", "last", "length"))
_HARMLESS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.For, nodes.Filter, nodes.Test, nodes.Getattr, nodes.Keyword,
)  # fmt: skip


class MessageError(HoldfastError):
    """A template says what it may not, or names what there is not."""

    exit_code = 2


@dataclass(frozen=True)
class Template:
    """One template: where it stands, for errors, and what it says."""

    where: str
    source: str

    def filled(self, facts: Mapping[str, Any], *, html: bool = False) -> str:
        """Return the text with the facts filled in, escaped for HTML where that is asked. Raises MessageError."""
        environment = ImmutableSandboxedEnvironment(
            autoescape=html, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.globals.clear()
        try:
            _check(self, environment, facts)
            parts, length = [], 0
            for part in environment.from_string(self.source).generate(dict(facts)):
                length += len(part)
                if length > LONGEST:
                    raise MessageError(f"{self.where}: makes more than {LONGEST} characters; shorten it")
                parts.append(part)
        except jinja2.TemplateError as error:
            line = getattr(error, "lineno", None)
            raise MessageError(f"{self.where}:{line or 1}: {error}; correct it, or take the file away") from error
        return "".join(parts)


def read_template(path: Path, name: str) -> Template:
    """Return a template's file; raises MessageError where it is none that can be read."""
    try:
        with path.open(encoding="utf-8") as file:
            source = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise MessageError(f"{name}: cannot be read as UTF-8 text ({error}); correct it, or take it away") from error
    if len(source) > LARGEST:
        raise MessageError(f"{name}: more than {LARGEST} characters; shorten it")
    return Template(name, source)


def _check(template: Template, environment: jinja2.Environment, facts: Mapping[str, Any]) -> None:
    try:
        tree = environment.parse(template.source)
    except RecursionError:
        raise MessageError(f"{template.where}:1: nested too deeply; make it flatter") from None
    own = {name.name for loop in tree.find_all(nodes.For) for name in loop.target.find_all(nodes.Name)}
    own |= {loop.target.name for loop in tree.find_all(nodes.For) if isinstance(loop.target, nodes.Name)}
    known = {*facts, *own, "loop"}
    _walk(template, tree, known, 0)


def _walk(template: Template, node: nodes.Node, known: set[str], depth: int) -> None:
    def refuse(what: str, expected: str) -> MessageError:
        return MessageError(f"{template.where}:{node.lineno}: {what}; expected {expected}")

    if not isinstance(node, _HARMLESS):
        raise refuse(f"{type(node).__name__.lower()}, which no message needs", "texts, facts, conditions and lists")
    if isinstance(node, nodes.Name) and node.name not in known:
        raise refuse(f"the unknown fact {node.name}", f"one of {', '.join(sorted(known - {'loop'}))}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise refuse(f"the filter {node.name}", f"one of {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise refuse(f"the test {node.name}", f"one of {', '.join(sorted(TESTS))}")
    if isinstance(node, nodes.Getattr):
        of = node.node.name if isinstance(node.node, nodes.Name) else ""
        if not (of == "counts" and not node.attr.startswith("_")) and not (of == "loop" and node.attr in LOOP):
            raise refuse(f"the part {node.attr} of something", f"counts, or loop with {', '.join(sorted(LOOP))}")
    if isinstance(node, nodes.For):
        depth += 1
        if depth > DEPTH or node.recursive:
            raise refuse("lists within lists within lists", f"at most {DEPTH} of them")
    for child in node.iter_child_nodes():
        _walk(template, child, known, depth)
