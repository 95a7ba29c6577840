# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/verify_packages.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_packages
short_description: Compare what is installed and what runs with the locked plan
version_added: 0.1.0
description:
  - Reads the installed packages again and compares them with the plan, package by package.
  - Contributes a verify record that the verifier's key signs, and fails where anything differs, or where the package
    manager owes a package work.
  - Contributes a second record of what runs, the kernel against the newest installed and processes on replaced files.
    These fail nothing, for protected services wait for their window.
options:
  plan:
    description: The digest of the plan, as returned by M(holdfast.hipaa.gate).
    type: str
    required: true
  want:
    description: Whether the host should have the V(planned) versions, or those from V(before) the plan.
    type: str
    choices: [planned, before]
    default: planned
attributes:
  check_mode:
    description: Only reads.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Compare installed versions with the plan
  holdfast.hipaa.verify_packages:
    plan: "{{ holdfast_gate.plan }}"
"""

RETURN = r"""
running:
  description: Results of the checks C(kernel) and C(processes).
  returned: when the host was looked at
  type: dict
  sample: {"kernel": "not_applicable", "processes": "pass"}
msg:
  description: Every package that differs, with planned and installed version.
  returned: failure
  type: str
"""
