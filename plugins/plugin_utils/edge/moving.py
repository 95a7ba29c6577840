# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What package_apply and package_restore are asked and answer, as their actions and the records see it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..change.parts import Part
from ..ledger.bodies import STEPS
from ..site.policy import Patching

CHANGING = ("repair", "install")
"""Steps that change a host; waiting for a lock does not."""


def settings(part: Part, patching: Patching) -> dict[str, Any]:
    """Return the arguments of package_apply that come from the plan's decisions and the policy."""
    return {"conffiles": [one.to_dict() for one in part.conffiles], **limits(patching)}


def limits(patching: Patching) -> dict[str, Any]:
    """Return how long others are waited for, and one call of a package manager may take, forward or back, by policy."""
    return {"timeout": patching.install_minutes * 60, "lock_timeout": patching.lock_minutes * 60}


def way_back(answer: Mapping[str, Any]) -> str:
    """Return how a way back ended, by package_restore's answer: restored, partial or failed.

    Versions that are back are not all: configuration that somebody else changed meanwhile is kept, so the host is not
    as it was before the change.
    """
    if answer.get("failed"):
        return "partial" if answer.get("products") else "failed"
    return "partial" if answer.get("conffiles_conflicts") else "restored"


def touched(answer: Mapping[str, Any]) -> bool:
    """Say whether a module's answer tells of a change, or leaves it open.

    A refusal comes before anything is changed, and says so by naming what it refuses without products or deeds. An
    answer of any other form, as of a module that was killed, proves nothing.
    """
    if not answer.get("failed"):
        return True
    if answer.get("products") or any(step["step"] in CHANGING for step in answer.get("steps") or ()):
        return True
    return "refused" not in answer or bool(answer.get("hung"))


def deeds(answer: Mapping[str, Any], whole: str, began: float) -> list[dict[str, Any]]:
    """Return the timed steps of an answer for the record; where it names none, the `whole` since `began`."""
    told = [
        {"step": step["step"], "ms": step["ms"]}
        for step in answer.get("steps") or ()
        if step["step"] in STEPS and "ms" in step
    ]
    return told or [{"step": whole, "ms": elapsed(began)}]


def elapsed(began: float) -> int:
    """Return the milliseconds since a moment of the monotonic clock."""
    return round((time.monotonic() - began) * 1000)
