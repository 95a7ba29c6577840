# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/lease.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lease
short_description: Take or release the leave to have a member of a cluster out of service
version_added: 0.1.0
description:
  - Refuses when fewer members of the host's cluster would be up than C(up_at_least) of the register wants. Members
    count as out when another run holds a lease for them, when their last word on record is bad, and when O(members)
    says so.
  - A lease is a record in the ledger. Of two runs that ask at once, the one whose record stands first holds; the other
    releases at once and fails.
  - It ends by itself, so that a controller that died locks nobody out for long. A lease that a run holds already is
    given again; releasing what is not held does nothing.
  - A host that is in no cluster needs none.
  - Contacts no host.
options:
  state:
    description: Whether the lease shall be held.
    type: str
    choices: [taken, released]
    required: true
  minutes:
    description:
      - How long it lasts at most.
      - Without it, as long as policy lets an installation, a reboot and the ring's watch take, and 15 minutes more.
    type: float
  members:
    description:
      - What M(holdfast.hipaa.health) with C(phase=member) just found of the other members, C(results) of its loop.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    description: Nothing is taken.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Look at the other members of the cluster
  holdfast.hipaa.health:
    phase: member
    asset: "{{ item }}"
  delegate_to: "{{ item }}"
  loop: "{{ query('holdfast.hipaa.members') }}"
  register: seen

- name: Take the cluster's lease
  holdfast.hipaa.lease:
    state: taken
    members: "{{ seen.results }}"
"""

RETURN = r"""
cluster:
  description: The host's cluster; null where it stands alone.
  returned: success
  type: str
until:
  description: When the lease that was taken or released ends, or would have; null where there is none.
  returned: success
  type: str
"""
