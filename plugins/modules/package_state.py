#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a host what is installed and what is pending."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_state
short_description: What is installed on a host, and exactly which updates are pending
version_added: 0.1.0
description:
  - Reads what dpkg has installed and what the archives offer, and computes the exact transaction that would bring the
    selected updates, with the SHA-256, size and origin of every file and the file of the version to go back to.
  - It never touches the host's own package lists or caches. Lists are refreshed into Holdfast's own folder,
    C(/var/lib/holdfast/apt), from the sources the host is configured for.
  - Old data is no data. Without lists, or with lists older than O(max_age_hours) or past their archive's
    C(Valid-Until), RV(lists.measured) is false and no update is named.
author: Holdfast contributors (@holdfast)
options:
  manager:
    description:
      - The package manager that is asked. C(auto) is the one whose database the host uses.
      - A host where both dpkg and RPM have packages is refused until one is named.
    type: str
    choices: [auto, apt, dnf]
    default: auto
  refresh:
    description: Fetch and verify the package lists first. Never done in check mode.
    type: bool
    default: false
  max_age_hours:
    description: Lists refreshed longer ago than this are not measured by. No limit when unset.
    type: int
  pending:
    description: Whether to work out what is pending. Without, only what is installed is read, which is faster.
    type: bool
    default: true
  updates:
    description: Which pending updates the transaction is for.
    type: str
    choices: [security, all]
    default: security
  only:
    description:
      - When not empty, only these packages are selected. Shell patterns are understood.
      - What they need still comes with them.
    type: list
    elements: str
    default: []
  exclude:
    description:
      - Packages never selected. Shell patterns are understood.
      - One that a selected package needs still comes with it, and is then a line of RV(updates) to be refused.
    type: list
    elements: str
    default: []
  changelogs:
    description: Whether to read the changelogs of everything in RV(updates), as if named in O(changelogs_for).
    type: bool
    default: false
  changelogs_for:
    description:
      - Packages whose source's changelog is read for CVE ids newer than the installed version.
      - Their files are downloaded into O(stage_dir). Nothing is downloaded in check mode.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The binary package's name.
        type: str
        required: true
      version:
        description: The pending version.
        type: str
        required: true
      arch:
        description: The package's architecture, C(all) included.
        type: str
        required: true
  stage_dir:
    description: Where those files lie until a plan's stage takes them over. Only root may enter it.
    type: path
    default: /var/lib/holdfast/stage/planning
attributes:
  check_mode:
    description: The state is read; nothing is refreshed and nothing downloaded.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
requirements:
  - python >= 3.9
  - apt and dpkg, or dnf 4 and rpm
"""

EXAMPLES = r"""
- name: Refresh Holdfast's lists and ask for pending security updates
  holdfast.hipaa.package_state:
    refresh: true
  register: state

- name: Ask for what is pending and which CVEs each source's changelog says it mends
  holdfast.hipaa.package_state:
    refresh: true
    max_age_hours: 24
    changelogs: true

- name: Read only what is installed
  holdfast.hipaa.package_state:
    pending: false
"""

RETURN = r"""
release:
  description: The distribution's codename.
  type: str
  returned: success
  sample: bookworm
arch:
  description: dpkg's own architecture.
  type: str
  returned: success
  sample: amd64
installed:
  description: Every package whose files are on the host, by name:arch.
  type: dict
  returned: success
  sample: {"nginx:amd64": {"version": "1.22.1-9+deb12u9", "source": "nginx", "source_version": "1.22.1-9+deb12u9"}}
