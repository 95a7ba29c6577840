# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stages of the quality gate, one or all, and counts their tests (`make test` and its parts).

- `python tests/run.py all`: all stages but those that only run by name, two at a time, whichever of them fail
- `python tests/run.py unit`: one stage, its output as it comes
- `python tests/run.py lint unit`: these stages, two at a time
- `python tests/run.py prepare`: only what needs the network: the lab's images, sanity's environments, wheels, a browser

What one of several stages prints goes to build/test/<stage>.log; of a failed one the end is shown.
The last line is `N passed, N failed, N skipped`; the exit code is 1 when any stage failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "build" / "test"
SANITY_REPORTS = ROOT / "build/sanity/ansible_collections/holdfast/hipaa/tests/output/junit"
AT_ONCE = 2
LIMIT_SECONDS = 45 * 60
HEARTBEAT_SECONDS = 30
TAIL_LINES = 80
TWO_PROCESSES = ("--numprocesses=2", "--dist=loadfile")
"""A file's tests stay together: they share what its fixtures make."""


@dataclass(frozen=True)
class Check:
    """One command of a stage; its tests are counted from the JUnit files in `reports`, else it is one."""

    name: str
    argv: tuple[str, ...]
    reports: Path | None = None


@dataclass(frozen=True)
class Stage:
    """Checks that run `at_once` at a time, once the stages named in `after` have ended (well or not)."""

    name: str
    checks: Callable[[], Sequence[Check]]
    after: tuple[str, ...] = ()
    at_once: int = 1
    """More than one: what a check says is shown when it has ended, so that it stays together."""
    counts: bool = True
    """False for preparation, which tests nothing; when it fails, that is one failure all the same."""
    shows: int = 0
    """How many of its last lines are shown when all went well, too."""
    by_name: bool = False
    """True for a stage that is no part of `all` and runs when it is named."""


@dataclass
class Tally:
    """What came of a stage. `failures` names every failed test; a stage with any has failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def python(*arguments: str) -> tuple[str, ...]:
    """Return the command line that runs this interpreter with these arguments."""
    return (sys.executable, *arguments)


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line of a tool that lies beside this interpreter."""
    return (str(Path(sys.executable).parent / name), *arguments)


def _lint() -> list[Check]:
    return [
        Check("ruff", tool("ruff", "check", ".")),
        Check("mypy", tool("mypy")),
        Check("yamllint", tool("yamllint", "--strict", ".")),
        Check("ansible-lint", tool("ansible-lint", "--strict", "--nocolor")),
    ]


def _pytest(folder: str, *options: str) -> list[Check]:
    report = LOGS / f"{folder}.xml"
    return [Check(folder, python("-m", "pytest", f"tests/{folder}", f"--junitxml={report}", *options), report)]


def _integration() -> list[Check]:
    return _pytest("integration", "-m", "not waves", *TWO_PROCESSES, "--durations=10")


def _waves() -> list[Check]:
    report = LOGS / "waves.xml"
    argv = python("-m", "pytest", "tests/integration", "-m", "waves", f"--junitxml={report}", *TWO_PROCESSES)
    return [Check("waves", argv, report)]


def _faults() -> list[Check]:
    # Two hosts for each process, and a fault at a time on them.
    return _pytest("faults", "--numprocesses=2", "--dist=load", "--durations=5")


def _matrix() -> list[Check]:
    return [Check("matrix", python("-m", "tests.faults.matrix"))]


def _drills() -> list[Check]:
    # Each release on a host of its own, side by side.
    return _pytest("drills", "--numprocesses=2", "--dist=load")


def _detected() -> list[Check]:
    return [Check("detected", ("env", "PYTHONPATH=collections", *python("-m", "tests.tally")))]


def _fetch() -> list[Check]:
    return [
        Check("sanity environments", python("tests/sanity/run.py", "--prime")),
        Check("wheels", python("tests/artefacts.py", "wheels")),
        # As root alone: others have no virtual machine, and its tests say so.
        *([Check("machine", ("python3", "-m", "lab", "vm", "image"))] if os.geteuid() == 0 else []),
        Check("browser", (".ci/browser",)),
    ]


def _sanity() -> list[Check]:
    return [Check("sanity", python("tests/sanity/run.py"), SANITY_REPORTS)]


def _molecule() -> list[Check]:
    scenarios = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    # Named, since Molecule finds it by itself only inside a git work tree, and without it tests no host and succeeds.
    molecule = tool("molecule", "--base-config", ".config/molecule/config.yml", "test", "--scenario-name")
    return [Check(name, (*molecule, name)) for name in scenarios]


