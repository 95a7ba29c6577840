# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors the engine raises; each knows the exit code the command leaves with (docs/reference/exit-codes.md)."""

from __future__ import annotations


class HoldfastError(Exception):
    """Something the engine cannot or will not do; the text names where, what was found and expected, what to do."""

    exit_code: int = 3


class UsageError(HoldfastError):
    """The caller's words make no sense."""

    exit_code = 2


class SiteError(HoldfastError):
    """A file of the site (register, baseline, policy, trust) is not acceptable; nothing was done."""

    exit_code = 2


class PlanError(HoldfastError):
    """A plan cannot be built, read, or is not what was approved."""


class PolicyError(HoldfastError):
    """A decision could not be made (not: a decision to deny, which is a result)."""


class DeniedError(PolicyError):
    """The gate's no, to the run that asked; `rules` are the ids of all that objects."""

    def __init__(self, message: str, rules: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rules = rules


class LedgerError(HoldfastError):
    """The ledger cannot be read or written, or a record is not of its closed form."""


class TrustError(HoldfastError):
    """A key, a signature or the trust document is not what it must be."""


class ContentError(HoldfastError):
    """Content that runs (a playbook, role, module, policy) is not what was signed, or its manifest is none."""
