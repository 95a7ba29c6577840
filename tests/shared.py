# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data too large for the repository, which lies beside it: `../shared/data` of the checkout."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

from tests.artefacts import GIT

ROOT = Path(__file__).resolve().parents[1]


@functools.cache
def _folder() -> Path | None:
    places = [ROOT]
    # A further work tree lies elsewhere; the data lies beside the first one.
    command = [*GIT, "rev-parse", "--git-common-dir"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        places.append((ROOT / asked.stdout.strip()).resolve().parent)
    found = (place.parent / "shared" / "data" for place in places)
    return next((one for one in found if one.is_dir()), None)


def shared(path: str) -> Path:
    """Return a file or folder of the shared data; the test is skipped where there is none."""
    folder = _folder()
    if folder is None or not (folder / path).exists():
        pytest.skip(f"needs {path} in ../shared/data beside the checkout")
    return folder / path
