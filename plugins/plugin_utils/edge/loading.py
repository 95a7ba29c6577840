# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where Ansible loads code, variables and settings in this process, as it was started and is configured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible
from ansible import constants, context
from ansible.plugins.loader import action_loader, get_all_plugin_loaders, module_loader

from .content import COLLECTION, Loads

CORE = os.path.realpath(str(Path(ansible.__file__).parent))
"""Ansible's own code: which it is, and that it is unaltered, is the machine's package manager's business."""


def loads(playbook: Path) -> Loads:
    """Return from where a run of this playbook would load."""
    return Loads(CORE, tuple(dict.fromkeys(_places(playbook))), tuple(_collections()))


def code_of(task: Any) -> Iterator[str]:
    """Yield the files of a task's own text, and of the plugins that carry it out, as far as they are files."""
    path, _colon, _line = str(task.get_path() or "").rpartition(":")
    if path:
        yield path
    for loader in (action_loader, module_loader):
        found = loader.find_plugin_with_context(task.action, collection_list=task.collections)
        if found.resolved and found.plugin_resolved_path:
            yield str(found.plugin_resolved_path)


def _places(playbook: Path) -> Iterator[tuple[str, str]]:
    yield "a playbook", str(playbook)
    if constants.CONFIG_FILE:
        yield "settings", str(constants.CONFIG_FILE)
    for source in context.CLIARGS.get("inventory") or ():
        if "," not in source:
            yield "inventory", str(source)
    for path in constants.DEFAULT_ROLES_PATH or ():
        yield "roles", str(path)
    for _name, loader in get_all_plugin_loaders():
        configured = loader.config or ()
        for path in (*loader._extra_dirs, *configured):
            yield f"{loader.subdir.replace('_', ' ')}", os.path.abspath(os.path.expanduser(str(path)))


def _collections() -> Iterator[str]:
    """Yield each folder with this collection, in the order in which Ansible looks for it."""
    tail = os.path.join(*COLLECTION.split("."))
    for path in constants.COLLECTIONS_PATHS or ():
        for folder in (os.path.join(str(path), "ansible_collections", tail), os.path.join(str(path), tail)):
            if os.path.isdir(folder):
                yield folder
                break
