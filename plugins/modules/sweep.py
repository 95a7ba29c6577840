#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for hosts in given networks; in a run the action of the same name says which networks these are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sweep
short_description: Which hosts answer in declared networks
version_added: 0.1.0
description:
  - In a run on record the action of this name sweeps, from an asset that C(policy/inventory.yml) names, the networks of
    the segments that stand beside it there, and keeps what answered in C(reports/discovered/RUN/ASSET.json), with its
    digest on record. A network that is not declared is refused before anything is sent.
  - The module itself sweeps the networks it is given, with nmap where that is installed, and else by connecting to each
    port. Nothing is sent over a connection.
  - Whoever answers on the link is found even without an open port, by the neighbours that the kernel knows. IPv6
    networks are too wide to be tried; of them the neighbours are what is found.
author: Holdfast contributors (@holdfast)
options:
  only:
    description: For the action. Sweep only these networks, all inside declared ones.
    type: list
    elements: str
    default: []
  networks:
    description: For the module. The networks, at most 65,536 IPv4 addresses in all.
    type: list
    elements: str
  ports:
    description: For the module. TCP ports to try.
    type: list
    elements: int
  per_second:
    description: For the module. Connections begun in a second, at most.
    type: int
    default: 100
  seconds:
    description: For the module. How long it may take.
    type: int
    default: 600
  method:
    description: For the module. How to look; C(auto) is nmap where it is installed.
    type: str
    choices: [auto, nmap, connect]
    default: auto
attributes:
  check_mode:
    description: Looks all the same; nothing is changed on any host.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
requirements:
  - python >= 3.9
  - nmap, ssh-keyscan and, for neighbours without an open port, iproute2 are used where they are there
"""

EXAMPLES = r"""
- name: Sweep what policy declares for this host
  holdfast.hipaa.sweep:

- name: Sweep one of its networks
  holdfast.hipaa.sweep:
    only: [192.0.2.0/26]
"""

RETURN = r"""
found:
  description: Who answered, by address; C(mac) and C(host_keys) are empty where they could not be had.
  returned: when the module is asked itself
  type: list
  elements: dict
  sample:
    - address: 192.0.2.77
      mac: "02:00:00:00:00:07"
      ports: [22, 80]
      host_keys: ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"]
method:
  description: How it was looked, C(nmap) or C(connect).
  returned: when the module is asked itself
  type: str
  sample: connect
untried:
  description: How many connections the time was not enough for.
  returned: when the module is asked itself
  type: int
  sample: 0
counts:
  description: How many hosts answered, by segment.
  returned: in a run on record
  type: dict
  sample: {office: 12}
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.sweeping import addresses, connecting, hostkeys, neighbours, nmap


def sweep(texts: list[str], ports: list[int], per_second: int, seconds: int, method: str) -> dict[str, Any]:
    """Look, and put together what answered; raises SweepError."""
    networks = addresses.networks_of(texts)
    if method == "nmap" and not nmap.installed():
        raise addresses.SweepError("this host has no nmap; install it, or let the method be auto")
    until = time.monotonic() + seconds
    use_nmap = method == "nmap" or (method == "auto" and nmap.installed())
    found: dict[str, dict[str, Any]] = {}
    untried = 0
    if use_nmap and any(one.version == 4 for one in networks):
        found = {one["address"]: one for one in nmap.sweep(networks, ports, per_second, seconds)}
    elif not use_nmap:
        answers = connecting.sweep(list(addresses.hosts_of(networks)), ports, per_second, seconds)
        untried = answers.untried
        found = {one: {"address": one, "mac": "", "ports": []} for one in answers.refused}
        found.update({one: {"address": one, "mac": "", "ports": open_} for one, open_ in answers.open.items()})
    near = neighbours.settled(networks, max(0.0, until - time.monotonic()))
    for address in neighbours.unanswered(near, set(found)):
        found[address] = {"address": address, "mac": "", "ports": []}
    for address, one in found.items():
        one["mac"] = near.macs.get(address, one["mac"])
    kept = [one for one in found.values() if addresses.inside(one["address"], networks)]
    keys = hostkeys.read([one["address"] for one in kept if 22 in one["ports"]], until - time.monotonic())
    rows = [{**one, "host_keys": keys.get(one["address"], [])} for one in kept]
    return {
        "found": sorted(rows, key=lambda row: str(row["address"])),
        "method": "nmap" if use_nmap else "connect",
        "untried": untried,
    }


def main() -> None:
    """Sweep, or fail with the reason."""
    module = AnsibleModule(
        argument_spec={
            "only": {"type": "list", "elements": "str", "default": []},
            "networks": {"type": "list", "elements": "str"},
            "ports": {"type": "list", "elements": "int"},
            "per_second": {"type": "int", "default": 100},
            "seconds": {"type": "int", "default": 600},
            "method": {"type": "str", "choices": ["auto", "nmap", "connect"], "default": "auto"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    try:
        answer = sweep(
            asked["networks"] or [], asked["ports"] or [], max(1, asked["per_second"]), asked["seconds"],
            asked["method"],
        )  # fmt: skip
    except addresses.SweepError as error:
        module.fail_json(msg=str(error))
        return
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
