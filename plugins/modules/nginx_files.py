#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out which files would bring nginx to its settings; places none of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_files
short_description: Work out which files would bring nginx to its settings
version_added: "0.2.0"
description:
  - Reads the configuration as nginx does (C(nginx -T)) and returns the contents that files must have for the settings
    to hold in every server and location. Changes nothing; M(holdfast.hipaa.place) puts the files where they belong.
  - A statement that says otherwise becomes a comment; one that keeps within a limit stays.
  - What is null is left alone.
author:
  - Holdfast contributors (@holdfast)
options:
  limits:
    description:
      - Directives and the largest number each may have, in seconds or bytes.
    type: dict
    default: {}
  switches:
    description:
      - Directives and the one word each must have.
    type: dict
    default: {}
  protocols:
    description:
      - The versions of TLS that may be spoken.
    type: list
    elements: str
  ciphers:
    description:
      - The cipher suites that may be agreed on below TLS 1.3.
    type: list
    elements: str
  headers:
    description:
      - Headers that every answer carries, and what each says.
    type: dict
    default: {}
  log_fields:
    description:
      - The variables that the access log holds, in order.
    type: list
    elements: str
  error_level:
    description:
      - The least that the error log holds.
    type: str
    choices: [debug, info, notice, warn, error, crit, alert, emerg]
  user:
    description:
      - Who the workers run as.
    type: str
  plain_http:
    description:
      - Whether visitors without TLS are sent to https; only where some server speaks TLS.
    type: str
    choices: [redirect]
  plain_paths:
    description:
      - Paths that are answered without TLS; one that ends with a slash stands for all below it.
    type: list
    elements: str
    default: []
  unknown_names:
    description:
      - Whether names that no server has are refused.
    type: str
    choices: [refused]
  writable_files:
    description:
      - Whether rights to write the configuration are looked at.
    type: bool
    default: false
  open_keys:
    description:
      - Whether rights to read the private keys are looked at.
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
- name: Work out the files
  holdfast.hipaa.nginx_files:
    switches: {server_tokens: "off"}
  register: __web_files

- name: Place them
  holdfast.hipaa.place:
    files: "{{ __web_files.files }}"
    check: [[/usr/sbin/nginx, -t, -q]]
"""

RETURN = r"""
present:
  description: Whether the host has nginx.
  returned: success
  type: bool
files:
  description: Path, content and mode of every file that the settings touch.
  returned: success
  type: list
  elements: dict
rights:
  description: Files whose rights reach too far, as M(holdfast.hipaa.file_modes) wants them.
  returned: success
  type: list
  elements: dict
stale:
  description: Whether the running workers are older than the files they were made from.
  returned: success
  type: bool
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.nginx_files import NginxError, Plan, Wish, entries, host_names, rights
from ..module_utils.probes import nginx as probe
from ..module_utils.probes._common import UnreadableError

WISHES = {
    "limits": {"type": "dict", "default": {}},
    "switches": {"type": "dict", "default": {}},
    "protocols": {"type": "list", "elements": "str"},
    "ciphers": {"type": "list", "elements": "str"},
    "headers": {"type": "dict", "default": {}},
    "log_fields": {"type": "list", "elements": "str"},
    "error_level": {"type": "str", "choices": ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"]},
    "user": {"type": "str"},
    "plain_http": {"type": "str", "choices": ["redirect"]},
    "plain_paths": {"type": "list", "elements": "str", "default": []},
    "unknown_names": {"type": "str", "choices": ["refused"]},
}


def texts(paths: list[str]) -> dict[str, str]:
    """The files as they are on the disk. Raises NginxError for one that is no text."""
    found = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as source:
                found[path] = source.read()
        except (OSError, UnicodeDecodeError) as error:
            raise NginxError(f"{path}: {error}") from error
    return found


def main() -> None:
    rest = {name: {"type": "bool", "default": False} for name in ("writable_files", "open_keys")}
    module = AnsibleModule(argument_spec={**WISHES, **rest}, supports_check_mode=True)
    try:
        state = probe.read()
        if state is None:
            module.exit_json(changed=False, present=False, files=[], rights=[], stale=False)
        wish = Wish.of({name: module.params[name] for name in WISHES})
        files = entries(Plan(texts([p for p in state.files if os.path.isabs(p)]), wish, host_names()).files())
        far = rights(state, module.params["writable_files"], module.params["open_keys"])
        stale = probe.reloaded(state)[1] == "no"
    except UnreadableError as error:
        module.fail_json(msg=f"nginx refuses its own configuration; mend that by hand first: {error}")
    except NginxError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, present=True, files=files, rights=far, stale=stale)


if __name__ == "__main__":
    main()
