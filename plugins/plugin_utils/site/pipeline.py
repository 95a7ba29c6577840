# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/pipeline.yml: what `holdfast gate` wants of a pipeline before it may deploy, beside what every run needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .structure import Fields, Word

PIPELINE = Fields(
    "what a pipeline must hand in",
    required={
        "tests": Word(("required", "optional")),
        "artefacts": Word(("required", "optional")),
    },
)
"""What policy/pipeline.yml may hold."""


@dataclass(frozen=True)
class PipelinePolicy:
    """`tests`: a report of tests of the plan is handed in, and none of them failed.

    `artefacts`: the files that would be deployed are, and each of them is one that the plan locks.
    """

    tests: str = "required"
    artefacts: str = "required"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PipelinePolicy:
        """Read the checked file; what it leaves out is required."""
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        return {"tests": self.tests, "artefacts": self.artefacts}
