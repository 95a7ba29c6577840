# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Silence: the log promised that no two records are further apart than so long, and the records say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .envelopes import Entry
from .report import Notes

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""


def check_heartbeats(entries: Sequence[Entry], now: datetime, notes: Notes) -> None:
    """Note gaps longer than was promised: one that is over as something to know, one that goes on as a finding."""
    if all(entry.step != "heartbeat" for entry in entries):
        return
    promise: Entry | None = None
    last: datetime | None = None
    for entry in entries:
        if promise is not None and last is not None and entry.at - last > _allowed(promise):
            notes.warn("heartbeat-late", entry.index, _said(entry.at - last, promise))
        last = entry.at if last is None else max(last, entry.at)
        if entry.step == "heartbeat":
            promise = entry if entry.body["within_s"] else None
    if promise is not None and last is not None and now - last > _allowed(promise):
        notes.find("heartbeat-missed", None, _said(now - last, promise))


def _allowed(promise: Entry) -> timedelta:
    return timedelta(seconds=promise.body["within_s"]) + SKEW


def _said(gap: timedelta, promise: Entry) -> str:
    return (
        f"no record for {int(gap.total_seconds())} s; entry {promise.index} promised one within "
        f"{promise.body['within_s']} s"
    )
