# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Molecule's shared steps (.config/molecule) ask: which roles a scenario applies, with which values, where.

`python -m tests.scenario` makes the scenario's hosts suitable and writes the values; it runs at the end of `create`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lab.fleet import Fleet
from tests import drilling


def roles() -> tuple[str, ...]:
    """Return the scenario's roles. Raises ValueError for one that no baseline names."""
    known = drilling.roles()
    wanted = tuple(os.environ["SCENARIO_ROLES"].split(","))
    unknown = [role for role in wanted if role not in known]
    if unknown:
        raise ValueError(f"no baseline names the role {', '.join(unknown)}; name others in SCENARIO_ROLES")
    return wanted


def folder() -> Path:
    """Return where the scenario keeps what lasts until it is destroyed."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


def fleet() -> Fleet:
    """Return the scenario's hosts."""
    return Fleet(os.environ["LAB_FLEET"])


def events_file() -> Path:
    """Return where the scenario's runs write their events."""
    return Path(os.environ["TASK_EVENTS"])


def main() -> int:
    """Prepare the hosts and write values.json."""
    hosts = fleet()
    for role in roles():
        script = drilling.FOLDER / f"prepare-{role}"
        for host in hosts.hosts() if script.exists() else ():
            hosts.exec(host.name, ["sh", "-eu"], stdin=script.read_text(encoding="utf-8"), timeout=300, check=True)
    values = {**drilling.values(roles()), "roles_to_apply": roles()}
    (folder() / "values.json").write_text(json.dumps(values), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
