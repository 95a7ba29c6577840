# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines as evidence: the digest that names what one says."""

from __future__ import annotations

import hashlib

from ..ledger.canonical import encode
from ..site.baseline import Baseline


def baseline_digest(baseline: Baseline) -> str:
    """Return the SHA-256 of a baseline's canonical JSON: what it says, in one file or in parts.

    Members that a control leaves empty are left out, so that a later release that knows more members still names an
    old baseline by the same digest.
    """
    said = baseline.to_dict()
    said["controls"] = [
        {name: member for name, member in control.items() if name == "value" or member not in ("", [], None)}
        for control in said["controls"]
    ]
    return hashlib.sha256(encode(said)).hexdigest()
