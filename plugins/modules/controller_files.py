#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the site on the machine that runs Holdfast to its rights, and its ansible.cfg to what keeps records."""

from __future__ import annotations

DOCUMENTATION = r"""
module: controller_files
short_description: Bring the site on the machine that runs Holdfast to its rights and settings
version_added: "0.2.0"
description:
  - Takes away rights on the site's keys, ledger, files and on its owner's SSH keys that reach too far, gives signing
    keys to the site's owner, and sets two settings of the site's C(ansible.cfg). Reads no key's content but its first
    line, and returns none.
author:
  - Holdfast contributors (@holdfast)
options:
  site:
    description:
      - The folder of the site. Nothing is done when there is none.
    type: path
    required: true
  what:
    description:
      - What is managed.
    type: list
    elements: str
    choices:
      - callback
      - foreign_keys
      - host_key_checking
      - ledger_mode
      - open_keys
      - open_ledger
      - open_ssh_keys
      - writable_files
    default: []
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns what was changed.
    support: full
"""

EXAMPLES = r"""
- name: Keep the signing keys to their owner
  holdfast.hipaa.controller_files:
    site: /srv/holdfast
    what: [open_keys, foreign_keys]
"""

RETURN = r"""
done:
  description: What was changed, one text a file.
  returned: success
  type: list
  elements: str
  sample: ["/srv/holdfast/keys/log.pem to 0600"]
"""

import os
import re
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.probes import controller as probe

# What is looked at, and which rights are taken away there.
RIGHTS = {"open_keys": 0o177, "open_ledger": 0o077, "open_ssh_keys": 0o077, "writable_files": 0o022}


def paths(what: str, site: str) -> list[str]:
    """The files that one word is about."""
    if what in ("open_keys", "foreign_keys"):
        return probe.private_keys(site + "/keys")
    if what == "open_ssh_keys":
        return probe.ssh_keys(site)
    return probe.ledger_files(site) if what == "open_ledger" else probe.files_of(site)


def modes(site: str, what: list[str]) -> dict[str, int]:
    """Path -> the mode it must have, for files whose rights reach too far."""
    found: dict[str, int] = {}
    for word in what:
        for path in paths(word, site) if word in RIGHTS else ():
            mode = found.get(path, probe.mode(path))
            if mode & RIGHTS[word]:
                found[path] = mode & ~RIGHTS[word]
    ledger = site + "/ledger"
    if "ledger_mode" in what and os.path.isdir(ledger) and probe.mode(ledger) & 0o077:
        found[ledger] = probe.mode(ledger) & 0o7700
    return found


def configured(text: str, callback: bool, host_key_checking: bool) -> str:
    """An ansible.cfg that names the recorder and checks host keys; nothing else in it changes."""
    if callback and not re.search(rf"^callbacks_enabled\s*[=:].*\b{re.escape(probe.RECORDER)}\b", text, re.MULTILINE):
        text, count = re.subn(
            r"^(callbacks_enabled[ \t]*[=:][ \t]*)(.*)$", rf"\g<1>{probe.RECORDER}, \2", text, flags=re.M
        )
        text = (
            re.sub(r", *$", "", text, flags=re.MULTILINE)
            if count
            else section(text, f"callbacks_enabled = {probe.RECORDER}")
        )
    if host_key_checking:
        text = re.sub(
            r"^(host_key_checking[ \t]*[=:][ \t]*)(?:no|false|0|off)\b.*$", r"\g<1>true", text, flags=re.M | re.I
        )
    return text


def section(text: str, line: str) -> str:
    """The text with one more line at the start of [defaults], which is made where there is none."""
    changed, count = re.subn(r"^\[defaults\][ \t]*$", f"[defaults]\n{line}", text, count=1, flags=re.MULTILINE)
    return changed if count else f"[defaults]\n{line}\n{text}"


def write(path: str, text: str) -> None:
    """Replace a file in one step; its owner and mode stay."""
    status = os.stat(path)
    descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(text)
    os.chown(new, status.st_uid, status.st_gid)
    os.chmod(new, stat.S_IMODE(status.st_mode))
    os.replace(new, path)


def carry_out(site: str, what: list[str], check: bool) -> list[str]:
    """Do it, unless in check mode; what was or would be done."""
    done = []
    settings = site + "/ansible.cfg"
    if os.path.isfile(settings):
        with open(settings, encoding="utf-8") as source:
            text = source.read()
        wanted = configured(text, "callback" in what, "host_key_checking" in what)
        if wanted != text:
            done.append(f"{settings} mended")
            if not check:
                write(settings, wanted)
    status = os.stat(site)
    for path in paths("foreign_keys", site) if "foreign_keys" in what else ():
        if os.stat(path).st_uid != status.st_uid:
            done.append(f"{path} to {probe.owner(site)}")
            if not check:
                os.chown(path, status.st_uid, status.st_gid)
    for path, mode in modes(site, what).items():
        done.append(f"{path} to {mode:04o}")
        if not check:
            os.chmod(path, mode)
    return done


def main() -> None:
    known = [*RIGHTS, "callback", "foreign_keys", "host_key_checking", "ledger_mode"]
    module = AnsibleModule(
        argument_spec={
            "site": {"type": "path", "required": True},
            "what": {"type": "list", "elements": "str", "choices": sorted(known), "default": []},
        },
        supports_check_mode=True,
    )
    site, done = module.params["site"], []
    try:
        if os.path.isdir(site):
            done = carry_out(site, module.params["what"], module.check_mode)
    except (OSError, UnicodeDecodeError) as error:
        module.fail_json(msg=f"{site}: {error}")
    module.exit_json(changed=bool(done), done=done, diff={"before": "", "after": "".join(f"{line}\n" for line in done)})


if __name__ == "__main__":
    main()