STAGES = (
    Stage("image", lambda: [Check("image", ("python3", "-m", "lab", "image"))], counts=False),
    Stage("lint", _lint),
    # Both may install packages, and dpkg is one at a time.
    Stage("fetch", _fetch, after=("image",), counts=False),
    Stage("unit", lambda: _pytest("unit", *TWO_PROCESSES)),
    Stage("sanity", _sanity, after=("fetch",)),
    Stage("integration", _integration, after=("image", "fetch")),
    # Not beside the integration tests: an emulated machine takes both cores, and guards are given seconds there.
    Stage("vm", lambda: _pytest("vm", "--durations=5"), after=("fetch", "integration")),
    # Each role's own scenario drills its controls; all of them together on one host are for `make drills`.
    Stage("drills", _drills, after=("image",), by_name=True),
    # Many hosts, or long: what waves come to is for `make waves` and `make faults`.
    Stage("waves", _waves, after=("image", "fetch"), by_name=True),
    Stage("faults", _faults, after=("image",), by_name=True),
    Stage("matrix", _matrix, after=("faults",), shows=60, by_name=True),
    Stage("molecule", _molecule, after=("image",), at_once=2),
    Stage("detected", _detected, after=("drills", "vm"), shows=3, by_name=True),
)


def environment(plain: bool) -> dict[str, str]:
    """Return the environment of every check: these tools first, a fixed locale, no account's own settings.

    With `plain` no tool is to colour what it says, for it goes to a file.
    """
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(ROOT / "build" / "ansible"),
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        "PYTHONUNBUFFERED": "1",
        **({"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"} if plain else {}),
    }


