# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One scheduled drift check: alone on this site, to its end or to its limit, and what became of it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import HoldfastError
from ..ledger.reading import Record
from ..site.site import Site
from .opening import open_ledger, records_of
from .playing import program, surroundings

LOCK = "watch.lock"
PLAYBOOK = "holdfast.hipaa.check_drift"
SHOWN = 12
"""Lines of a failed playbook's output that are passed on."""


class OverlapError(HoldfastError):
    """Another scheduled check of this site is still running."""


@dataclass(frozen=True)
class Checked:
    """How a check went. `problems`: why it says nothing, or not of every host; `said`: the end of Ansible's output."""

    run_id: str | None
    outcome: str | None
    problems: tuple[str, ...]
    records: Sequence[Record]
    said: str


def alone(root: Path) -> IO[bytes]:
    """Return the held lock of the site at `root`; the kernel takes it back when the last process of the check ends.

    Raises OverlapError while another check holds it.
    """
    folder = root / "ledger"
    path = (folder if folder.is_dir() else root) / LOCK
    try:
        lock = path.open("ab")
    except OSError as error:
        raise HoldfastError(
            f"{path}: {error.strerror}; expected a file this user can write; correct its owner"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise OverlapError(
            f"{path}: the check before this one is still running; it was left alone; "
            "if that goes on, check less often, or look at what it waits for"
        ) from None
    return lock


def check(site: Site, minutes: int, lock: IO[bytes]) -> Checked:
    """Run `check_drift` once on every host of the site, and return what its records say.

    A playbook that does not end within `minutes` is stopped, first politely. What counts is what was recorded: a run
    whose close cannot be found, or that lacks a host, is a problem, whatever Ansible's exit code. The playbook's
    processes hold `lock` as well, so a check whose watcher was killed still keeps the next one off.
    """
    before = open_ledger(site).size
    code, said = _play(site.root, minutes * 60, lock)
    records = records_of(site)
    opened = [r for r in records if r.index >= before and r.step == "run-open" and r.body["kind"] == "check"]
    if not opened:
        return Checked(None, None, (f"the check did not begin ({_ended(code, minutes)})",), records, said)
    run_id = str(opened[-1].body["run_id"])
    closed = [r for r in records if r.step == "run-close" and r.body["run_id"] == run_id]
    if not closed:
        return Checked(run_id, None, (f"the check did not end ({_ended(code, minutes)})",), records, said)
    body = closed[0].body
    problems = []
    deaf = {
        result["asset"]
        for record in records
        if record.step == "deploy" and record.body["run_id"] == run_id
        for result in record.body["results"]
        if result["outcome"] == "unreachable"
    }
    if silent := sorted(deaf | set(body["missing_assets"])):
        problems.append(f"no answer from {', '.join(silent)}")
    if not problems and (code or body["outcome"] not in ("ok", "drift")):
        problems.append(f"the check closed as {body['outcome']} ({_ended(code, minutes)})")
    return Checked(run_id, str(body["outcome"]), tuple(problems), records, said)


def _play(root: Path, seconds: int, lock: IO[bytes]) -> tuple[int | None, str]:
    """Return the playbook's exit code, None when it had to be stopped, and the end of what it said."""
    ansible = program()
    try:
        process = subprocess.Popen(
            [ansible, PLAYBOOK],
            cwd=root,
            env=surroundings(root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )
    except OSError as error:
        raise HoldfastError(f"{ansible}: {error.strerror}; install ansible-core beside holdfast") from error
    try:
        output, _unused = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        output, code = _stop(process), None
    except BaseException:
        _stop(process)
        raise
    lines = output.decode("utf-8", "replace").rstrip().splitlines()
    return code, "\n".join(lines[-SHOWN:])


def _stop(process: subprocess.Popen[bytes]) -> bytes:
    """End a playbook and all it started, politely first: Ansible then takes its connections down."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            output, _unused = process.communicate(timeout=20)
            return output
    return b""


def _ended(code: int | None, minutes: int) -> str:
    return f"stopped after {minutes} minutes" if code is None else f"ansible-playbook left with {code}"
