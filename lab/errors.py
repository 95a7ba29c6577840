# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong in the lab, said with what to do about it."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what was asked. `exit_code` is what the command returns."""

    exit_code = 3


class UsageError(LabError):
    """What was asked makes no sense: an unknown host, a name that is no name."""

    exit_code = 2


class MissingError(LabError):
    """This machine cannot run the lab as it is. The message names what to install or change."""
