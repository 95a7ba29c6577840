#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says who would have to log in with a code, who could not, and what sshd's PAM file has to read like."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mfa_plan
short_description: Say who could not log in with a key and a code, before it is asked
version_added: "0.2.0"
description:
  - Finds the members of groups, and those of them who have no secret to make codes from.
  - Returns what C(/etc/pam.d/sshd) has to read like so that members of the groups are asked for a code.
  - Changes nothing; M(holdfast.hipaa.place) does. So it runs the same in check mode.
author:
  - Holdfast contributors (@holdfast)
options:
  groups:
    description:
      - Groups whose members need a key and a code; those that the server asks already without it.
    type: list
    elements: str
  excepted:
    description:
      - Accounts that need no code although they are members; those that the server lets off already without it.
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
- name: See who could not log in
  holdfast.hipaa.mfa_plan:
    groups: [sudo]
    excepted: [automation]
  register: __mfa_plan
"""

RETURN = r"""
members:
  description:
    - The members who would be asked for a code.
  returned: success
  type: list
  elements: str
  sample: [jdoe]
not_enrolled:
  description:
    - Those of them who have no secret.
  returned: success
  type: list
  elements: str
  sample: [jdoe]
excepted:
  description:
    - Who is let off.
  returned: success
  type: list
  elements: str
  sample: [automation]
content:
  description:
    - What C(/etc/pam.d/sshd) has to read like.
  returned: success
  type: str
  sample: "@include common-auth"
installed:
  description:
    - Whether the PAM module is there.
  returned: success
  type: bool
  sample: true
"""

import glob

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.probes import _mfa
from ..module_utils.probes import _sshd_files as files

PAM_FILE = "/etc/pam.d/sshd"
BEGIN = "# Ansible managed: whoever is in one of these groups is asked for a code instead of a password"
END = "# Ansible managed: end"


def lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as source:
        return source.read().splitlines()


def with_code(old: list[str], groups: list[str]) -> str:
    """The file with our block at its top, for these groups; without groups, or any lines of our module, elsewhere."""
    kept = []
    inside = False
    for line in old:
        inside = inside or line == BEGIN
        if not inside and _mfa.MODULE not in line.split("#")[0].split():
            kept.append(line)
        if line == END:
            inside = False
    # One line that finds out whether the person is a member: each group that it is skips the others and the last jump.
    block = [BEGIN]
    for at, group in enumerate(groups):
        block.append(f"auth [success={len(groups) - at} default=ignore] pam_succeed_if.so quiet user ingroup {group}")
    block.append("auth [default=1] pam_permit.so")
    block.append(f"auth [success=done default=die] {_mfa.MODULE}")
    block.append(END)
    return "\n".join([*(block if groups else []), *kept]) + "\n"


def main() -> None:
    names = {"type": "list", "elements": "str"}
    module = AnsibleModule(argument_spec={"groups": names, "excepted": names}, supports_check_mode=True)
    try:
        known = _mfa.rule(files.read())
        groups = known.groups if module.params["groups"] is None else module.params["groups"]
        excepted = known.excepted if module.params["excepted"] is None else module.params["excepted"]
        people = files.People.parse(lines("/etc/passwd"), lines("/etc/group"))
        content = with_code(lines(PAM_FILE), sorted(groups))
    except OSError as error:
        module.fail_json(msg=str(error))
    members = [name for name in _mfa.members(groups, people) if name not in excepted]
    module.exit_json(
        changed=False,
        groups=sorted(groups),
        excepted=sorted(excepted),
        members=members,
        not_enrolled=[name for name in members if not _mfa.enrolled(name)],
        content=content,
        installed=bool(glob.glob(f"/lib/*/security/{_mfa.MODULE}")),
    )


if __name__ == "__main__":
    main()
