# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having Ansible list an inventory: any that it can read, with its own rules for what variable wins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import HoldfastError, UsageError
from ..intake.ansible_list import LARGEST
from .environment import NONCE, RUN

PATIENCE = 300
"""Seconds that Ansible may take; an inventory of the cloud asks its provider."""


class NoInventoryError(HoldfastError):
    """Ansible did not list the inventory."""


def listed(inventory: Path) -> bytes:
    """Return what `ansible-inventory --list` prints of an inventory, as it is for plays.

    Whatever the inventory is, Ansible runs: a script of it is a program. Raises UsageError or NoInventoryError.
    """
    if not inventory.exists():
        raise UsageError(f"{inventory}: no such file or folder; expected an Ansible inventory")
    beside = Path(sys.executable).parent / "ansible-inventory"
    program = str(beside) if beside.exists() else shutil.which("ansible-inventory") or "ansible-inventory"
    environment = {name: value for name, value in os.environ.items() if name not in (RUN, NONCE)}
    environment |= {
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
        # A file that no plugin can read would else be an inventory without hosts.
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        # A site's ansible.cfg reads the register and nothing else; another inventory is read here on purpose.
        "ANSIBLE_INVENTORY_ENABLED": "host_list,script,auto,yaml,ini,toml",
    }
    argv = [program, "-i", str(inventory.absolute()), "--list"]
    try:
        done = subprocess.run(argv, capture_output=True, env=environment, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoInventoryError(f"{inventory}: ansible-inventory did not list it: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NoInventoryError(f"{inventory}: ansible-inventory left with {done.returncode}: {' '.join(said)[-500:]}")
    if len(done.stdout) > LARGEST:
        raise NoInventoryError(f"{inventory}: its list has {len(done.stdout)} bytes; expected at most {LARGEST}")
    return done.stdout
