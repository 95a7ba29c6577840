# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has cosmic-ray mutate the gate's decision, and counts which mutants neither decision table nor policy's tests see.

    python -m tests.mutants [--sample N] [--seed N] [--module NAME ...]

cosmic-ray (`pip install cosmic-ray`) finds the places, makes each mutant on disk, in a copy of the tree, runs the tests
and keeps the session; the rate that is printed is its own (`cr-rate`). Ours is only what it is told to leave out, and
quick tests. Left out is what is the same program (annotations, docstrings), what stands between a person and a
signature and not in the gate, and what a sample does not draw. Quick: pytest, its plugins and the cases are loaded
once, by a process that has loaded nothing of the policy; each mutant is met by a fork of it, and by the rest of
policy's tests where no case of the table sees it, but for those that draw by chance.

Prints each mutant that is alive. Exit 0 where fewer than 10 percent are, else 1.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
POLICY = "plugins/plugin_utils/policy"
MODULES = (
    "agreement", "budget", "decision", "emergency", "facts", "leading", "limits", "offices", "pipeline", "quorum",
    "readiness", "rules", "siterules", "timing", "windows",
)  # fmt: skip
"""What decides; what is only shown, or asked before anything is signed, has tests of its own."""
ELSEWHERE = frozenset(
    {
        "may_assess", "_assessor", "may_halt", "may_break_glass", "may_review", "reviewers_missing", "_reviewer",
        "_objections", "openings",
    }
)  # fmt: skip
"""Functions of these modules that no gate asks."""
MOST_ALIVE = 10.0
"""Percent."""
SECONDS = 300
TESTS = "tests/unit/plugins/plugin_utils/policy"
CASES = f"{TESTS}/test_decision.py"
ASK = "import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);sys.exit(int(s.recv(9) or b'1'))"
"""The test command: asks the process that has everything loaded, and leaves with what it says."""


def program(source: str) -> str:
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


def mutates(spec: Any) -> bool:
    """Say whether a place of cosmic-ray's gives another program, in what the gate asks."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    if spec.definition_name in ELSEWHERE:
        return False
    source = spec.module_path.read_text(encoding="utf-8")
    operator = plugins.get_operator(spec.operator_name)(**spec.operator_args)
    text = mutate_code(source, operator, spec.occurrence)
    return text is not None and program(text) != program(source)


def session(modules: Sequence[str], address: str, sample: int, seed: int) -> tuple[Path, Path]:
    """Write cosmic-ray's configuration and a session of the places that are to be tried; return both files."""
    from cosmic_ray.work_db import WorkDB, use_db

    config, kept = Path("cosmic-ray.toml"), Path("session.sqlite")
    paths = [f"{POLICY}/{name}.py" for name in modules]
    command = f'{sys.executable} -I -S -c "{ASK}" {address}'
    config.write_text(
        f"[cosmic-ray]\nmodule-path = {paths}\ntimeout = {SECONDS}\nexcluded-modules = []\n"
        f"test-command = '''{command}'''\n[cosmic-ray.distributor]\nname = \"local\"\n",
        encoding="utf-8",
    )
    run("cosmic-ray", "init", str(config), str(kept))
    with use_db(str(kept), WorkDB.Mode.open) as work:
        items = sorted(work.work_items, key=lambda one: _place(one.mutations[0]))
        random.Random(seed).shuffle(items)  # noqa: S311  # a sample, no secret
        chosen = []
        for item in items:
            if len(chosen) != (sample or -1) and mutates(item.mutations[0]):
                chosen.append(item)
        work.clear()
        work.add_work_items(chosen)
    print(f"{len(items)} places, {len(chosen)} of them tried", flush=True)
    return config, kept


def _place(spec: Any) -> tuple[str, str, int]:
    return str(spec.module_path), spec.operator_name, spec.occurrence


def run(name: str, *words: str) -> str:
    """Run a program of cosmic-ray's beside this Python, and return what it says."""
    command = [str(Path(sys.executable).with_name(name)), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def serve(listener: socket.socket, loaded: Sequence[Any]) -> None:
    """Answer each who asks with the exit code of the tests, run in a fork; it has loaded nothing of the policy yet."""
    while True:
        asking, _peer = listener.accept()
        child = os.fork()
        if child == 0:
            _tests(loaded)
        _pid, status = os.waitpid(child, 0)
        asking.sendall(b"0" if status == 0 else b"1")
        asking.close()


def _tests(loaded: Sequence[Any]) -> None:
    """Leave with 0 where each case of the table, and each other test of the policy, comes out as expected."""
    signal.alarm(SECONDS)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the process ends with it
    code = 1
    try:
        import importlib.util

        import pytest

        spec = importlib.util.spec_from_file_location("decision_cases", CASES)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for case in loaded:
            module.test_the_gate_decides(case.values[0])
        left_out = [f"--ignore={path}" for path in (*Path(TESTS).glob("*_properties.py"), Path(CASES))]
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *left_out, TESTS]))
    except BaseException:  # noqa: BLE001  # whatever a mutant does, it was seen
        code = 1
    os._exit(code)


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
        os.environ["PYTHONPATH"] = f"{copy}:{copy / 'collections'}"
        for name in [one for one in sys.modules if one == "tests" or one.startswith(("tests.", "ansible_collections"))]:
            del sys.modules[name]
        import hypothesis
        import jinja2.nativetypes
        import jinja2.sandbox

        from tests.change_cases import load

        loaded = load("decision")
        print(f"{len(loaded)} cases; loaded: {hypothesis.__name__}, {jinja2.__name__}", flush=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/asked")
            listener.listen()
            config, kept = session(args.module or MODULES, f"{folder}/asked", args.sample, args.seed)
            threading.Thread(target=serve, args=(listener, loaded), daemon=True).start()
            run("cosmic-ray", "baseline", str(config))
            run("cosmic-ray", "exec", str(config), str(kept))
        print(run("cr-report", "--surviving-only", "--show-diff", str(kept)))
        rate = float(run("cr-rate", str(kept)))
        print(f"{rate:.1f} % alive")
        return 0 if rate < MOST_ALIVE else 1


if __name__ == "__main__":
    raise SystemExit(main())
