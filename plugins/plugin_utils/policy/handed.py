# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline hands in at the gate: reports of tests, and the files it would deploy (rules: pipeline.py)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """One report of tests: the file's SHA-256, how many tests ran and how many went wrong, and what they were of."""

    name: str
    sha256: str
    tests: int
    wrong: int
    of: frozenset[str]
    """The digests that the report says it tested."""


@dataclass(frozen=True)
class Artefact:
    """One file that would be deployed."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Pipeline:
    """What was handed in."""

    reports: tuple[Report, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
