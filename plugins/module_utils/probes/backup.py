# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup: what is saved where, when it last was, and when a restore last proved it.

restic itself takes a second to open a repository, so its dates come from the records that `holdfast-backup` leaves
after restic has succeeded; a repository on this host must also hold the snapshot that the record names.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, NamedTuple

from ._common import Answer, must_be_one_of, observed

CONFIG = "/etc/holdfast/backup.json"
STATE = "/var/lib/holdfast/backup"
ASKS = ("keep", "paths", "place", "proof_day", "repository", "snapshot_day")
NOTHING = "no backup is set up"
DAY = 86400


class State(NamedTuple):
    """The settings, the records of the last backup and the last proved restore; empty where there are none."""

    config: dict[str, Any]
    backup: dict[str, Any]
    proof: dict[str, Any]


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def read(path: str) -> dict[str, Any]:
    """A JSON object, empty when there is no such file. Raises ValueError for another content."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as source:
        found = json.load(source)
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no object")
    return found


def collect(asked: Any) -> State:
    """The settings and both records."""
    return State(read(CONFIG), read(f"{STATE}/backup.json"), read(f"{STATE}/restore.json"))


def same_repository(record: dict[str, Any], repository: str) -> bool:
    """Whether a record is of this repository, however its path is written."""
    return os.path.normpath(str(record.get("repository", ""))) == os.path.normpath(repository)


def day(record: dict[str, Any], config: dict[str, Any]) -> Answer:
    """The day since a record of the present repository, 1 for today; nothing when there is none."""
    repository = config["repository"]
    if not same_repository(record, repository):
        return observed(None, "it has never succeeded with this repository")
    snapshot = os.path.join(repository, "snapshots", str(record.get("snapshot")))
    if repository.startswith("/") and not os.path.exists(snapshot):
        return observed(None, "the repository no longer holds the snapshot of the record")
    return observed(1 + max(0, int((time.time() - int(record["at"])) // DAY)))


def answer(argument: Any, state: State) -> Answer:
    """Settings, or the day since a success."""
    if not state.config:
        return observed(None, NOTHING)
    repository = state.config["repository"]
    if argument == "place":
        return observed("this host" if repository.startswith("/") else "elsewhere")
    if argument in ("keep", "paths", "repository"):
        return observed(state.config[argument])
    if argument == "snapshot_day":
        return day(state.backup, state.config)
    # What was proved may have been forgotten since, which takes nothing from the proof.
    if not same_repository(state.proof, repository):
        return observed(None, "no restore from this repository was ever proved")
    return observed(
        1 + max(0, int((time.time() - int(state.proof["at"])) // DAY)), f"{state.proof['files']} files compared"
    )
