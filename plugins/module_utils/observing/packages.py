# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every installed package with its source, as dpkg or RPM has it; of one that is there in several versions, each."""

from __future__ import annotations

import os
from typing import Any

from ..packages import dpkg, manager, rpm_database
from ..packages.errors import PackageError


def read() -> tuple[str, list[dict[str, Any]]]:
    """The manager, dpkg or rpm, and the rows. Raises PackageError where there is neither, or no answer."""
    if manager.chosen() == manager.DNF:
        # Not narrowed to one version a package: three kernels are three things to be patched.
        found = [package for versions in rpm_database.every_version().values() for _when, package in versions]
        name = "rpm"
    elif os.path.exists(manager.DPKG_STATUS):
        found = list(dpkg.inventory().values())
        name = "dpkg"
    else:
        raise PackageError("this host has neither dpkg nor RPM; what is installed here is not known")
    rows = {
        (one.name, one.version, one.arch): {
            "name": one.name,
            "version": one.version,
            "architecture": one.arch,
            "source": one.source,
            "source_version": one.source_version,
        }
        for one in found
    }
    return name, [rows[key] for key in sorted(rows)]
