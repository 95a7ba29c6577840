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

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import find_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError, SiteError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.discovery import targets

NOBODY = "holdfast_none"


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            root = find_site(self.get_option("site"))
        except SiteError:
            return [NOBODY]  # a syntax check; a run without a site is refused by the recorder
        try:
            site = open_site(root)
            inventory = site.policy.inventory
            sources = dict.fromkeys(sweep.source for sweep in inventory.sweep)
            only = plain(terms)
            found = [one for one in sources if targets(inventory, site.segments, one, only)]
            targets(inventory, site.segments, "", only)
        except HoldfastError as error:
            raise AnsibleLookupError(str(error)) from error
        return found or [NOBODY]  # the recorder refuses a run in which nobody is to look
