#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a host is made of in one call; in a run the action of the same name keeps it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: What a host is made of - packages, kernel, services, sockets, accounts
version_added: 0.1.0
description:
  - Reads every installed package with its source, the running kernel, services, listening ports, connections and local
    accounts, and by what the host can be known again under another name. Changes nothing, in check mode or without.
  - In a run on record the action of this name keeps the answer beside the ledger, in
    C(reports/observed/RUN/ASSET.json), and its digest on record; RV(packages) and the other parts then stay out of
    Ansible's own result.
  - What the host's archives offer is read from lists that are there already, Holdfast's own or the host's, whichever
    are later; nothing is refreshed.
  - What cannot be read is named in RV(not_measured) with its reason. An empty part that is not named there is empty.
  - No secret is read into the answer, no command line of a process, no hash of a password. Of machine-id(5) only the
    SHA-256 leaves the host.
  - Sees one network namespace, the host's own. Accounts are those of C(/etc/passwd).
author: Holdfast contributors (@holdfast)
options: {}
attributes:
  check_mode:
    description: Reads the same; nothing is ever changed on the host.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
requirements:
  - python >= 3.9
  - dpkg or rpm
  - root, to see all programs and which accounts are locked
"""

EXAMPLES = r"""
- name: Read what the host is made of
  holdfast.hipaa.host_state:
"""

RETURN = r"""
host_time:
  description: The host's clock when it was asked, in seconds since the epoch.
  returned: when the module is asked itself
  type: float
  sample: 1795348800.25
distribution:
  description: ID and VERSION_ID of os-release(5).
  returned: always
  type: str
  sample: debian:12
kernel:
  description: The running kernel's release.
  returned: always
  type: str
  sample: 6.1.0-40-amd64
manager:
  description: Whose packages these are, C(dpkg) or C(rpm); empty when none could be read.
  returned: always
  type: str
  sample: dpkg
packages:
  description: Every installed package, with all of its installed versions.
  returned: when the module is asked itself
  type: list
  elements: dict
  sample:
    - {name: libssl3, version: 3.0.17-1, architecture: amd64, source: openssl, source_version: 3.0.17-1}
offers:
  description: >-
    Later versions of installed packages; C(as_of) is when the oldest list of a security archive was fetched,
    C(valid_until) until when the archives let their lists count, both in seconds since the epoch. None when not
    measured.
  returned: when the module is asked itself
  type: dict
  sample:
    lists: host
    as_of: 1795348800.0
    valid_until: 1795953600.0
    rows:
      - {name: libssl3, architecture: amd64, version: 3.0.20-1, source: openssl, source_version: 3.0.20-1,
         security: true, kept: ""}
services:
  description: The systemd services that run, failed, or are enabled.
  returned: when the module is asked itself
  type: list
  elements: dict
  sample: [{unit: nginx.service, state: active, boot: enabled}]
listeners:
  description: Sockets that wait for anybody; C(program) is empty where it could not be seen.
  returned: when the module is asked itself
  type: list
  elements: dict
  sample: [{protocol: tcp, address: 192.0.2.10, port: 443, program: nginx}]
connections:
  description: >-
    Who is connected with whom, by the port of the side that serves, loopback aside; C(direction) is C(in) where the
    remote side came to a listener of this host.
  returned: when the module is asked itself
  type: list
  elements: dict
  sample: [{protocol: tcp, direction: in, local: 192.0.2.10, remote: 192.0.2.99, port: 22, program: sshd}]
accounts:
  description: >-
    The local accounts; C(state) is open, locked, expired or unknown; C(privileged) is user id 0, a member of a group of
    administrators, or named by a rule of sudoers(5).
  returned: when the module is asked itself
  type: list
  elements: dict
  sample: [{name: root, uid: 0, shell: /bin/bash, state: locked, privileged: true, can_log_in: true}]
identity:
  description: By what the host is known again - hostname, digest of the machine id, SSH host keys, MACs, addresses.
  returned: when the module is asked itself
  type: dict
  sample: {hostname: billing-1, machine: "", host_keys: [], macs: ["02:00:00:00:00:01"], addresses: [192.0.2.10]}
not_measured:
  description: Parts that could not be read, or not wholly, and why.
  returned: always
  type: dict
  sample: {services: "systemd does not run here, so its services are not known"}
counts:
  description: How many rows each part has.
  returned: in a run on record
  type: dict
  sample: {packages: 206, services: 21, listeners: 5, connections: 1, accounts: 24}
"""

import os
import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.observing import accounts, identity, offers, packages, services, sockets
from ..module_utils.packages.errors import PackageError


def host_state() -> dict[str, Any]:
    """Read every part; one that cannot be read is empty and named with its reason."""
    missing: dict[str, str] = {}
    manager, installed = part("packages", packages.read, ("", []), missing)
    seen, hidden = part("accounts", lambda: accounts.read(int(time.time() // 86400)), ([], ""), missing)
    found = part("listeners", sockets.read, None, missing)
    programs, whole = part("listeners", sockets.owners, ({}, False), missing)
    if hidden:
        missing["accounts"] = hidden
    if found is None:
        missing["connections"] = missing["listeners"]
    elif not whole:
        missing.setdefault(
            "listeners", "some processes cannot be looked at, so some programs have no name; ask as root"
        )
    return {
        "host_time": time.time(),
        "distribution": identity.distribution(accounts.text_of("/etc/os-release") or ""),
        "kernel": os.uname().release,
        "manager": manager,
        "packages": installed,
        "offers": part("offers", lambda: offers.read(time.time()), None, missing),
        "services": part("services", services.read, [], missing),
        "listeners": sockets.listeners(found or [], programs),
        "connections": sockets.connections(found or [], programs),
        "accounts": seen,
        "identity": identity.identity(),
        "not_measured": missing,
    }


def part(name: str, read: Callable[[], Any], empty: Any, missing: dict[str, str]) -> Any:
    """Read one part, or note why it cannot be read and return what stands for nothing."""
    try:
        return read()
    except (PackageError, ValueError, *services.FAILURES) as error:
        missing[name] = " ".join(str(error).split())[:400] or type(error).__name__
        return empty


def main() -> None:
    """Answer."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, **host_state())


if __name__ == "__main__":
    main()
