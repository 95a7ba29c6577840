#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a set of firewall rules would change on this host, and whether it leaves this session's way in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_state
short_description: Say whether firewall rules are loaded, and whether they leave this session's way in
version_added: "0.2.0"
description:
  - Compares the table that a file would make with the one that is loaded. The file is tried in a network namespace
    that ends with the trial.
  - Finds from where and to which port this SSH session comes, and whether the flows let it in.
  - Reads only, and so runs the same in check mode.
author:
  - Holdfast contributors (@holdfast)
options:
  content:
    description:
      - The rules as nftables reads them.
    type: str
    required: true
  table:
    description:
      - Family and name of the table that they make.
    type: str
    required: true
  flows:
    description:
      - What the rules let in, such as C(tcp/22 from 192.0.2.0/24) or C(tcp/22 from any); without them everything.
    type: list
    elements: str
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: See what is loaded
  holdfast.hipaa.firewall_state:
    content: "{{ lookup('ansible.builtin.template', 'etc/holdfast/firewall.nft.j2') }}"
    table: inet holdfast
    flows: [tcp/22 from 192.0.2.0/24]
"""

RETURN = r"""
installed:
  description: Whether nftables is on this host.
  returned: success
  type: bool
  sample: true
loaded:
  description: Whether the loaded table is the one that the rules make.
  returned: success
  type: bool
  sample: true
session:
  description: From where and to which port this session comes; empty where it does not come over SSH.
  returned: success
  type: str
  sample: tcp/22 from 192.0.2.7
way_in:
  description: Whether the flows let this session in; true where it does not come over SSH.
  returned: success
  type: bool
  sample: true
"""

import ipaddress
import os
import subprocess

from ansible.module_utils.basic import AnsibleModule

NFT = "/usr/sbin/nft"
SECONDS = 20
VARIABLE = b"SSH_CONNECTION="


def ask(argv: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program with a text on its standard input."""
    environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(
        argv, input=text, capture_output=True, text=True, env=environment, timeout=SECONDS, check=False
    )


def loaded(content: str, table: list[str]) -> bool:
    """Whether the loaded table reads as the one that the rules make. Raises ValueError when they are no rules."""
    live = ask([NFT, "--stateless", "list", "table", *table])
    script = '"$1" -f - && shift 1 && exec ' + NFT + ' --stateless list table "$@"'
    made = ask(["/usr/bin/unshare", "--net", "--", "/bin/sh", "-c", script, "sh", NFT, *table], content)
    if made.returncode != 0:
        raise ValueError(f"the rules cannot be tried: {made.stderr.strip()}")
    return live.returncode == 0 and live.stdout == made.stdout


def session() -> tuple[str, int]:
    """From where and to which port this process's SSH session comes; ("", 0) where there is none.

    sshd(8) sets the variable; sudo takes it away from its children, so the ancestors are asked as well.
    """
    process = os.getpid()
    while process > 1:
        try:
            with open(f"/proc/{process}/environ", "rb") as source:
                words = source.read().split(b"\0")
            with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as source:
                process = int(source.read().rpartition(")")[2].split()[1])
        except OSError:  # an ancestor outside this container, or one that has just ended
            break
        for word in words:
            fields = word[len(VARIABLE) :].decode("ascii", "replace").split()
            if word.startswith(VARIABLE) and len(fields) == 4:
                address = ipaddress.ip_address(fields[0].partition("%")[0])
                return str(getattr(address, "ipv4_mapped", None) or address), int(fields[3])
    return "", 0


def lets_in(flows: list[str], address: str, port: int) -> bool:
    """Whether one of the flows is for this port and address. Raises ValueError for what is no flow."""
    found = False
    for flow in flows:
        what, _unused, source = flow.partition(" from ")
        networks = ("0.0.0.0/0", "::/0") if source == "any" else (source,)
        inside = any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in networks)
        found = found or (what == f"tcp/{port}" and inside)
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "content": {"type": "str", "required": True},
            "table": {"type": "str", "required": True},
            "flows": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    installed = os.access(NFT, os.X_OK)
    address, port = session()
    flows = module.params["flows"]
    try:
        same = installed and loaded(module.params["content"], module.params["table"].split())
        way_in = not address or flows is None or lets_in(flows, address, port)
    except (ValueError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    shown = f"tcp/{port} from {address}" if address else ""
    module.exit_json(changed=False, installed=installed, loaded=same, session=shown, way_in=way_in)


if __name__ == "__main__":
    main()
