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
  site:
    description: The site's folder.
    type: path
    env:
      - name: HOLDFAST_SITE
    ini:
      - section: holdfast
        key: site
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

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import find_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site, records_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.returning import turns_back
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError

NOBODY = "holdfast_none"


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1:
            raise AnsibleLookupError("ran_on: name one change, for example -e change=chg_...")
        if not terms[0]:
            # A syntax check names no change; the recorder refuses a run without one.
            return [1] if self.get_option("want") == "sizes" else [NOBODY]
        try:
            site = open_site(find_site(self.get_option("site")))
            ring = plain(self.get_option("ring")) or None
            turns = turns_back(site, records_of(site), plain(terms[0]), ring)
        except HoldfastError as error:
            raise AnsibleLookupError(str(error)) from error
        if not turns:
            where = f"no host of ring {ring}" if ring else "no host"
            raise AnsibleLookupError(
                f"{terms[0]}: by the ledger this change ran on {where}; see `holdfast change list`"
            )
        if self.get_option("want") == "sizes":
            return [len(hosts) for hosts in turns]
        return [host for hosts in turns for host in hosts]
