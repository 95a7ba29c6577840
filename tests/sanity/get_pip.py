# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts pip into the virtual environment it runs in, from the one wheel of pip that lies beside it.

ansible-test makes its environments without pip and fetches a script of this kind from a host that is no
package registry, unless one lies in its cache; run.py lays this one there, and the wheel. See README.md here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Install the wheel by running it; the arguments, which name the version the wheel has, add nothing."""
    (wheel,) = Path(__file__).parent.glob("pip-*.whl")
    argv = [
        sys.executable,
        "-I",
        f"{wheel}/pip",
        "install",
        "--quiet",
        "--no-index",
        "--disable-pip-version-check",
        str(wheel),
    ]
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    main()
