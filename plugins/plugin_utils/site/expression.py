# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of a site's rules: one Jinja2 expression over documented facts, in its native sandbox, and no more.

What is allowed is listed, node by node, and judged before anything is compiled: facts, texts, whole numbers, true,
false, lists of texts or numbers, comparisons, `in`, and, or, not, one filter and four tests. No calls, no attributes,
no items, no arithmetic, no loops. So whatever passes ends after as many steps as it has nodes, times the length of the
longest list among the facts; no clock is needed to bound it (docs/adr/0035).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import PolicyError
from .facts import FACTS, NUMBER, NUMBERS, TEXT, TEXTS, TRUTH

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.environment import Environment, Template

LONGEST = 1000
"""Characters of an expression."""
MOST_NODES = 120
DEEPEST = 16
LARGEST = 2**53 - 1
"""The largest whole number, either way."""

_ORDERED = ("lt", "lteq", "gt", "gteq")
_TESTS = ("defined", "like", "overlapping", "within")
_FILTERS = ("length",)


class ExpressionError(PolicyError):
    """An expression that is none of this language; the message says what was found, and `expected` what it takes."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}; expected {expected}")
        self.found, self.expected = found, expected


def like(value: str | Sequence[str], pattern: str) -> bool:
    """Say whether a text, or any of a list, is as the pattern has it; * stands for any text, all else for itself."""
    if isinstance(value, str):
        return _fits(value, pattern)
    for one in value:  # noqa: SIM110  # to make a generator takes as long as to match
        if _fits(one, pattern):
            return True
    return False


def _fits(text: str, pattern: str) -> bool:
    """Match from left to right, each piece as early as it goes: never again over what was passed, so it is linear."""
    first, *pieces = _split(pattern)
    if not pieces:
        return text == pattern
    last = pieces.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


@lru_cache(maxsize=4096)
def _split(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("*"))


def overlapping(value: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether two lists have a member in common."""
    return not set(value).isdisjoint(other)


