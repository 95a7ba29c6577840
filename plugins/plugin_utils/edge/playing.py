# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a playbook from the command: which program, in which environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .environment import NONCE, PRODUCT, RUN, SITE


def program() -> str:
    """Return ansible-playbook: the one installed beside this command, else the first on the path."""
    beside = Path(sys.executable).parent / "ansible-playbook"
    return str(beside) if beside.exists() else shutil.which("ansible-playbook") or "ansible-playbook"


def surroundings(root: Path) -> dict[str, str]:
    """Return the environment of a playbook for the site at `root`: no run of ours, this very product's collection."""
    environment = {name: value for name, value in os.environ.items() if name not in (RUN, NONCE)}
    environment |= {SITE: str(root), "ANSIBLE_NOCOLOR": "1", "LC_ALL": environment.get("LC_ALL", "C.UTF-8")}
    if collections := collections_root():
        paths = environment.get("ANSIBLE_COLLECTIONS_PATH")
        environment["ANSIBLE_COLLECTIONS_PATH"] = f"{collections}:{paths}" if paths else str(collections)
    return environment


def collections_root() -> Path | None:
    """Return the folder that holds `ansible_collections` with this very product, None where there is no such folder."""
    if (PRODUCT / "collections" / "ansible_collections").is_dir():
        return PRODUCT / "collections"
    return PRODUCT.parents[2] if PRODUCT.parents[1].name == "ansible_collections" else None
