# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: register
short_description: The asset register of a Holdfast site as an inventory
description:
  - Reads C(holdfast.yml), the asset register, and the whole site around it - C(site.yml), policy, baselines.
  - A site with any problem in any of these files is refused as a whole, so that no play meets half a site.
  - Ansible itself only warns of a refused inventory and goes on without its hosts. The C(ansible.cfg) of a
    site therefore sets C(any_unparsed_is_failed), which stops the command, and enables no plugin that could
    take the register for something else.
  - Makes the groups C(ring_<name>), C(data_<class>), C(tier_<number>), C(kind_<kind>), C(environment_<name>),
    C(exposure_<word>), C(location_<name>), C(segment_<name>) and C(baseline_<id>), with underscores for dashes,
    and C(holdfast_none), which is always empty. A host is in the segments in whose networks its address lies,
    and in the one it names.
  - What stands under C(items) is no host, and in no group - hosted applications, integrations, devices without SSH.
  - Sets for each host C(ansible_host), C(holdfast_asset), C(holdfast_ring) and the asset's own connection
    variables, which may hold templates.
  - Sets the role variables that make the host's controls true, so that roles and probe go by the same values.
    Where an exception waives a control its variable is null, which a role takes for "leave it alone".
notes:
  - Other inventories may stand beside the register, for hosts that are not under Holdfast's care.
options:
  plugin:
    description: The name of this plugin.
    required: true
    type: str
    choices: [holdfast.hipaa.register]
  assets:
    description:
      - The assets, each with an owner. C(docs/reference/register.md) describes their keys.
    required: true
    type: list
    elements: dict
  version:
    description: The register's version; with 2 every asset says where it stands and who can reach it.
    type: int
    default: 1
  items:
    description: Configuration items that no play can reach.
    type: list
    elements: dict
    default: []
  segments:
    description: The networks of each segment.
    type: dict
    default: {}
  clusters:
    description: Assets that stand in for each other.
    type: dict
    default: {}
  vendors:
    description: Who supplies, hosts or receives something, and what was agreed with them.
    type: dict
    default: {}
  data_flows:
    description: What travels between assets and items, and how it is protected on the way.
    type: list
    elements: dict
    default: []
author: Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
plugin: holdfast.hipaa.register
assets:
  - id: billing-1
    kind: server
    owner: revenue-cycle
    ring: production
    address: billing-1.example.org
    environment: production
    data_class: ephi
    tier: 1
    baselines: [debian-server]
    vars: {ansible_user: root}
    health:
      - {id: web, http: {url: "http://127.0.0.1/healthz", status: 200}}
"""

from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template

from ..plugin_utils.edge.environment import utc_now
from ..plugin_utils.edge.opening import open_site
from ..plugin_utils.errors import HoldfastError
from ..plugin_utils.site.files import REGISTERS


class InventoryModule(BaseInventoryPlugin):
    """Turns a site's assets into hosts and groups."""

    NAME = "holdfast.hipaa.register"

    def verify_file(self, path):
        """Take every file of the register's name: without `plugin` it is a mistake, not another's."""
        return super().verify_file(path) and Path(path).name in REGISTERS

    def parse(self, inventory, loader, path, cache=True):
        """Add the hosts and groups of the site around `path`; raise AnsibleParserError if it is refused."""
        super().parse(inventory, loader, path, cache)
        try:
            site = open_site(Path(path).parent)
        except HoldfastError as error:
            # Shown here, once: Ansible prints the text of an inventory plugin's error twice.
            self.display.error(f"the site is refused, and no host will be contacted:\n{error}", wrap_text=False)
            raise AnsibleParserError("the site is refused for the problems listed above") from None
        inventory.add_group("holdfast_none")
        now = utc_now()
        for asset in site.assets:
            inventory.add_host(asset.id)
            for group in asset.groups:
                inventory.add_host(asset.id, inventory.add_group(group))
            own = {
                name: trust_as_template(value) if isinstance(value, str) else value
                for name, value in asset.vars.items()
            }
            facts = {"ansible_host": asset.address, "holdfast_asset": asset.id, "holdfast_ring": asset.ring}
            for name, value in {**site.role_values(asset.id, now), **own, **facts}.items():
                inventory.set_variable(asset.id, name, value)
