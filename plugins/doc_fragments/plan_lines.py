# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that act on a plan's lines have in common, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of package_stage, package_apply and package_restore."""

    DOCUMENTATION = r"""
options:
  manager:
    description:
      - The package manager that does it. C(auto) is the one whose database the host uses.
      - A host where both dpkg and RPM have packages is refused until one is named.
    type: str
    choices: [auto, apt, dnf]
    default: auto
  packages:
    description:
      - The plan's lines for this host, as the plan holds them.
      - Every member is checked; a line that is not in order is refused by name before anything happens.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The binary package's name.
        type: str
        required: true
      arch:
        description: The package's architecture, C(all) included.
        type: str
        required: true
      from:
        description: The version the host has, or null for a package the plan brings in.
        type: str
      to:
        description: The version the plan locks.
        type: str
        required: true
      sha256:
        description: SHA-256 of the package file, in lower-case hex.
        type: str
        required: true
      size:
        description: Size of the package file in bytes.
        type: int
        required: true
      file:
        description: Name of the package file, which follows from name, version and architecture.
        type: str
        required: true
      rollback:
        description: The exact file of the version in O(packages[].from), or null when no archive has it.
        type: dict
        suboptions:
          version:
            description: The same version as O(packages[].from).
            type: str
            required: true
          sha256:
            description: SHA-256 of that file, in lower-case hex.
            type: str
            required: true
          size:
            description: Size of that file in bytes.
            type: int
            required: true
          file:
            description: Name of that file.
            type: str
            required: true
          from:
            description: Where that file comes from.
            type: str
            choices: [archive, pool, repacked]
            default: archive
      path:
        description: Where the archive keeps the file. Not used here; a plan may carry it.
        type: str
      origin:
        description: The archive's label. Not used here; a plan carries it.
        type: str
      suite:
        description: The archive's suite. Not used here; a plan carries it.
        type: str
      codename:
        description: The archive's codename. Not used here; a plan may carry it.
        type: str
      security:
        description: Whether the version comes from a security archive. Not used here; a plan carries it.
        type: bool
      source:
        description: The source package. Not used here; a plan carries it.
        type: str
      source_version:
        description: The source package's version. Not used here; a plan may carry it.
        type: str
      cves:
        description: The CVE ids the change mends. Not used here; a plan carries them.
        type: list
        elements: str
  plan_digest:
    description: The plan's digest, 64 lower-case hex digits. It names the stage.
    type: str
    required: true
  stage_dir:
    description:
      - The folder of package files. Only root may enter it.
      - The default is C(/var/lib/holdfast/stage/) and the plan's digest.
    type: path
requirements:
  - python >= 3.9
  - apt and dpkg, or dnf 4 and rpm
"""