def within(value: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether all members of a list are in the other."""
    return set(value) <= set(other)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Return Jinja2's sandbox for native values, with nothing in it but what this language has."""
    from jinja2 import StrictUndefined
    from jinja2.nativetypes import NativeEnvironment
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.tests import test_defined

    class Sandbox(ImmutableSandboxedEnvironment, NativeEnvironment):
        """Both at once; the language below never reaches what the sandbox refuses, and it stands behind it."""

    made = Sandbox(undefined=StrictUndefined, cache_size=0)
    made.globals.clear()
    made.filters = {"length": len}
    made.tests = {"defined": test_defined, "like": like, "overlapping": overlapping, "within": within}
    return made


def parse(source: str) -> nodes.Expr:
    """Return the tree of an expression of this language; raises ExpressionError for any other text."""
    from jinja2.exceptions import TemplateSyntaxError
    from jinja2.parser import Parser

    if len(source) > LONGEST:
        raise ExpressionError(f"{len(source)} characters", f"an expression of at most {LONGEST}")
    try:
        parser = Parser(_environment(), source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise ExpressionError(f"{parser.stream.current.value!r:.60} after its end", "one expression")
    except TemplateSyntaxError as error:
        raise ExpressionError(f"what Jinja2 cannot read ({error.message})", "one expression") from error
    except (RecursionError, ValueError) as error:
        raise ExpressionError("an expression too deep or too large to read", "a flat one") from error
    if _Judge().kind(tree, 1) != TRUTH:
        raise ExpressionError("an expression that is no question", "one that is true or false, such as approvals < 2")
    if 1 in _trend(tree):
        raise ExpressionError(
            "an expression that more approvals, or more evidence, would make true", "one that more of them cannot"
        )
    tree.set_environment(_environment())
    return tree


class _Judge:
    """Walks a tree once; every node is of the list, and every operator has operands of the kinds it is meant for."""

    def __init__(self) -> None:
        self.seen = 0

    def kind(self, node: nodes.Node, depth: int) -> str:
        """Return the kind of a node's value; raises ExpressionError for what the language does not have."""
        from jinja2 import nodes

        self.seen += 1
        if self.seen > MOST_NODES:
            raise ExpressionError(f"more than {MOST_NODES} parts", "a shorter expression; split it into two rules")
        if depth > DEEPEST:
            raise ExpressionError(f"more than {DEEPEST} levels", "a flatter expression")
        if isinstance(node, nodes.Const):
            return self._constant(node.value)
        if isinstance(node, nodes.Name):
            if node.name not in FACTS or node.ctx != "load":
                raise ExpressionError(f'the unknown fact "{node.name:.60}"', "one of those in docs/reference/rules.md")
            return FACTS[node.name].kind
        if isinstance(node, nodes.List):
            return self._list(node, depth)
        if isinstance(node, (nodes.And, nodes.Or)):
            for side in (node.left, node.right):
                self._must(side, depth, (TRUTH,), "and, or")
            return TRUTH
        if isinstance(node, nodes.Not):
            self._must(node.node, depth, (TRUTH,), "not")
            return TRUTH
        if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const):
            return self._must(node.node, depth, (NUMBER,), "-")
        if isinstance(node, nodes.Compare):
            return self._compare(node, depth)
        if isinstance(node, nodes.Filter) and node.node is not None:
            return self._filter(node, node.node, depth)
        if isinstance(node, nodes.Test):
            return self._test(node, depth)
        raise ExpressionError(f"{type(node).__name__.lower()}, which rules have not", _HAS)

    def _must(self, node: nodes.Node, depth: int, wanted: Sequence[str], what: str) -> str:
        found = self.kind(node, depth + 1)
        if found not in wanted:
            raise ExpressionError(f"{found} beside {what}", " or ".join(wanted))
        return found

    def _constant(self, value: object) -> str:
        if isinstance(value, bool):
            return TRUTH
        if isinstance(value, int) and abs(value) <= LARGEST:
            return NUMBER
        if isinstance(value, str):
            return TEXT
        raise ExpressionError(f"{value!r:.40}", f"text, true, false, or a whole number up to {LARGEST}")

    def _list(self, node: nodes.List, depth: int) -> str:
        from jinja2 import nodes

        kinds = {self.kind(item, depth + 1) for item in node.items if isinstance(item, (nodes.Const, nodes.Neg))}
        if len(kinds) != 1 or not all(isinstance(item, (nodes.Const, nodes.Neg)) for item in node.items):
            raise ExpressionError("a list of other things", "a list of texts, or of whole numbers, written out")
        (one,) = kinds
        if one not in (TEXT, NUMBER):
            raise ExpressionError(f"a list of {one}", "a list of texts, or of whole numbers")
        return TEXTS if one == TEXT else NUMBERS

    def _compare(self, node: nodes.Compare, depth: int) -> str:
        left = self.kind(node.expr, depth + 1)
        for operand in node.ops:
            right = self.kind(operand.expr, depth + 1)
            if operand.op in ("in", "notin"):
                if (left, right) not in ((TEXT, TEXTS), (NUMBER, NUMBERS)):
                    raise ExpressionError(f"{left} in {right}", "text in texts, or a number in numbers")
            elif left != right or (operand.op in _ORDERED and left != NUMBER) or left == NUMBERS:
                raise ExpressionError(f"{left} compared with {right}", "two of one kind; only numbers are in order")
            left = right
        return TRUTH

    def _filter(self, node: nodes.Filter, inner: nodes.Node, depth: int) -> str:
        if node.name not in _FILTERS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise ExpressionError(f'the filter "{node.name:.40}"', _HAS)
        self._must(inner, depth, (TEXTS,), "length")
        return NUMBER

    def _test(self, node: nodes.Test, depth: int) -> str:
        from jinja2 import nodes

        if node.name not in _TESTS or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise ExpressionError(f'the test "{node.name:.40}"', _HAS)
        if node.name == "defined":
            if node.args or not isinstance(node.node, nodes.Name):
                raise ExpressionError("defined of no fact", "a fact's name before `is defined`")
            self.kind(node.node, depth + 1)
            return TRUTH
        if len(node.args or ()) != 1:
            raise ExpressionError(f"{node.name} with {len(node.args or ())} values", "one value")
        ((argument,),) = (node.args,)
        if node.name == "like":
            self._must(node.node, depth, (TEXT, TEXTS), "like")
            if not isinstance(argument, nodes.Const):
                raise ExpressionError("like with what is not written out", "a pattern in quotes, * for any text")
            self._must(argument, depth, (TEXT,), "like")
        else:
            self._must(node.node, depth, (TEXTS,), node.name)
            self._must(argument, depth, (TEXTS,), node.name)
        return TRUTH


def _trend(node: nodes.Node) -> frozenset[int]:
    """Return how a judged node moves as consent grows: 1 toward true or more, -1 away from it; empty: not at all.

    A rule denies where it is true, so that nothing but -1 may come out at the top: one more approval never turns yes
    into no, whatever rules a site has (docs/adr/0007).
    """
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return frozenset({1} if FACTS[node.name].consent else ())
    if isinstance(node, nodes.Not):
        return _turned(_trend(node.node))
    if isinstance(node, (nodes.And, nodes.Or)):
        return _trend(node.left) | _trend(node.right)
    if isinstance(node, nodes.Filter) and node.node is not None:
        return _trend(node.node)
    if isinstance(node, nodes.Test):
        own = frozenset[int]() if node.name == "defined" else _trend(node.node)
        other = frozenset[int]().union(*map(_trend, node.args or ()))
        return (_turned(own) if node.name == "within" else own) | other
    if isinstance(node, nodes.Compare):
        found, left = frozenset[int](), node.expr
        for operand in node.ops:
            found |= _compared(operand.op, _trend(left), _trend(operand.expr))
            left = operand.expr
        return found
    return frozenset()


def _compared(op: str, left: frozenset[int], right: frozenset[int]) -> frozenset[int]:
    if op in ("lt", "lteq"):
        return _turned(left) | right
    if op in ("gt", "gteq"):
        return left | _turned(right)
    if op == "in":
        return right
    if op == "notin":
        return _turned(right)
    return left | right | _turned(left | right)


def _turned(trend: frozenset[int]) -> frozenset[int]:
    return frozenset(-way for way in trend)


_HAS = (
    "facts, texts, whole numbers, lists, ==, !=, <, <=, >, >=, in, not in, and, or, not, `| length`, and the tests "
    f"{', '.join(_TESTS)}"
)


@dataclass(frozen=True)
class Expressions:
    """Several expressions, compiled together, so that what they share is looked up once for all."""

    sources: tuple[str, ...]

    def answers(self, facts: Mapping[str, Any]) -> list[bool]:
        """Return each one's answer; raises PolicyError where one of them asks for a fact that is not known."""
        from jinja2.exceptions import UndefinedError

        template = _compiled(self.sources)
        context = template.new_context(dict(facts))
        try:
            for _unused in template.root_render_func(context):
                pass
        except UndefinedError as error:
            raise PolicyError(str(error.message)) from error
        except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
            # The kinds were judged, so this is a fact of another kind than documented; it is no yes either.
            raise PolicyError(f"{type(error).__name__}: {error}") from error
        found: list[bool] = context.vars["result"]
        return found


@lru_cache(maxsize=512)
def _compiled(sources: tuple[str, ...]) -> Template:
    from jinja2 import nodes

    listed = nodes.List([parse(source) for source in sources], lineno=1)
    listed.set_environment(_environment())
    body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), listed, lineno=1)]
    return _environment().from_string(nodes.Template(body, lineno=1))


