# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook costs: wall time and processor time of the whole process tree, against another one in turn."""

from __future__ import annotations

import configparser
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PING = """\
- name: Ping
  hosts: all
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:
"""


class BenchError(Exception):
    """A playbook did not do what is to be measured."""


@dataclass(frozen=True)
class Cost:
    """One run: wall seconds, and processor seconds of the controller's processes that have ended by then."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Command:
    """A playbook to be measured: the words after `ansible-playbook`, and its own settings."""

    argv: tuple[str, ...]
    settings: Path | None = None
    codes: tuple[int, ...] = (0,)


def play(site: Path, command: Command, *more: str) -> Cost:
    """Run a playbook in the site's folder. Raises BenchError when it does not end as expected."""
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if command.settings:
        environment["ANSIBLE_CONFIG"] = str(command.settings)
    words = ["ansible-playbook", *command.argv, *more]
    with tempfile.TemporaryFile("w+") as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=site, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode not in command.codes or "no hosts matched" in text:
        raise BenchError(f"{' '.join(words)}: exit {process.returncode}\n{text[-4000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime)


def alternate(site: Path, commands: Mapping[str, Command], runs: int, *more: str) -> dict[str, list[Cost]]:
    """Run all commands `runs` times, in turn, after one turn that is not counted: connections stand, files are warm."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            cost = play(site, command, *more)
            if turn:
                costs[name].append(cost)
    return costs


def ratio(costs: Mapping[str, Sequence[Cost]], name: str, kind: str = "wall", base: str = "ping") -> float:
    """Return the median of a command over the median of `base` in the same turns; `kind` is wall or cpu."""
    median = {one: statistics.median(getattr(cost, kind) for cost in costs[one]) for one in (name, base)}
    return median[name] / median[base]


@contextmanager
def plain_ping(site: Path) -> Iterator[Command]:
    """A playbook that only pings, over the same SSH, without our callback: what a ping costs anybody."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        playbook = Path(folder) / "ping.yml"
        playbook.write_text(PING, encoding="utf-8")
        yield Command((str(playbook),), plain_settings(site, Path(folder)))


def plain_settings(site: Path, folder: Path) -> Path:
    """Write the site's ansible.cfg without our callback into `folder`."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(site / "ansible.cfg", encoding="utf-8")
    settings.remove_option("defaults", "callbacks_enabled")
    for section, option in (("defaults", "inventory"), ("defaults", "collections_path"), ("holdfast", "site")):
        if settings.has_option(section, option):
            # Ansible reads these from the folder of the file they stand in.
            paths = [str((site / path).resolve()) for path in settings.get(section, option).split(os.pathsep)]
            settings.set(section, option, os.pathsep.join(paths))
    target = folder / "ansible.cfg"
    with target.open("w", encoding="utf-8") as file:
        settings.write(file)
    return target
