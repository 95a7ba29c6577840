# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: members
short_description: The other members of a host's cluster
description:
  - Returns the assets that stand in for a host, by the register; none where it is in no cluster.
options:
  _terms:
    description: Names of hosts; without any, the host that the task runs for.
    required: false
extends_documentation_fragment:
  - holdfast.hipaa.site
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
"""

RETURN = r"""
_raw:
  description: Names of assets.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.lookups import SiteLookup
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain


class LookupModule(SiteLookup):
    """See DOCUMENTATION."""

    def answer(self, terms: list[Any]) -> list[str]:
        hosts = [str(term) for term in terms or [plain(self.variables["inventory_hostname"])]]
        site = open_site(self.root)
        found: dict[str, None] = {}
        for host in hosts:
            cluster = site.asset(host).cluster
            members = site.clusters[cluster].members if cluster is not None else ()
            found.update(dict.fromkeys(one for one in members if one not in hosts))
        return list(found)
