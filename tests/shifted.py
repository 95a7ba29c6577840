# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller's clock that a file shifts: for what takes hours, and for what a clock that jumps does to a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import needs
from lab.errors import MissingError
from lab.process import run

SOURCE = Path(__file__).parent / "faults" / "clock.c"


def shifted_clock(folder: Path) -> dict[str, str]:
    """Return the environment of a run whose clock the file named by CLOCK_SHIFT shifts; it holds 0 until it is written.

    A container has its machine's clock, so the hosts' cannot be set. Skips where there is no compiler.
    """
    try:
        needs.compiler(print)
    except MissingError as exc:
        pytest.skip(str(exc))
    library = folder / "clock.so"
    run(["gcc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"])
    (folder / "clock").write_text("0", encoding="ascii")
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(folder / "clock")}
