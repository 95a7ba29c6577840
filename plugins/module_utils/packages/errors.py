# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops work on packages, said line by line: which package, what was found, what was expected, what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """One line of a plan (or one fact of the host) that does not fit.

    package is "name", "name (arch)" or the thing meant ("dpkg", "stage"); the others are short sentences' parts.
    """

    package: str
    found: str
    expected: str
    do: str

    def __str__(self) -> str:
        return f"{self.package}: found {self.found}; expected {self.expected}; {self.do}"

    def to_dict(self) -> dict[str, str]:
        """Return the members as a module returns them under refused."""
        return asdict(self)


class PackageError(Exception):
    """Work on packages that was refused or failed.

    refused holds one Refusal a line; details holds what happened until then (products, steps, log), for the result.
    """

    def __init__(self, message: str, refused: tuple[Refusal, ...] = (), details: dict[str, Any] | None = None) -> None:
        self.refused = refused
        self.details = details or {}
        super().__init__("; ".join([message, *(str(refusal) for refusal in refused)]))

    def to_dict(self) -> dict[str, Any]:
        """Return what a module hands to fail_json beside msg."""
        return {"refused": [refusal.to_dict() for refusal in self.refused], **self.details}
