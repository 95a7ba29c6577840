#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Withdraws rights from a list of files in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_modes
short_description: Withdraw rights from a list of files in one call
version_added: "0.1.0"
description:
  - Takes away every mode bit beyond the allowed ones and sets owners, for all files of a list in one call.
  - Never gives a right that was not there. Files that do not exist are passed over.
  - Symbolic links are left alone, for what they point to may be anybody's choice.
author:
  - Holdfast contributors (@holdfast)
options:
  files:
    description:
      - The files, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Absolute path, or a pattern such as C(/etc/ssh/ssh_host_*_key).
        type: str
        required: true
      mode:
        description:
          - The bits that may stay, in octal and in quotes.
        type: str
      owner:
        description:
          - The owner and group as C(owner:group), or the owner alone, which leaves the group as it is.
        type: str
      besides:
        description:
          - Paths that the pattern names and that are passed over.
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns the rights before and after.
    support: full
"""

EXAMPLES = r"""
- name: Close the password hashes and the host keys
  holdfast.hipaa.file_modes:
    files:
      - {path: /etc/shadow, mode: "0640", owner: root:shadow}
      - {path: /etc/ssh/ssh_host_*_key, mode: "0600"}
      - {path: /usr/local/bin/*, mode: "0775", owner: root, besides: [/usr/local/bin/sudo]}
"""

RETURN = r"""
withdrawn:
  description:
    - What was changed, one text a file.
  returned: always
  type: list
  elements: str
  sample: ["/etc/cron.d: 0755 root:root -> 0700 root:root"]
"""

import glob
import grp
import os
import pwd
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule


class WrongEntryError(Exception):
    """An entry of the list cannot be carried out; the text says why."""


def bits(text: str) -> int:
    """The bits of an octal mode. Raises WrongEntryError."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise WrongEntryError(f'mode "{text}" is no octal mode; write it like "0640", in quotes')
    return mode


def ids(text: str, gid: int) -> tuple[int, int]:
    """The numbers of owner:group, or of an owner alone and `gid`. Raises WrongEntryError for unknown names."""
    owner, colon, group = text.partition(":")
    try:
        return pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid if colon else gid
    except KeyError as error:
        raise WrongEntryError(f'owner "{text}" is not known on this host') from error


def shown(mode: int, uid: int, gid: int) -> str:
    """Mode and owner as a person reads them."""
    names = []
    for number, lookup in ((uid, lambda n: pwd.getpwuid(n).pw_name), (gid, lambda n: grp.getgrgid(n).gr_name)):
        try:
            names.append(lookup(number))
        except KeyError:
            names.append(str(number))
    return "{:04o} {}:{}".format(mode, *names)


def withdraw(path: str, entry: dict[str, Any], check: bool) -> tuple[str, str]:
    """Apply an entry to one file; return its rights before and after (equal when nothing is to do)."""
    # O_NOFOLLOW and one descriptor: what was looked at is what is changed, whatever happens to the name.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        old = stat.S_IMODE(status.st_mode)
        mode = old & bits(entry["mode"]) if entry["mode"] else old
        uid, gid = ids(entry["owner"], status.st_gid) if entry["owner"] else (status.st_uid, status.st_gid)
        if not check:
            if (uid, gid) != (status.st_uid, status.st_gid):
                os.fchown(descriptor, uid, gid)
            if mode != old:
                os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return shown(old, status.st_uid, status.st_gid), shown(mode, uid, gid)


def paths(pattern: str) -> list[str]:
    """The existing files that a path or pattern names, links left out."""
    names = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
    return [name for name in names if os.path.lexists(name) and not os.path.islink(name)]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "mode": {"type": "str"},
                    "owner": {"type": "str"},
                    "besides": {"type": "list", "elements": "str", "default": []},
                },
            },
        },
        supports_check_mode=True,
    )
    before, after = {}, {}
    for entry in module.params["files"]:
        for path in sorted(set(paths(entry["path"])) - set(entry["besides"])):
            try:
                was, is_now = withdraw(path, entry, module.check_mode)
            except (WrongEntryError, OSError) as error:
                module.fail_json(msg=f"{path}: {error}")
            if was != is_now:
                before.setdefault(path, was)
                after[path] = is_now
    withdrawn = [f"{path}: {before[path]} -> {after[path]}" for path in after]
    diff = {
        "before": "".join(f"{path} {was}\n" for path, was in before.items()),
        "after": "".join(f"{path} {now}\n" for path, now in after.items()),
    }
    module.exit_json(changed=bool(withdrawn), withdrawn=withdrawn, diff=diff)


if __name__ == "__main__":
    main()
