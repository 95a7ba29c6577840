#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a person root for a time, or takes back what has ended or was given for good."""

from __future__ import annotations

DOCUMENTATION = r"""
module: elevation
short_description: Give a person root for a time, and take back what has ended
version_added: "0.2.0"
description:
  - Runs the host's C(holdfast-elevate), which the role C(elevation) puts there; the host ends a grant by itself.
  - Takes people out of the group C(sudo) who are not named.
author:
  - Holdfast contributors (@holdfast)
options:
  person:
    description:
      - Who gets every command of sudo, with the password, for O(seconds).
    type: str
  seconds:
    description:
      - For how long.
    type: int
  change:
    description:
      - The change or ticket that allows it; it is kept with the grant.
    type: str
  members:
    description:
      - The people who stay in the group C(sudo); left alone without it.
    type: list
    elements: str
  sweep:
    description:
      - Whether grants that have ended are taken back.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Let a person be root for half an hour
  holdfast.hipaa.elevation:
    person: jdoe
    seconds: 1800
    change: chg_example
"""

RETURN = r"""
done:
  description:
    - What was done, or would be in check mode, one text each.
  returned: success
  type: list
  elements: str
  sample: ["jdoe: elevated for 1800 seconds"]
"""

import glob
import os
import re
import time

from ansible.module_utils.basic import AnsibleModule

COMMAND = "/usr/local/sbin/holdfast-elevate"
GRANTS = "/etc/sudoers.d/holdfast-elevated-*"
GROUP = "sudo"
UNTIL = re.compile(r"# \S+ from \d+ until (\d+) by ")


def ended(now: float) -> list[str]:
    """The people whose grant stands although it has ended, by the first line of its file."""
    found = []
    for path in sorted(glob.glob(GRANTS)):
        with open(path, encoding="utf-8") as source:
            match = UNTIL.match(source.readline())
        if match is None or int(match.group(1)) <= now:
            found.append(os.path.basename(path)[len("holdfast-elevated-") :])
    return found


def strangers(allowed: list[str]) -> list[str]:
    """The members of the group who are not among the allowed."""
    with open("/etc/group", encoding="utf-8") as source:
        lines = [line.rstrip("\n").split(":") for line in source]
    members = [name for fields in lines if fields[0] == GROUP and len(fields) > 3 for name in fields[3].split(",")]
    return sorted(name for name in members if name and name not in allowed)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "person": {"type": "str"},
            "seconds": {"type": "int"},
            "change": {"type": "str"},
            "members": {"type": "list", "elements": "str"},
            "sweep": {"type": "bool", "default": False},
        },
        required_together=[("person", "seconds", "change")],
        supports_check_mode=True,
    )
    asked = module.params
    commands, done = [], []
    if asked["sweep"] and ended(time.time()):
        commands.append([COMMAND, "sweep"])
        done.extend(f"{person}: taken back" for person in ended(time.time()))
    for name in strangers(asked["members"]) if asked["members"] is not None else []:
        commands.append(["gpasswd", "--delete", name, GROUP])
        done.append(f"{name}: out of {GROUP}")
    if asked["person"]:
        commands.append([COMMAND, "grant", asked["person"], str(asked["seconds"]), asked["change"]])
        done.append(f"{asked['person']}: elevated for {asked['seconds']} seconds")
    if not module.check_mode:
        for command in commands:
            code, _said, wrong = module.run_command(command)
            if code:
                module.fail_json(msg=wrong.strip() or f"{command[0]} ended with {code}", done=done)
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
