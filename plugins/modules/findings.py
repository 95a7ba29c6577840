# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/findings.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: findings
short_description: Known flaws on all items of the register, kept with their deadlines
version_added: 0.1.0
description:
  - Holds what was read of every host (M(holdfast.hipaa.host_state)) and the products of the register against the site's
    feeds of advisories, by the risk model, and keeps the scan as sealed evidence, signed with the verifier's key.
  - From the scan kept last clocks go on; deadlines only ever shorten.
  - Contacts no host. It is for C(run_once), after the hosts were read.
options:
  state:
    description:
      - Name of the variable that holds each host's package state (M(holdfast.hipaa.package_state)), where it was asked.
      - What a security archive offers is then a finding even where no feed speaks of it yet.
    type: str
    default: holdfast_state
attributes:
  check_mode:
    description: Keeps the scan all the same; nothing is changed on any host.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Find known flaws
  holdfast.hipaa.findings:
  run_once: true
"""

RETURN = r"""
scan:
  description: The SHA-256 of the scan that was kept.
  returned: success
  type: str
counts:
  description: How many findings there are, by tier.
  returned: success
  type: dict
  sample: {low: 0, medium: 3, high: 2, critical: 1}
overdue:
  description: How many of them are past their deadline.
  returned: success
  type: int
not_measured:
  description: Assets of which nothing reliable is known.
  returned: success
  type: list
  elements: str
"""
