# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutates the gate's decision, and counts which mutants the decision table does not see.

    python -m tests.mutants [--sample N] [--seed N] [--module NAME ...]

The mutations are cosmic-ray's (`pip install cosmic-ray`). Each is tried in a fork of a process that has everything
else loaded already, on a copy of the tree, so that hundreds take minutes. What differs in annotations alone is none.
A mutant is dead when any case of tests/unit/cases/decision comes out otherwise, or it cannot be imported, or does not
end; one that the table does not see is shown to the other tests of the policy before it counts as alive. Prints each
that is alive; exit 0 where fewer than 10 percent are, else 1.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import subprocess
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
ELSEWHERE = frozenset({"may_halt", "may_break_glass", "may_review", "reviewers_missing", "_reviewer", "_objections"})
"""Functions of these modules that no gate asks: they stand between a person and a signature."""
MOST_ALIVE = 0.1
SECONDS = 60
TESTS = "tests/unit/plugins/plugin_utils/policy"
CASES = f"{TESTS}/test_decision.py"


@dataclass(frozen=True)
class Mutant:
    """One change to one module."""

    module: str
    operator: str
    number: int
    text: str
    line: int


def places(module: str, source: str) -> Iterator[tuple[str, str, int]]:
    """Yield where a module can be mutated: the module, cosmic-ray's operator, and the number of its place."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    nodes = list(ast_nodes(get_ast(source)))
    for name in plugins.operator_names():
        operator_class = plugins.get_operator(name)
        if operator_class.arguments():
            continue  # asks which variable it is about; there is none to be named for all modules
        operator = operator_class()
        count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
        yield from ((module, name, number) for number in range(count))


def mutant(copy: Path, module: str, name: str, number: int) -> Mutant | None:
    """Return the mutant of a place; None where its program is the same, or no gate asks it."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    source = (copy / POLICY / f"{module}.py").read_text(encoding="utf-8")
    text = mutate_code(source, plugins.get_operator(name)(), number)
    if text is None or _program(text) == _program(source):
        return None
    pairs = zip(source.splitlines(), text.splitlines(), strict=False)
    line = 1 + next((number for number, (before, after) in enumerate(pairs) if before != after), 0)
    return None if line in _elsewhere(source) else Mutant(module, name, number, text, line)


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
    """Say whether no test sees the mutant. A child process tries it, which has loaded nothing of the policy yet."""
    path = copy / POLICY / f"{mutant.module}.py"
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    try:
        child = os.fork()
        if child == 0:
            _try(copy)
        _pid, status = os.waitpid(child, 0)
        if status == 0:
            status = _others(copy)
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


def _others(copy: Path) -> int:
    """Return the exit code of the other tests of the policy, but for those that draw by chance."""
    drawn = [f"--ignore={path}" for path in (copy / TESTS).glob("*_properties.py")]
    words = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *drawn, str(copy / TESTS)]
    environment = {**os.environ, "PYTHONPATH": f"{copy}:{copy / 'collections'}"}
    try:
        ran = subprocess.run(
            [*words, f"--ignore={copy / CASES}"], env=environment, cwd=copy, timeout=5 * SECONDS, capture_output=True,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1
    return ran.returncode


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
        sources = {name: (copy / POLICY / f"{name}.py").read_text(encoding="utf-8") for name in args.module or MODULES}
        where = [place for name, source in sources.items() for place in places(name, source)]
        random.Random(args.seed).shuffle(where)  # noqa: S311 - a sample, no secret
        print(f"{len(LOADED)} cases, {len(where)} places; {pytest.__name__} and {jinja2.__name__} loaded", flush=True)
        survivors, tried = 0, 0
        for place in where:
            one = mutant(copy, *place)
            if one is None:
                continue
            tried += 1
            if alive(copy, one):
                survivors += 1
                line = one.text.splitlines()[one.line - 1].strip()
                print(f"alive: {one.module}.py:{one.line} {one.operator} #{one.number}: {line}", flush=True)
            if tried % 25 == 0:
                print(f"{tried} tried, {survivors} alive", flush=True)
            if tried == args.sample:
                break
        share = survivors / tried if tried else 0.0
        print(f"{survivors} of {tried} alive: {share:.1%}")
        return 0 if share < MOST_ALIVE else 1


if __name__ == "__main__":
    raise SystemExit(main())
