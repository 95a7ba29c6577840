# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: sweepers
short_description: The assets from which hosts are looked for
description:
  - Reads from C(policy/inventory.yml) which assets sweep declared segments. Networks that no sweep declares are an
    error.
  - Contacts nobody.
options:
  _terms:
    description: Networks to which the sweep is narrowed; without any, all that is declared.
extends_documentation_fragment:
  - holdfast.hipaa.site
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Look for hosts
  hosts: "{{ query('holdfast.hipaa.sweepers') }}"
"""

RETURN = r"""
_raw:
  description: Ids of assets, each once; where there is no site or no sweep, the empty group C(holdfast_none).
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.lookups import NOBODY, SiteLookup
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import SiteError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.discovery import targets


class LookupModule(SiteLookup):
    """See DOCUMENTATION."""

    def answer(self, terms: list[Any]) -> list[str]:
        try:
            root = self.root
        except SiteError:
            return [NOBODY]  # a syntax check; a run without a site is refused by the recorder
        site = open_site(root)
        inventory = site.policy.inventory
        sources = dict.fromkeys(sweep.source for sweep in inventory.sweep)
        found = [one for one in sources if targets(inventory, site.segments, one, terms)]
        targets(inventory, site.segments, "", terms)
        return found or [NOBODY]  # the recorder refuses a run in which nobody is to look
