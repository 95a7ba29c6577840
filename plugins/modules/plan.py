# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/plan.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Locks the pending updates that hosts reported into one plan
version_added: 0.1.0
description:
  - Takes what M(holdfast.hipaa.package_state) returned for each host of the play and what the policy says of patching,
    and writes the plan to the site's folder C(plans), named by the SHA-256 of its bytes.
  - A host whose lists are too old, or an update without a way back, is refused by name.
options:
  title:
    description: What approvers read first.
    type: str
    required: true
  reason:
    description: Why the change is wanted.
    type: str
    required: true
  state:
    description: Name of the variable that holds each host's package state.
    type: str
    default: holdfast_state
attributes:
  check_mode:
    description: Builds and prints the plan, and writes no file.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Lock the plan
  holdfast.hipaa.plan:
    title: November security updates
    reason: Security updates published by the vendor
  run_once: true
"""

RETURN = r"""
plan:
  description: The plan's digest.
  returned: success
  type: str
path:
  description: The plan's file; empty in check mode.
  returned: success
  type: str
not_planned:
  description: Hosts that are not in the plan, for they gave no answer or were refused; the play says why.
  returned: success
  type: list
  elements: str
"""
