#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the PostgreSQL servers of a host to their settings, and works out their pg_hba.conf."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_settings
short_description: Bring the PostgreSQL servers of a host to their settings
version_added: "0.2.0"
description:
  - Asks every server of the host as the operating system user C(postgres), and runs C(ALTER SYSTEM), C(REVOKE) and
    C(RESET) for what differs. The server checks each value and refuses what it cannot take.
  - Returns the contents that C(pg_hba.conf) must have; M(holdfast.hipaa.place) puts them where they belong.
  - Neither reloads nor restarts; says which units would have to be. A value of null is left alone.
author:
  - Holdfast contributors (@holdfast)
options:
  settings:
    description:
      - Names and values as in C(pg_settings), times in the unit shown there.
    type: dict
    default: {}
  weak_rules:
    description:
      - Whether rules of C(pg_hba.conf) that ask for no proof, or a weak one, become C(scram-sha-256) or C(peer).
    type: bool
    default: false
  plain_rules:
    description:
      - Whether rules for other hosts ask for TLS.
    type: bool
    default: false
  flows:
    description:
      - From where clients may come, such as C(tcp/5432 from 192.0.2.0/24); rules for others become comments, and
        without any the server listens to the host itself alone.
    type: list
    elements: str
  overrides:
    description:
      - Whether roles and databases lose their own settings of logs, time limits and password storage.
    type: bool
    default: false
  public_schemas:
    description:
      - Whether everybody loses the right to create in the schema public.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return the same as without, except what needs a restart.
    support: full
  diff_mode:
    description: Returns the statements.
    support: full
"""

EXAMPLES = r"""
- name: Log who connects
  holdfast.hipaa.postgresql_settings:
    settings: {log_connections: "on"}
"""

RETURN = r"""
files:
  description: The pg_hba.conf of every server, as M(holdfast.hipaa.place) wants it.
  returned: success
  type: list
  elements: dict
checks:
  description: Programs that fail when a server does not understand its pg_hba.conf.
  returned: success
  type: list
  elements: list
units:
  description: The units of the servers.
  returned: success
  type: list
  elements: str
waiting:
  description: The units whose servers need a restart for a setting to hold.
  returned: success
  type: list
  elements: str
rights:
  description: Files whose rights reach too far, as M(holdfast.hipaa.file_modes) wants them.
  returned: success
  type: list
  elements: dict
blocked:
  description: What cannot be done, and what a person must do first.
  returned: success
  type: list
  elements: str
"""

import os
import stat
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.postgresql_settings import Wish, work_for
from ..module_utils.probes import postgresql as probe
from ..module_utils.probes._common import UnreadableError

LOADED = "SELECT pg_conf_load_time()"
RELOAD_SECONDS = 5.0
RESTARTED = "listen_addresses"  # of the settings that roles set, the one that a running server cannot take
# Ends with an error when the file that has just landed holds a line that the server does not understand.
UNDERSTOOD = "SELECT 1 / (count(*) = 0)::int FROM pg_hba_file_rules WHERE error IS NOT NULL"


def rights(seen: probe.Seen) -> list[dict[str, str]]:
    """The data directory and the files of the configuration, where others reach them."""
    data = seen.facts["settings"]["data_directory"][0]
    found = []
    if stat.S_IMODE(os.stat(data).st_mode) & 0o077:
        found.append({"path": data, "mode": "0700", "owner": "postgres:postgres"})
    for line in probe.writable_files(seen):
        found.append({"path": line.partition(" ")[2], "mode": "7755", "owner": "postgres:postgres"})
    return found


def reload(cluster: probe.Cluster) -> None:
    """Let a server read its files again, and wait until it has."""
    loaded = probe.psql(cluster, [LOADED])
    probe.psql(cluster, ["SELECT pg_reload_conf()"])
    until = time.monotonic() + RELOAD_SECONDS
    while probe.psql(cluster, [LOADED]) == loaded and time.monotonic() < until:
        pass


def carry_out(module: AnsibleModule, wish: Wish) -> dict[str, object]:
    """Ask, and do unless in check mode; what came of it."""
    statements, files, checks, blocked, units, waiting, far = [], [], [], [], [], [], []
    for seen in probe.collect(None) or []:
        path = seen.facts["settings"]["hba_file"][0]
        with open(path, encoding="utf-8") as source:
            text = source.read()
        work = work_for(seen, text, wish)
        statements += [f"{seen.cluster} {database}: {statement}" for database, statement in work.statements]
        for database in [] if module.check_mode else dict.fromkeys(name for name, _statement in work.statements):
            probe.psql(seen.cluster, [one for name, one in work.statements if name == database], database)
        mode = f"{stat.S_IMODE(os.stat(path).st_mode) & ~0o022:04o}"
        files.append(
            {"path": path, "content": work.rules or text, "mode": mode, "owner": "postgres", "group": "postgres"}
        )
        blocked += work.blocked
        units.append(seen.cluster.unit)
        checks.append(probe.command(seen.cluster, [UNDERSTOOD]))
        after = seen
        if any(RESTARTED in statement for _database, statement in work.statements):
            waiting.append(seen.cluster.unit)
        if work.statements and not module.check_mode:
            # The server notices what must wait for a restart when it reads its files again.
            reload(seen.cluster)
            after = probe.see(seen.cluster)
        if probe.waiting(after) and seen.cluster.unit not in waiting:
            waiting.append(seen.cluster.unit)
        far += rights(seen)
    return {
        "changed": bool(statements),
        "files": files,
        "checks": checks,
        "blocked": blocked,
        "units": units,
        "waiting": waiting,
        "rights": far,
        "diff": {"before": "", "after": "".join(f"{one}\n" for one in statements)},
    }


def main() -> None:
    flags = {name: {"type": "bool", "default": False} for name in ("weak_rules", "plain_rules", "overrides")}
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "default": {}},
            "flows": {"type": "list", "elements": "str"},
            "public_schemas": {"type": "bool", "default": False},
            **flags,
        },
        supports_check_mode=True,
    )
    options = dict(module.params)
    options["settings"] = {name: value for name, value in options["settings"].items() if value is not None}
    try:
        result = carry_out(module, Wish(**options))
    except UnreadableError as error:
        module.fail_json(msg=f"The database was not asked, or refused: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
