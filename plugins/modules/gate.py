# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/gate.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Asks whether a run, or the next wave of it, may go on
version_added: 0.1.0
description:
  - Fails unless the recorder callback has an open run in the site's ledger.
  - For runs that change hosts, decides from the policy and the ledger whether the hosts of this batch may be changed
    now, and fails with every reason, its rule, its citation and what would change the answer.
  - Contacts no host.
options:
  change:
    description:
      - The id of the change to carry out, C(chg_...).
      - Needed for a patch run. A remediation without it uses the approved change for the present baseline.
    type: str
  after:
    description:
      - The name under which the results of M(holdfast.hipaa.probe) were registered, on each host of the batch.
      - Then the gate decides on what would be mended - a remediation without an approved change may reach only so many
        hosts of a ring within an hour as C(policy/remediation.yml) says.
    type: str
  wait_minutes:
    description:
      - For how many minutes to wait where it is only too early - for a soak, a window, the end of a freeze or lease.
      - Says what it waits for, every minute. While it waits it goes on asking, so that a stop order is heard.
      - Where the moment lies further off, the answer is no at once, and names it.
    type: int
    default: 0
attributes:
  check_mode:
    description: Decides in check mode as well; nothing is changed.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Ask the gate
  holdfast.hipaa.gate:
    change: chg_7k2m4q6s8u3w5y
  run_once: true
  check_mode: false
  tags: [always]
"""

RETURN = r"""
run_id:
  description: The id of the open run.
  returned: success
  type: str
index:
  description: Where the run's opening record stands in the ledger.
  returned: success
  type: int
plan:
  description: The digest of the plan that may be carried out; empty for runs without a change.
  returned: success
  type: str
change_kind:
  description: C(patch) or C(config); empty for runs without a request.
  returned: success
  type: str
back:
  description: Hosts of this wave that an earlier run left in between; they go back before anything else is tried.
  returned: success
  type: list
  elements: str
bounded:
  description: Whether the gate was asked about what would be mended, see O(after).
  returned: success
  type: bool
watch_seconds:
  description: For how many seconds health must hold on these hosts after the change, as C(policy/rings.yml) says.
  returned: success
  type: int
patching:
  description: What the site's policy takes up as patches, as C(policy/patching.yml) says it.
  returned: success
  type: dict
left_alone:
  description: >-
    In a run of kind plan, by host, the packages that are left as they are, for an exception lets all their flaws stay.
  returned: success
  type: dict
"""