def names(source: str) -> tuple[str, ...]:
    """Return the facts that an expression asks for, in order of their first mention."""
    return tuple(dict.fromkeys(_names(parse(source))))


def _names(tree: nodes.Expr) -> Iterator[str]:
    from jinja2 import nodes

    return (node.name for node in tree.find_all(nodes.Name))


@dataclass(frozen=True)
class Condition:
    """One comparison or test of an expression: the facts it has, and the constants that it holds them against."""

    names: frozenset[str]
    numbers: frozenset[int]
    texts: frozenset[str]
    absent: bool
    """Whether it asks if a fact is known."""


def conditions(source: str) -> Iterator[Condition]:
    """Yield the comparisons and tests of an expression, and each truth by itself, in no order that means anything."""
    from jinja2 import nodes

    tree = parse(source)
    asked = [node for node in (tree, *tree.find_all(nodes.Node)) if isinstance(node, (nodes.Compare, nodes.Test))]
    named = frozenset(_names(tree))
    for node in asked:
        constants = [one.value for one in node.find_all(nodes.Const) if not isinstance(one.value, bool)]
        yield Condition(
            frozenset(one.name for one in node.find_all(nodes.Name)),
            frozenset(abs(one) * way for one in constants if isinstance(one, int) for way in (1, -1)),
            frozenset(one for one in constants if isinstance(one, str)),
            isinstance(node, nodes.Test) and node.name == "defined",
        )
    yield from (Condition(frozenset({name}), frozenset(), frozenset(), False) for name in sorted(named))
