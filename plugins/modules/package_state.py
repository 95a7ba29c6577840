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
  obstacles:
    description:
      - Whether to name everything that is in the way of the updates, see RV(obstacles).
      - A refresh that fails, and updates that cannot go in together, are then obstacles and no failure of the module.
    type: bool
    default: false
  min_free_percent:
    description: How much of each file system must stay free, in percent, of bytes and of inodes.
    type: int
    default: 5
  key_days:
    description: A signing key that ends within so many days is named.
    type: int
    default: 30
  rollback:
    description: Whether an update that has no way back in any archive is in the way, or only named.
    type: str
    choices: [required, optional]
    default: required
  repack:
    description:
      - Whether to make a way back to installed versions that no archive has, from what is installed.
      - The files lie in C(/var/lib/holdfast/repacked), for root alone. Nothing is made in check mode.
    type: bool
    default: false
  conffiles:
    description:
      - What becomes of configuration files that were changed on the host, as C(policy/patching.yml) says it.
      - An update with such a file that is to C(stop) is no part of the transaction when O(obstacles=true).
    type: dict
    suboptions:
      default:
        description: What holds for every other file.
        type: str
        choices: [keep, replace, stop]
        default: keep
      paths:
        description: A decision by path; shell patterns are understood, and the first that fits holds.
        type: dict
        default: {}
  vulnerable:
    description:
      - Source packages that advisories name.
      - Their packages are in RV(other_updates) with C(no fix) when no archive has a later version.
    type: list
    elements: str
    default: []
  controller_time:
    description: The controller's clock, in seconds since the epoch, which the host's is compared with.
    type: float
  settle:
    description:
      - How many seconds to wait, at most, while dpkg owes packages work and another process holds its lock.
      - What is half done is then seen when it is done. Only with O(pending=false); dnf and rpm are not waited for.
    type: int
    default: 0
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
manager:
  description: The package manager that answered.
  type: str
  returned: success
  sample: apt
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
repacked:
  description: >-
    The ways back that were made of what is installed (name, arch, version), and in what each is not the archive's file:
    C(changed) configuration files, C(altered) other files, listed files that are C(absent).
  type: list
  elements: dict
  returned: success
  sample: [{"name": "toy", "arch": "all", "version": "1.0", "changed": ["/etc/toy.conf"], "altered": [], "absent": []}]
removals:
  description: What that transaction would remove.
  type: list
  elements: dict
  returned: success
  sample: []
other_updates:
  description: >-
    Every other pending update and why it waits: C(not security), C(not selected), C(excluded), C(held), C(pinned),
    C(phased), C(dependency), C(conffile), C(disk), or C(no fix), which has no C(to).
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
      description:
        - One entry an archive, with the dates its signed Release file gives.
        - C(signature) is good, bad, none or unknown, as the host's gpgv or sqv says now; C(keys) are those of its
          signers that the source names, with C(fingerprint) and C(expires_at).
      type: list
      elements: dict
      returned: success
obstacles:
  description:
    - With O(obstacles=true), what is in the way, in the order in which it is mended.
    - C(kind) is one of lock, timer, unfinished, interrupted, broken, clock, full, boot_full, no_archive, unsigned,
      expired_key, key_expiring, expired_lists, stale_lists, held, pinned, phased, versionlock, dependency, conffile,
      no_rollback, unsupported. One that does not block only leaves something out.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: lock
      subject: dpkg
      found: held by apt-get (process 812, /var/lib/dpkg/lock-frontend)
      do: let that process end
      blocks: true
space:
  description: What the transaction needs and what there is, by file system; inodes are null where they have no limit.
  type: list
  elements: dict
  returned: success
  sample: [{"mount": "/", "need_bytes": 897975064, "free_bytes": 74249461760, "need_inodes": 1758, "free_inodes": 9999}]
conffiles:
  description: Configuration files of packages in the transaction that are not as their packages brought them.
  type: list
  elements: dict
  returned: success
  sample: [{"path": "/etc/nginx/nginx.conf", "package": "nginx-common", "changed_on_host": true}]
forecast:
  description: Which units run on files of the transaction, and whether a reboot is expected to be needed after it.
  type: dict
  returned: success
  sample: {"restarts": ["nginx.service"], "reboot": false}
kernel:
  description: The kernel that runs and the newest installed of its flavour; a container has none of its own.
  type: dict
  returned: success
  sample:
    running: 6.1.0-40-amd64
    running_version: 6.1.153-1
    installed: 6.1.0-41-amd64
    installed_version: 6.1.158-1
    needs_reboot: true
reboot:
  description: Whether a reboot is needed now, and why - kernel, libc, init, dbus, required-file, microcode.
  type: dict
  returned: success
  sample: {"needed": true, "why": ["kernel"]}
restarts:
  description:
    - Units whose processes run on replaced files now; a process outside any is named C(process COMMAND).
    - C(protected_hint) says that a restart would end sessions, cut the network or take other machines along.
  type: list
  elements: dict
  returned: success
  sample: [{"unit": "nginx.service", "protected_hint": false, "processes": [{"pid": 812, "command": "nginx"}]}]
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
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.packages import manager
from ..module_utils.packages.errors import PackageError
from ..module_utils.packages.lines import MANAGER_OPTION


def decisions(conffiles: dict[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Return the patterns and their decisions in order, the default last; raises PackageError for an unknown word."""
    if conffiles is None:
        return ()
    found = (*((str(path), str(what)) for path, what in conffiles["paths"].items()), ("*", conffiles["default"]))
    unknown = sorted({what for _path, what in found} - {"keep", "replace", "stop"})
    if unknown:
        raise PackageError(f"conffiles.paths: found {', '.join(unknown)}; expected keep, replace or stop; correct it")
    return found


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
            "obstacles": {"type": "bool", "default": False},
            "min_free_percent": {"type": "int", "default": 5},
            "key_days": {"type": "int", "default": 30, "no_log": False},
            "rollback": {"type": "str", "choices": ["required", "optional"], "default": "required"},
            "repack": {"type": "bool", "default": False},
            "conffiles": {
                "type": "dict",
                "options": {
                    "default": {"type": "str", "choices": ["keep", "replace", "stop"], "default": "keep"},
                    "paths": {"type": "dict", "default": {}},
                },
            },
            "vulnerable": {"type": "list", "elements": "str", "default": []},
            "controller_time": {"type": "float"},
            "settle": {"type": "int", "default": 0},
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
            obstacles=asked["obstacles"],
            min_free_percent=asked["min_free_percent"],
            key_days=asked["key_days"],
            rollback_required=asked["rollback"] == "required",
            repack=asked["repack"],
            decisions=decisions(asked["conffiles"]),
            vulnerable=tuple(asked["vulnerable"]),
            controller_now=asked["controller_time"],
            settle=asked["settle"],
        )
        state = face.read_state(question)
    except PackageError as problem:
        module.fail_json(msg=str(problem), **problem.to_dict())
    module.exit_json(changed=False, **state)


if __name__ == "__main__":
    main()