def run_stage(stage: Stage, log: IO[str] | None) -> Tally:
    """Run all checks of a stage, whichever fail; what they say goes to `log`, straight out when None."""
    tally, begun = Tally(), time.monotonic()
    checks = stage.checks()
    for check in checks:
        _forget(check.reports)
    if stage.at_once == 1:
        for check in checks:
            print(_title(stage, check), file=log, flush=True)
            _count(check, _run(check, log, at_terminal=log is None), tally)
    else:
        with ThreadPoolExecutor(stage.at_once) as pool:
            running = {pool.submit(_kept_together, check, log is None): check for check in checks}
            ends = []
            for future in as_completed(running):
                code, said = future.result()
                print(f"{_title(stage, running[future])}\n{said}", file=log, flush=True)
                _count(running[future], code, tally)
                ends += said.splitlines()[-TAIL_LINES // 2 :] if code else []
            # Where a reader looks, and where _report takes it from.
            print("\n".join(ends), file=log, flush=True)
    if not checks:
        tally.failed, tally.failures = 1, ["nothing to run"]
    if not stage.counts:
        tally.passed = 0
    tally.seconds = time.monotonic() - begun
    return tally


def _title(stage: Stage, check: Check) -> str:
    return f"--- {stage.name}: {' '.join(check.argv)}"


def _kept_together(check: Check, at_terminal: bool) -> tuple[int, str]:
    """Return a check's exit code and what it said."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        code = _run(check, said, at_terminal)
        said.seek(0)
        return code, said.read()


def _run(check: Check, log: IO[str] | None, at_terminal: bool) -> int:
    """Return the check's exit code; one that outlasts the limit is ended and counts as failed."""
    process = subprocess.Popen(
        check.argv,
        cwd=ROOT,
        env=environment(plain=log is not None),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log and subprocess.STDOUT,
        # So that what it started ends with it; at a terminal, though, Ctrl-C must reach it.
        start_new_session=not at_terminal,
    )
    try:
        return process.wait(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{check.name}: still running after {LIMIT_SECONDS} s; ended", file=log, flush=True)
        return 124
    finally:
        if process.poll() is None:
            _end(process, whole_group=not at_terminal)


def _end(process: subprocess.Popen[bytes], whole_group: bool) -> None:
    if whole_group:
        os.killpg(process.pid, 15)
    else:
        process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _forget(reports: Path | None) -> None:
    """Remove the reports of an earlier run, lest they count for a check that dies before it writes one."""
    if reports and reports.is_dir():
        for report in reports.glob("*.xml"):
            report.unlink()
    elif reports:
        reports.unlink(missing_ok=True)
        reports.parent.mkdir(parents=True, exist_ok=True)


def _count(check: Check, code: int, tally: Tally) -> None:
    """Add the check's tests to the tally; an exit code other than 0 is a failure, whatever reports say."""
    files = (
        []
        if check.reports is None
        else sorted(check.reports.glob("*.xml"))
        if check.reports.is_dir()
        else [check.reports]
    )
    before = (tally.passed, tally.failed, tally.skipped)
    for file in files:
        if not file.is_file():
            continue
        for case in _cases(file):
            name = ".".join(part for part in (case.get("classname"), case.get("name")) if part)
            if case.find("failure") is not None or case.find("error") is not None:
                tally.failed += 1
                tally.failures.append(name)
            elif case.find("skipped") is not None:
                tally.skipped += 1
            else:
                tally.passed += 1
    if not code and files and before == (tally.passed, tally.failed, tally.skipped):
        tally.failed += 1
        tally.failures.append(f"{check.name} (ended well without running a single test)")
    if code and tally.failed == before[1]:
        tally.failed += 1
        tally.failures.append(f"{check.name} (exit code {code})")
    elif not code and not files:
        tally.passed += 1


def _cases(report: Path) -> list[ElementTree.Element]:
    """Return the test cases of a report; one cut short in the writing has none."""
    try:
        return list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 (our own report)
    except ElementTree.ParseError:
        return []


def run_all(stages: Sequence[Stage]) -> dict[str, Tally]:
    """Run the stages, two at a time, each after those it waits for; say what begins, ends, is under way."""
    LOGS.mkdir(parents=True, exist_ok=True)
    waiting, running, tallies = list(stages), dict[Future[Tally], tuple[Stage, float]](), dict[str, Tally]()
    names = {stage.name for stage in stages}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while waiting or running:
            for stage in list(waiting):
                if len(running) < AT_ONCE and all(name in tallies for name in stage.after if name in names):
                    waiting.remove(stage)
                    print(f"[{stage.name}] started", flush=True)
                    running[pool.submit(_logged, stage)] = (stage, time.monotonic())
            done, _pending = wait(running, timeout=HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                stage, _begun = running.pop(future)
                tallies[stage.name] = future.result()
                _report(stage, tallies[stage.name])
            if not done:
                under_way = ", ".join(
                    f"{stage.name} {time.monotonic() - begun:.0f} s" for stage, begun in running.values()
                )
                print(f"... running: {under_way}", flush=True)
    return tallies


def _logged(stage: Stage) -> Tally:
    with (LOGS / f"{stage.name}.log").open("w", encoding="utf-8") as log:
        try:
            return run_stage(stage, log)
        except OSError as error:
            print(error, file=log)
            return Tally(failed=1, failures=[str(error)])


def _report(stage: Stage, tally: Tally) -> None:
    """Print a stage's result; of a failed one also the end of what it said."""
    result = str(tally) if stage.counts else "failed" if tally.failed else "done"
    if tally.failed or stage.shows:
        log = LOGS / f"{stage.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print(f"[{stage.name}] the last lines of {log.relative_to(ROOT)}:")
        print("\n".join(f"    {line}" for line in lines[-(TAIL_LINES if tally.failed else stage.shows) :]))
    print(f"[{stage.name}] {result} in {tally.seconds:.0f} s", flush=True)


def summarise(tallies: dict[str, Tally], seconds: float) -> int:
    """Print the seconds of every stage, the failures by name, and the closing line; return the exit code."""
    total = Tally()
    print(f"\nStages, {seconds:.0f} s in all:")
    for name, tally in tallies.items():
        print(f"  {name:<12} {tally.seconds:6.0f} s  {tally}")
        total.passed += tally.passed
        total.failed += tally.failed
        total.skipped += tally.skipped
    for name, tally in tallies.items():
        for failure in tally.failures:
            print(f"FAILED {name}: {failure}")
    print(total, flush=True)
    return 1 if total.failed else 0


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; exit code 0 only when every stage passed, 2 for a word that names no stage."""
    named = {stage.name: stage for stage in STAGES}
    begun = time.monotonic()
    if list(arguments) == ["all"]:
        return summarise(run_all([stage for stage in STAGES if not stage.by_name]), time.monotonic() - begun)
    if list(arguments) == ["prepare"]:
        return summarise(run_all([stage for stage in STAGES if not stage.counts]), time.monotonic() - begun)
    if len(arguments) == 1 and arguments[0] in named:
        LOGS.mkdir(parents=True, exist_ok=True)
        return summarise({arguments[0]: run_stage(named[arguments[0]], None)}, time.monotonic() - begun)
    if arguments and set(arguments) <= set(named):
        return summarise(run_all([named[name] for name in arguments]), time.monotonic() - begun)
    print(f"run.py: expected one of: all, prepare, {', '.join(named)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
