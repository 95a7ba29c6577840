# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""time_zone: the zone that programs of this host take for local time (localtime(5), the link /etc/localtime)."""

from __future__ import annotations

import os
from typing import Any

from ._common import Answer, must_be_one_of, observed

PATH = "/etc/localtime"
ZONES = "zoneinfo/"


def check(argument: Any) -> None:
    """The argument is local."""
    must_be_one_of(argument, ("local",))


def collect(asked: Any) -> str:
    """What the link says; "" where there is none, nothing where it is a file and so names no zone."""
    if os.path.islink(PATH):
        return os.readlink(PATH)
    return "" if not os.path.lexists(PATH) else PATH


def answer(argument: Any, state: str) -> Answer:
    """The zone's name. localtime(5): without the file it is UTC."""
    if not state:
        return observed("Etc/UTC", "there is no /etc/localtime, which means UTC")
    _before, found, name = state.rpartition(ZONES)
    return observed(name) if found else observed(None, f"{PATH} is no link to a zone, so that nobody can say its name")
