# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds RPM's or dnf's lock, and waiting for it with a limit. RPM locks with fcntl, dnf writes its pid."""

from __future__ import annotations

import time
from pathlib import Path

from . import locks
from .errors import PackageError, Refusal
from .locks import Holder

PID_FILES = (Path("/var/lib/dnf/rpmdb_lock.pid"), Path("/var/run/yum.pid"))
_OWNERS = ("dnf", "yum", "python", "platform-python", "packagekitd", "microdnf")
_EVERY_SECONDS = 0.5

TIMERS = ("dnf-automatic.timer", "dnf-automatic-install.timer", "dnf-makecache.timer")
SERVICES = ("dnf-automatic.service", "dnf-automatic-install.service", "packagekit-offline-update.service")
"""What changes packages by itself, as units of systemd."""


def holder(database: Path, pid_files: tuple[Path, ...] = PID_FILES, proc: Path = Path("/proc")) -> Holder | None:
    """Return who holds a lock, without locking anything; None when nobody does.

    A file that names a process which is gone, or is none of dnf's kind by now, is what a killed dnf left: dnf itself
    takes it over.
    """
    held = locks.holder((database / ".rpm.lock",))
    if held is not None:
        return held
    for path in pid_files:
        try:
            pid = int(path.read_text(encoding="ascii"))
            command = (proc / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except (OSError, ValueError):
            continue
        if command.startswith(_OWNERS):
            return Holder(pid, command, str(path))
    return None


def wait(seconds: float, database: Path) -> Holder | None:
    """Wait until nobody holds the locks and return the last holder seen, None when there was none.

    Raises PackageError naming the holder when the time is over.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        now = holder(database)
        if now is None:
            return last
        last = now
        if time.monotonic() >= deadline:
            found = f"the lock held by {now} after {seconds:.0f} s"
            do = "wait for that process to end, or raise lock_timeout"
            raise PackageError("RPM's database is busy", (Refusal("rpm", found, "a free lock", do),))
        time.sleep(_EVERY_SECONDS)
