# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: waves
short_description: The hosts of a change in the order of its waves, and the sizes of the waves
description:
  - Computes the waves of an approved plan from the rings of the policy and from the ledger.
  - Hosts that are already verified for the change, and those that were rolled back in it, are left out, so that a run
    started again goes on where it stopped. Where only such hosts as were rolled back are missing, they are returned
    after all, so that the gate says why the change is over. Where all are verified, but a run of the change was never
    closed, the last wave is returned once more, so that a run takes it over.
  - No wave holds more members of a cluster than may be out at once; intermittent hosts are in the last waves of their
    ring. What failed or was unreachable comes first again, or last where the ring's failure budget endures it.
  - Decides nothing. Whether a wave may start is the gate's to say.
options:
  _terms:
    description: The id of the change, C(chg_...).
    required: true
  ring:
    description: Only the waves of this ring; empty means all rings, in order.
    type: str
    default: ""
  rehearsal:
    description: All waves of the change's first ring, with the hosts that are verified already.
    type: bool
    default: false
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
- name: Patch in waves
  hosts: "{{ lookup('holdfast.hipaa.waves', change, want='hosts') }}"
  serial: "{{ query('holdfast.hipaa.waves', change, want='sizes') }}"
"""

RETURN = r"""
_raw:
  description: Host names, or the sizes of the waves. With no host left, the empty group C(holdfast_none), or 1.
  type: list
  elements: raw
"""

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.lookups import ChangeLookup
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_case


class LookupModule(ChangeLookup):
    """See DOCUMENTATION."""

    name = "waves"

    def batches(self, change_id: str, ring: str | None) -> list[tuple[str, ...]]:
        case = open_case(self.root, change_id)
        waves = case.rehearsal_waves() if self.get_option("rehearsal") else case.waves_to_ask_for(ring)
        return [wave.assets for wave in waves]
