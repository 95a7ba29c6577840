# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: ran_on
short_description: The hosts that a change ran on
description:
  - Reads from the ledger which hosts the runs of a change reached, so that it can be taken back there. A change that
    reached none is an error.
  - Decides nothing. Whether it may be taken back is the gate's to say.
options:
  _terms:
    description: The id of the change, C(chg_...).
    required: true
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
"""

RETURN = r"""
_raw:
  description: Host names; where no change is named, the empty group C(holdfast_none).
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import find_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.returning import touched
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

NOBODY = "holdfast_none"


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1:
            raise AnsibleLookupError("ran_on: name one change, for example -e change=chg_...")
        if not terms[0]:
            return [NOBODY]  # a syntax check names no change; the recorder refuses a run without one
        try:
            site = open_site(find_site(self.get_option("site")))
            hosts = sorted(touched(read_records(Ledger(site.ledger_path)), plain(terms[0])))
        except HoldfastError as error:
            raise AnsibleLookupError(str(error)) from error
        if not hosts:
            raise AnsibleLookupError(
                f"{terms[0]}: by the ledger this change ran on no host; see `holdfast change list`"
            )
        return hosts
