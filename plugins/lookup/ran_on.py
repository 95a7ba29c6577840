# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: ran_on
short_description: The hosts that a change ran on, in the order in which they go back
description:
  - Reads from the ledger which hosts the runs of a change reached, so that it can be taken back there. A change that
    reached none is an error.
  - Rings come in reverse order of promotion, and of a patch the waves of a ring in reverse too.
  - Decides nothing. Whether it may be taken back is the gate's to say.
options:
  _terms:
    description: The id of the change, C(chg_...).
    required: true
  ring:
    description: Only the hosts of this ring; empty means all.
    type: str
    default: ""
  want:
    description: What to return.
    type: str
    choices: [hosts, sizes]
    default: hosts
extends_documentation_fragment:
  - holdfast.hipaa.site
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Take a change back
  hosts: "{{ lookup('holdfast.hipaa.ran_on', change) }}"
  serial: "{{ query('holdfast.hipaa.ran_on', change, want='sizes') }}"
"""

RETURN = r"""
_raw:
  description: Host names, or the sizes of the batches; without a change, the empty group C(holdfast_none), or 1.
  type: list
  elements: raw
"""

from ansible.errors import AnsibleLookupError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.lookups import ChangeLookup
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site, records_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.returning import turns_back


class LookupModule(ChangeLookup):
    """See DOCUMENTATION."""

    name = "ran_on"

    def batches(self, change_id: str, ring: str | None) -> tuple[tuple[str, ...], ...]:
        site = open_site(self.root)
        turns = turns_back(site, records_of(site), change_id, ring)
        if not turns:
            where = f"no host of ring {ring}" if ring else "no host"
            raise AnsibleLookupError(
                f"{change_id}: by the ledger this change ran on {where}; see `holdfast change list`"
            )
        return turns
