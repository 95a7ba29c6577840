# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the host's own package tools: argument lists only, plain C messages, never a dialogue, always a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import hung
from .errors import PackageError

READ_SECONDS = 120
"""How long a tool that only reads may take; a cold cache on a slow disk needs most of it."""

_SECONDS_TO_DIE = 15
_SECONDS_TO_END = 60
_HANGS = 3
"""After a hung script was ended, dpkg may finish the rest in order: so long, and so many times."""


@dataclass(frozen=True)
class Done:
    """A tool that ended: its exit code and what it wrote.

    hung names the maintainer scripts that were ended because the time was over, as "package (script)".
    """

    code: int
    out: str
    err: str
    hung: tuple[str, ...] = ()

    def complaint(self) -> str:
        """Return the lines that say why it failed (apt's E: and dpkg's error lines), else the last ones; bounded."""
        lines = [line.strip() for line in (self.err + "\n" + self.out).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(("E:", "dpkg: error", "Err:"))]
        return " | ".join(errors or lines[-3:])[:1500]


def environment() -> dict[str, str]:
    """Return the environment every tool gets.

    sudo and Ansible drop or change variables, so the silence of debconf, needrestart, apt-listchanges and ucf is set
    here and nowhere else. Proxies pass, for apt honours them.
    """
    kept = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    return {
        **kept,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C",
        "LANG": "C",
        "DEBIAN_FRONTEND": "noninteractive",
        "DEBIAN_PRIORITY": "critical",
        "DEBCONF_NONINTERACTIVE_SEEN": "true",
        "NEEDRESTART_SUSPEND": "1",
        "NEEDRESTART_MODE": "l",
        "APT_LISTCHANGES_FRONTEND": "none",
        "APT_LISTBUGS_FRONTEND": "none",
        "UCF_FORCE_CONFFOLD": "1",
    }


def run(argv: list[str], *, seconds: float = READ_SECONDS, cwd: Path | None = None, log: Path | None = None) -> Done:
    """Run one tool to its end and return what it said, whatever its exit code.

    With log, its words go to that file (0600, appended) instead of a pipe and it runs in a session of its own: a
    controller that dies leaves no broken pipe and no hang-up behind, so a half-done installation ends by itself.

    When the time is over and a maintainer script is what it waits for, that script alone is ended, and named in hung:
    dpkg then writes the failure down and finishes the rest in order.

    Raises PackageError when the tool is not there or is still running after that many seconds (it is then told to
    stop, and killed when it does not).
    """
    try:
        if log is None:
            return _run(argv, seconds, cwd)
        return _run_logged(argv, seconds, cwd, log)
    except FileNotFoundError as missing:
        raise PackageError(
            f"{argv[0]} is not on this host; expected apt and dpkg; take this host out of the plan"
        ) from missing


def _run(argv: list[str], seconds: float, cwd: Path | None) -> Done:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=cwd,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException as problem:
        _stop(process)
        if isinstance(problem, subprocess.TimeoutExpired):
            raise PackageError(_too_long(argv, seconds)) from problem
        raise
    return Done(process.returncode, out, err)


def _run_logged(argv: list[str], seconds: float, cwd: Path | None, log: Path) -> Done:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        began = os.fstat(descriptor).st_size
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=environment(),
            cwd=cwd,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    scripts = _wait(process, argv, seconds)
    with log.open("rb") as written:
        written.seek(began)
        text = written.read().decode("utf-8", "replace")
    return Done(process.returncode, text, "", scripts)


def _wait(process: subprocess.Popen[bytes], argv: list[str], seconds: float) -> tuple[str, ...]:
    """Wait for a tool, ending the scripts it hangs in; return their names. Raises PackageError when it was stopped."""
    scripts: tuple[str, ...] = ()
    patience = seconds
    while True:
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired as problem:
            script = hung.script(process.pid)
            scripts += () if script is None else (script,)
            if script is None or len(scripts) > _HANGS:
                _stop(process)
                raise PackageError(_too_long(argv, seconds), (), {"hung": ", ".join(scripts) or None}) from problem
            hung.end(process.pid)
            patience = _SECONDS_TO_END
        else:
            return scripts


def _stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End the tool and its children; they are asked first, for a killed dpkg leaves more to repair."""
    for ask in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, ask)
        deadline = time.monotonic() + _SECONDS_TO_DIE
        while time.monotonic() < deadline:
            process.poll()
            if not _alive(process.pid):
                return
            time.sleep(0.05)


def _alive(group: int) -> bool:
    """Return whether any process of the group still runs; one that only waits to be collected does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, its_group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def _too_long(argv: list[str], seconds: float) -> str:
    return (
        f"{' '.join(argv[:2])}: still running after {seconds:.0f} s; it was stopped; look at the host, then run again"
    )
