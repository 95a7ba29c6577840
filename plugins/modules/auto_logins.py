#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what files must say so that nobody is logged in without being asked; changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: auto_logins
short_description: Work out the files in which nobody is logged in without being asked
version_added: "0.2.0"
description:
  - Finds lines by which a greeter or a console logs somebody in without a password, and returns those files with the
    lines as comments. Changes nothing; M(holdfast.hipaa.place) puts the files where they belong.
author:
  - Holdfast contributors (@holdfast)
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Find who is logged in without being asked
  holdfast.hipaa.auto_logins:
  register: __greeter_files
"""

RETURN = r"""
files:
  description: Path, content and mode of the files that must change.
  returned: success
  type: list
  elements: dict
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.probes.workstation import auto_logins


def silenced(path: str, lines: set[str]) -> str:
    """A file's text with these lines as comments."""
    with open(path, encoding="utf-8") as source:
        text = source.read()
    kept = [f"# holdfast: {line}" if line in lines else line for line in text.splitlines()]
    return "".join(f"{line}\n" for line in kept)


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    found: dict[str, set[str]] = {}
    for path, line in auto_logins():
        found.setdefault(os.path.realpath(path), set()).add(line)
    try:
        files = [
            {"path": path, "content": silenced(path, lines), "mode": f"{stat.S_IMODE(os.stat(path).st_mode):04o}"}
            for path, lines in sorted(found.items())
        ]
    except (OSError, UnicodeDecodeError) as error:
        module.fail_json(msg=f"A greeter's file cannot be read: {error}")
    module.exit_json(changed=False, files=files)


if __name__ == "__main__":
    main()
