# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans on disk: one file each, named by its own SHA-256, written once and never changed."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from pathlib import Path

from ..errors import LedgerError, PlanError
from ..ledger import canonical
from .plan import Plan

MAX_BYTES = 32 * 1024 * 1024
"""Far above 1,000 assets with 50 packages each; a wrong file is refused before it is parsed."""


def plan_path(directory: Path, digest: str) -> Path:
    """Return where the plan with this digest lies; raises PlanError when `digest` is no SHA-256."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise PlanError(
            f"plan {digest!a}: is no digest; expected 64 lowercase hexadecimal digits; see `holdfast change list`"
        )
    return directory / f"{digest}.json"


def save_plan(plan: Plan, directory: Path) -> Path:
    """Write the plan as DIRECTORY/<digest>.json (mode 0644), whole or not at all; return the path.

    A file of that name with the same bytes is left alone. Raises PlanError where it holds other bytes (it is
    never overwritten), or where the plan breaks a rule.
    """
    target = plan_path(directory, plan.checked().digest)
    directory.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".plan-", dir=directory)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(plan.canonical)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        try:
            # A link, not a rename: it fails where the name is taken, whoever took it.
            os.link(temporary, target)
        except FileExistsError:
            if target.read_bytes() != plan.canonical:
                raise PlanError(
                    f"{target}: holds other bytes than the plan it is named after; "
                    f"expected plan {plan.digest}; "
                    "find out who changed it, move it away, and plan again"
                ) from None
    finally:
        os.unlink(temporary)
    return target


def load_plan(path: Path) -> Plan:
    """Read one plan file.

    Raises PlanError when it cannot be read, is not canonical JSON byte for byte, breaks a rule of
    Plan.from_dict, or is named by a digest that is not its own.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlanError(f"{path}: {path.stat().st_size} bytes; expected at most {MAX_BYTES}; name a plan file")
        raw = path.read_bytes()
    except OSError as error:
        raise PlanError(
            f"{path}: cannot be read ({error.strerror}); expected a plan; copy it here or plan again"
        ) from error
    try:
        plan = _plan(raw)
    except LedgerError as error:
        raise PlanError(f"{path}: {str(error).removeprefix('record: ')}; restore the file or plan again") from error
    except PlanError as error:
        raise PlanError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error
    if re.fullmatch(r"[0-9a-f]{64}", path.stem) and path.stem != plan.digest:
        raise PlanError(
            f"{path}: its SHA-256 is {plan.digest}; expected the one it is named after; restore the file or plan again"
        )
    return plan


@functools.lru_cache(maxsize=4)
def _plan(raw: bytes) -> Plan:
    """Return the plan of these very bytes.

    Every task of every host asks for the same plan; workers inherit what the process they are forked from has read.
    """
    return Plan.from_dict(canonical.decode(raw))
