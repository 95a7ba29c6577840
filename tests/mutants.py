# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutates the gate's decision, and counts which mutants the decision table does not see.

    python -m tests.mutants [--sample N] [--seed N] [--module NAME ...]

The mutations are cosmic-ray's (`pip install cosmic-ray`). Each is tried in a fork of a process that has everything
else loaded already, on a copy of the tree, so that hundreds take minutes. What differs in annotations alone is none.
A mutant is dead when any case of tests/unit/cases/decision comes out otherwise, or it cannot be imported, or does not
end. Prints each that is alive; exit 0 where fewer than 10 percent are, else 1.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POLICY = "plugins/plugin_utils/policy"
MODULES = (
    "agreement", "budget", "decision", "emergency", "facts", "leading", "limits", "offices", "pipeline", "quorum",
    "readiness", "rules", "siterules", "timing", "windows",
)  # fmt: skip
"""What decides; what is only shown, or asked before anything is signed, has tests of its own."""
ELSEWHERE = frozenset(
    {"may_halt", "may_break_glass", "may_review", "reviewers_missing", "_reviewer", "_objections"}
)
"""Functions of these modules that no gate asks: they stand between a person and a signature."""
MOST_ALIVE = 0.1
SECONDS = 60
CASES = "tests/unit/plugins/plugin_utils/policy/test_decision.py"


@dataclass(frozen=True)
class Mutant:
    """One change to one module."""

    module: str
    operator: str
    number: int
    text: str
    line: int


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module whose program is another."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code

    plain, lines = _program(source), source.splitlines()
    tree = get_ast(source)
    elsewhere = _elsewhere(source)
    for name in plugins.operator_names():
        operator_class = plugins.get_operator(name)
        if operator_class.arguments():
            continue  # asks which variable it is about; there is none to be named for all modules
        operator = operator_class()
        count = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for number in range(count):
            text = mutate_code(source, operator, number)
            if text is None or _program(text) == plain:
                continue
            changed = next((n for n, (a, b) in enumerate(zip(lines, text.splitlines(), strict=False)) if a != b), 0)
            if changed + 1 not in elsewhere:
                yield Mutant(module, name, number, text, changed + 1)


def _elsewhere(source: str) -> set[int]:
    """Return the lines of functions that no gate asks."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    spans = ((one.lineno, one.end_lineno or one.lineno) for one in functions if one.name in ELSEWHERE)
    return {line for first, last in spans for line in range(first, last + 1)}


def _program(source: str) -> str:
    """Return a program without what is never run: annotations and docstrings."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    for node in ast.walk(tree):
        if isinstance(node, (ast.arg, ast.AnnAssign)):
            node.annotation = ast.Name("x")
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
            node.decorator_list = [one for one in node.decorator_list if ast.unparse(one) != "dataclass(frozen=True)"]
    return ast.dump(tree)


def alive(copy: Path, mutant: Mutant) -> bool:
    """Say whether no case sees the mutant. A child process tries it, which has loaded nothing of the policy yet."""
    path = copy / POLICY / f"{mutant.module}.py"
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    try:
        child = os.fork()
        if child == 0:
            _try(copy)
        _pid, status = os.waitpid(child, 0)
    finally:
        path.write_text(before, encoding="utf-8")
    return status == 0


def _try(copy: Path) -> None:
    """Ask all cases, and leave with 0 where each comes out as expected."""
    signal.alarm(SECONDS)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the process ends with it
    code = 1
    try:
        import importlib.util

        spec = importlib.util.spec_from_file_location("decision_cases", copy / CASES)
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            for case in LOADED:
                module.test_the_gate_decides(case.values[0])
            module.test_a_decision_is_falsy_when_it_denies()
            code = 0
    except BaseException:  # noqa: BLE001 - whatever a mutant does, it was seen
        code = 1
    os._exit(code)


LOADED: list[object] = []
"""The cases, read once."""


def main(argv: Sequence[str] | None = None) -> int:
    """Try a sample, or all, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="so many, drawn by the seed (default: all)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--module", action="append", choices=MODULES)
    args = parser.parse_args(argv)
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        ignored = shutil.ignore_patterns("__pycache__", ".git", "build", ".venv", "*.sqlite")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
        os.chdir(copy)
        sys.path[:] = [str(copy), str(copy / "collections"), *(one for one in sys.path if str(ROOT) not in one)]
        sys.modules.pop("tests", None)
        import jinja2.nativetypes
        import jinja2.sandbox
        import pytest

        from tests.change_cases import load

        LOADED.extend(load("decision"))
        found = [
            one
            for name in args.module or MODULES
            for one in mutants(name, (copy / POLICY / f"{name}.py").read_text(encoding="utf-8"))
        ]
        every = len(found)
        if args.sample and args.sample < every:
            found = random.Random(args.seed).sample(found, args.sample)  # noqa: S311 - a sample, no secret
        print(f"{len(LOADED)} cases; {len(found)} of {every} mutants, {pytest.__name__} and {jinja2.__name__} loaded")
        survivors = []
        for number, one in enumerate(found, 1):
            if alive(copy, one):
                survivors.append(one)
                print(f"alive: {one.module}.py:{one.line} {one.operator} #{one.number}", flush=True)
                line = one.text.splitlines()[one.line - 1].strip()
                print(f"       {line}", flush=True)
            if number % 25 == 0:
                print(f"{number} tried, {len(survivors)} alive", flush=True)
        share = len(survivors) / len(found) if found else 0.0
        print(f"{len(survivors)} of {len(found)} alive: {share:.1%}")
        return 0 if share < MOST_ALIVE else 1


if __name__ == "__main__":
    raise SystemExit(main())
