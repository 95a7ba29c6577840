# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a host with the lines of a plan, before and after: a refusal for each line that is off.

Nothing here changes anything or fails by itself.
"""

from __future__ import annotations

from . import dpkg, offers, transaction
from .dpkg import Package
from .errors import Refusal
from .moves import Move
from .stagedir import Stage

Inventory = dict[tuple[str, str], Package]


def unfit(moves: tuple[Move, ...], now: Inventory) -> tuple[Refusal, ...]:
    """Return the lines whose package is at neither version, on hold, or without a file to go back to."""
    refused = []
    for move in moves:
        package = now.get(move.line.key)
        if move.done(package):
            continue
        found = "not installed" if package is None else package.version
        if not move.may_start(package):
            do = "plan again: the host was changed since"
            refused.append(Refusal(move.line.label, found, move.expected(), do))
        elif package is not None and package.held:
            refused.append(Refusal(move.line.label, "a hold", "none", "release the hold or plan again"))
        elif move.goal is None and move.line.before is not None:
            do = "bring that version's file and install it by hand"
            refused.append(Refusal(move.line.label, "no earlier version locked", move.line.before, do))
    return tuple(refused)


def unmended(moves: tuple[Move, ...], now: Inventory) -> tuple[Refusal, ...]:
    """Return the packages no plan names that dpkg could not finish."""
    planned = {move.line.key for move in moves}
    found = "{} after dpkg --configure --pending"
    return tuple(
        Refusal(
            f"{package.name} ({package.arch})",
            found.format(package.status),
            "installed",
            "mend it by hand: no plan names it",
        )
        for package in dpkg.unfinished(now)
        if package.key not in planned
    )


def unfinishable(todo: tuple[Move, ...], now: Inventory) -> tuple[Refusal, ...]:
    """Return all lines when all that is left is what a repair has just failed at: doing it again would fail again."""
    left = [(move, now.get(move.line.key)) for move in todo]
    if not all(move.mended(package) for move, package in left):
        return ()
    do = "read the log; go back to the earlier versions or mend it by hand"
    return tuple(
        Refusal(move.line.label, f"{package.version}, {package.status}", "installed", do)
        for move, package in left
        if package is not None
    )


def unstaged(moves: tuple[Move, ...], stage: Stage) -> tuple[Refusal, ...]:
    """Return the files these lines need that are not in the stage as the plan locks them."""
    debs = [move.goal for move in moves if move.goal is not None]
    missing, refused = stage.look(debs) if debs else ((), ())
    absent = (Refusal(f"{deb.name} ({deb.arch})", "nothing staged", deb.file, "run package_stage") for deb in missing)
    return (*refused, *absent)


def unlike(would: transaction.Transaction, todo: tuple[Move, ...], now: Inventory, native: str) -> tuple[Refusal, ...]:
    """Return every difference between what apt would do and what is left of the plan."""
    # What is unpacked at its goal already is configured on the way, and no installation.
    installs = {
        move.line.key: move.goal.version
        for move in todo
        if move.goal is not None and not move.mended(now.get(move.line.key))
    }
    removes = {offers.apt_name(*move.line.key, native) for move in todo if move.goal is None}
    return transaction.differences(would, installs, removes)


def unproved(moves: tuple[Move, ...], now: Inventory, after: Inventory) -> tuple[Refusal, ...]:
    """Return every planned package that is not at its goal, and every other package that changed."""
    refused = []
    for move in moves:
        package = after.get(move.line.key)
        if not move.done(package):
            found = "not installed" if package is None else f"{package.version}, {package.status}"
            goal = "not installed" if move.goal is None else f"{move.goal.version}, installed"
            refused.append(Refusal(move.line.label, found, goal, "read the log"))
    planned = {move.line.key for move in moves}
    for key in sorted((now.keys() | after.keys()) - planned):
        was, has = now.get(key), after.get(key)
        if (was and was.version) != (has and has.version):
            found = f"{has.version if has else 'not installed'} since this run"
            expected = was.version if was else "not installed"
            refused.append(Refusal(f"{key[0]} ({key[1]})", found, expected, "read the log"))
    return tuple(refused)
