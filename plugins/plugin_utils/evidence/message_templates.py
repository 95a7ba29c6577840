# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of messages that a shop may edit: Jinja2 cut down to texts, facts, conditions and lists.

No call, no assignment, no arithmetic, no other template, no attribute but those of `loop` and `counts`: what a template
can do is fill in the facts it is given. So it reads nothing, and its length is bounded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import HoldfastError
from ..site.problems import Fault, Problem

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

    def problem(self, facts: Collection[str]) -> Problem | None:
        """Return what the template says that it may not, with facts of these names; None where there is nothing."""
        try:
            tree = _environment(html=False).parse(self.source)
        except jinja2.TemplateSyntaxError as error:
            return self.wrong(error.lineno, str(error.message), "a template of Jinja2")
        except RecursionError:
            return self.wrong(1, "parts within parts without end", "a flatter template")
        own = {name.name for loop in tree.find_all(nodes.For) for name in loop.target.find_all(nodes.Name)}
        own |= {loop.target.name for loop in tree.find_all(nodes.For) if isinstance(loop.target, nodes.Name)}
        return _walk(self, tree, {*facts, *own, "loop"}, 0)

    def filled(self, facts: Mapping[str, Any], *, html: bool = False) -> str:
        """Return the text with the facts filled in, escaped for HTML where that is asked. Raises MessageError."""
        wrong = self.problem(facts)
        if wrong is not None:
            raise MessageError(str(wrong))
        parts, length = [], 0
        try:
            for part in _environment(html=html).from_string(self.source).generate(dict(facts)):
                length += len(part)
                if length > LONGEST:
                    raise MessageError(f"{self.where}: makes more than {LONGEST} characters; shorten it")
                parts.append(part)
        except jinja2.TemplateError as error:
            raise MessageError(f"{self.where}:1: {error}; correct it, or take the file away") from error
        return "".join(parts)

    def wrong(self, line: int, found: str, expected: str) -> Problem:
        """Return a problem of this template."""
        return Problem(self.where, line, Fault((), found, expected, "correct it, or take the file away"))


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


def _environment(*, html: bool) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    return environment


def _walk(template: Template, node: nodes.Node, known: set[str], depth: int) -> Problem | None:
    def refuse(what: str, expected: str) -> Problem:
        return template.wrong(node.lineno, what, expected)

    if not isinstance(node, _HARMLESS):
        return refuse(f"{type(node).__name__.lower()}, which no message needs", "texts, facts, conditions and lists")
    if isinstance(node, nodes.Name) and node.name not in known:
        return refuse(f"the unknown fact {node.name}", f"one of {', '.join(sorted(known - {'loop'}))}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return refuse(f"the filter {node.name}", f"one of {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return refuse(f"the test {node.name}", f"one of {', '.join(sorted(TESTS))}")
    if isinstance(node, nodes.Getattr):
        of = node.node.name if isinstance(node.node, nodes.Name) else ""
        if not (of == "counts" and not node.attr.startswith("_")) and not (of == "loop" and node.attr in LOOP):
            return refuse(f"the part {node.attr} of something", f"counts, or loop with {', '.join(sorted(LOOP))}")
    if isinstance(node, nodes.For):
        depth += 1
        if depth > DEPTH or node.recursive:
            return refuse("lists within lists within lists", f"at most {DEPTH} of them")
    found = (_walk(template, child, known, depth) for child in node.iter_child_nodes())
    return next((one for one in found if one is not None), None)
