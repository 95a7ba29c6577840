# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/preflight.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find out where a host stands in a change, and what is in the way there
version_added: 0.1.0
description:
  - Compares the installed versions with the plan's two sets of versions, and with what the ledger tells of earlier runs
    of the change. A run that was killed, or lost the host, could not record what it had done there.
  - Names what is in the way of a plan that is staged, one line each, and fails then; nothing is changed, and the record
    says that the host was skipped, and why.
  - Fails as well for a host that an earlier run left unhealthy or half-way back, so that it goes back before anything
    else is tried.
  - Works only inside a run on record.
options:
  plan:
    description: The digest of the plan, as M(holdfast.hipaa.gate) returned it.
    type: str
    required: true
attributes:
  check_mode:
    description: Does the same; nothing is ever changed.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Find out where the host stands, and what is in the way
  holdfast.hipaa.preflight:
    plan: "{{ holdfast_gate.plan }}"
  register: holdfast_preflight
"""

RETURN = r"""
position:
  description: Where the host stands, V(before) the plan, at it (V(planned)), V(between) or V(elsewhere).
  returned: when the host was looked at
  type: str
touched:
  description: Whether an earlier run of this change has changed the host, wholly or in part.
  returned: when the host was looked at
  type: bool
back:
  description: Whether the host must go back, for an earlier run left it in between.
  returned: when the host was looked at
  type: bool
found:
  description: Packages that an earlier run put there without a record; the record of this run tells of them.
  returned: when the host was looked at
  type: list
  elements: dict
obstacles:
  description: The kinds of what is in the way, as M(holdfast.hipaa.package_state) names them.
  returned: when the host was looked at
  type: list
  elements: str
"""