updates:
  description:
    - The exact transaction for the selected updates, what they bring in included; empty when not measured.
    - C(from) is null for a package that is new; C(rollback) is null when there is no earlier version or none to be had.
  type: list
  elements: dict
  returned: success
  sample:
    - name: nginx
      arch: amd64
      from: 1.22.1-9+deb12u9
      to: 1.22.1-9+deb12u11
      sha256: 4e2778e675c07d0f2d8d3b6f5ff84f6483ade1d82c21c910eb9a2787e1cf1b1a
      size: 532468
      file: nginx_1.22.1-9+deb12u11_amd64.deb
      path: pool/updates/main/n/nginx/nginx_1.22.1-9+deb12u11_amd64.deb
      origin: Debian-Security
      suite: oldstable-security
      codename: bookworm-security
      security: true
      source: nginx
      source_version: 1.22.1-9+deb12u11
      rollback:
        version: 1.22.1-9+deb12u9
        sha256: 4e7b52f8b31f26d77ffb5c427c41e36223e81b047242ecfa8dc1d7f939734885
        size: 529668
        file: nginx_1.22.1-9+deb12u9_amd64.deb
removals:
  description: What that transaction would remove.
  type: list
  elements: dict
  returned: success
  sample: []
other_updates:
  description: >-
    Every other pending update and why it waits: C(not security), C(not selected), C(excluded), C(held), C(pinned),
    C(phased) or C(dependency).
  type: list
  elements: dict
  returned: success
  sample: [{"name": "bash", "arch": "amd64", "from": "5.2.15-2", "to": "5.2.15-2+b1", "security": false, "why": "held"}]
lists:
  description: How far the lists can be believed, and when they and their archives are from.
  type: dict
  returned: success
  contains:
    measured:
      description: Whether there are lists, young enough and not expired.
      type: bool
      returned: success
    why:
      description: Why not, or a remark on the refresh.
      type: str
      returned: success
    refreshed:
      description: Whether this call refreshed them.
      type: bool
      returned: success
    refreshed_at:
      description: When they were last refreshed, UTC; null when never.
      type: str
      returned: success
    age_seconds:
      description: How long ago that was; null when never.
      type: int
      returned: success
    sources:
      description: One entry an archive, with the dates its signed Release file gives.
      type: list
      elements: dict
      returned: success
held:
  description: Packages on hold, as name:arch.
  type: list
  elements: str
  returned: success
unfinished:
  description: Packages dpkg still owes work, with dpkg's word for their state.
  type: list
  elements: dict
  returned: success
interrupted:
  description: Whether dpkg was killed in the middle of its work.
  type: bool
  returned: success
lock:
  description: Who holds dpkg's lock (pid, command, file); null when nobody does.
  type: dict
  returned: success
cves:
  description: For O(changelogs_for), the CVE ids by source/version.
  type: dict
  returned: success
  sample: {"nginx/1.22.1-9+deb12u11": ["CVE-2026-0001"]}
changelogs_missing:
  description: For O(changelogs_for), why a source's changelog could not be read, by source/version.
  type: dict
  returned: success
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.packages import manager
from ..module_utils.packages.errors import PackageError
from ..module_utils.packages.lines import MANAGER_OPTION


def main() -> None:
    """Answer, or fail with every refusal."""
    module = AnsibleModule(
        argument_spec={
            "manager": MANAGER_OPTION,
            "refresh": {"type": "bool", "default": False},
            "max_age_hours": {"type": "int"},
            "pending": {"type": "bool", "default": True},
            "updates": {"type": "str", "choices": ["security", "all"], "default": "security"},
            "only": {"type": "list", "elements": "str", "default": []},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "changelogs": {"type": "bool", "default": False},
            "changelogs_for": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "version": {"type": "str", "required": True},
                    "arch": {"type": "str", "required": True},
                },
            },
            "stage_dir": {"type": "path", "default": "/var/lib/holdfast/stage/planning"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    try:
        face = manager.face(asked["manager"])
        question = face.Question(
            now=time.time(),
            check=module.check_mode,
            refresh=asked["refresh"],
            max_age_hours=asked["max_age_hours"],
            selection=face.Selection(asked["updates"], tuple(asked["only"]), tuple(asked["exclude"])),
            pending=asked["pending"],
            changelogs_of_all=asked["changelogs"],
            changelogs=face.read_versions(asked["changelogs_for"]),
            stage_dir=asked["stage_dir"],
        )
        state = face.read_state(question)
    except PackageError as problem:
        module.fail_json(msg=str(problem), **problem.to_dict())
    module.exit_json(changed=False, **state)


if __name__ == "__main__":
    main()
