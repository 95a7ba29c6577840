# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the host's own programs for images and guards: argument lists, plain C messages, always a time limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECONDS = 30.0


def program(name: str) -> str:
    """Return the path of a program, or "" when this host has none of that name."""
    for folder in PATH.split(":"):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return ""


def run(argv: Sequence[str], *, stdin: str = "", seconds: float = SECONDS) -> tuple[int, str, str]:
    """Return exit code, output and errors of a program; one that is missing or does not end has exit code -1."""
    environment = {"LC_ALL": "C", "PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
    try:
        done = subprocess.run(
            list(argv), input=stdin, capture_output=True, env=environment, timeout=seconds, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except FileNotFoundError:
        return -1, "", f"{argv[0]} is not on this host"
    except subprocess.TimeoutExpired:
        return -1, "", f"{argv[0]} gave no answer within {seconds:g} seconds"
    return done.returncode, done.stdout, done.stderr


def trouble(argv: Sequence[str], *, stdin: str = "", seconds: float = SECONDS) -> str:
    """Run a program and return "" when it succeeded, else one line that says which and why."""
    code, _out, errors = run(argv, stdin=stdin, seconds=seconds)
    if code == 0:
        return ""
    said = errors.strip().splitlines() or ["it said nothing"]
    return f"{' '.join(argv[:4])}: {said[-1][:160]}"
