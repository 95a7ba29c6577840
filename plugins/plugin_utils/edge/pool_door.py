# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the pool for one run: started when the first host needs it, ended by itself when the run's process is.

Ansible's workers are forks that end with their task, so the server is a process of its own. It watches the run's
process; nothing has to remember to stop it, and a run that is killed leaves none behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import HoldfastError
from ..site.site import Site
from .playing import collections_root, surroundings
from .pool import Pool, PoolError

MODULE = "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"
START = 30
"""Seconds a server may take until it says where it serves."""


def open_door(site: Site, run_id: str, controller: int) -> str:
    """Return the address at which this site's pool is served for a run, after starting the server where none is yet.

    `controller` is the run's process, with which the server ends. Raises HoldfastError where it cannot be started.
    """
    told = Pool(site.pool.folder).workshop() / f"{run_id}.door"
    with told.open("a+", encoding="utf-8") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        door.seek(0)
        if (said := door.read()) and _alive(int(json.loads(said)["pid"])):
            return str(json.loads(said)["url"])
        url, pid = _start(site, controller)
        door.truncate(0)
        door.write(json.dumps({"url": url, "pid": pid}))
    return url


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _start(site: Site, controller: int) -> tuple[str, int]:
    words = [sys.executable, "-m", MODULE, "pool", "serve", "--format", "json", "--site", str(site.root)]
    environment = surroundings(site.root)
    if root := collections_root():
        environment["PYTHONPATH"] = str(root)
    process = subprocess.Popen(
        [*words, "--while", str(controller)],
        cwd=site.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process.stdout as said:  # type: ignore[union-attr]  # it is a pipe: we asked for one
        ready, _unused, _none = select.select([said], [], [], START)
        line = said.readline() if ready else b""
    if not line:
        process.kill()
        raise HoldfastError(
            f"site.yml: pool.address: {site.pool.address} port {site.pool.port}: the pool could not be served there; "
            "try `holdfast pool serve`, which says why"
        )
    return str(json.loads(line)["url"]), process.pid


@contextmanager
def claimed(folder: Path, digests: Iterable[str]) -> Iterator[list[str]]:
    """Yield those of the digests that nobody else is bringing to the pool now; they are ours until the block ends.

    The kernel takes a claim back when its process dies. Raises PoolError where the folder cannot be written to.
    """
    ours: list[str] = []
    with ExitStack() as held:
        for digest in digests:
            path = folder / f"{digest}.claim"
            try:
                claim = held.enter_context(path.open("ab"))
            except OSError as error:
                raise PoolError(f"{path}: {error.strerror}; expected a folder this user can write to") from error
            with suppress(BlockingIOError):
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.callback(path.unlink, missing_ok=True)
                ours.append(digest)
        yield ours
