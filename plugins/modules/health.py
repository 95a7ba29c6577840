#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host's health, before and after its turn."""

from __future__ import annotations

DOCUMENTATION = r"""
module: health
short_description: Look at a host's health
version_added: 0.1.0
description:
  - Runs all of a host's health checks and says of each whether it holds, how long it took and why not.
  - An unhealthy check is a result, not an error; O(expect) decides whether the module fails over it.
  - Checks only read. The SQL check forbids its transaction to write; a command must be one that changes nothing.
  - Neither pages, nor rows, nor lines of a log, nor what a program writes becomes part of the result.
author: Holdfast contributors (@holdfast)
options:
  checks:
    description: The checks, each with exactly one of O(checks[].service), O(checks[].tcp), O(checks[].tls),
      O(checks[].http), O(checks[].sql), O(checks[].log) and O(checks[].command).
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The check's id, once in the list.
        type: str
        required: true
      timeout:
        description: How many seconds one look may take.
        type: float
        default: 10.0
      before:
        description:
          - With a check that asks for the same answer as before, the digest of the answer before; the empty text where
            none is known, and then the check fails.
          - Without it, nothing is compared.
        type: str
      service:
        description: A systemd unit that must be active.
        type: str
      tcp:
        description: A port that must accept a connection.
        type: dict
        suboptions:
          port:
            description: The port.
            type: int
            required: true
          host:
            description: Where, as seen from the managed host.
            type: str
            default: 127.0.0.1
      tls:
        description: A port that must show a certificate which holds for clients.
        type: dict
        suboptions:
          port:
            description: The port.
            type: int
            required: true
          host:
            description: Where, as seen from the managed host.
            type: str
            default: 127.0.0.1
          server_name:
            description: The name that is asked for and that the certificate must be for; O(checks[].tls.host) if unset.
            type: str
          days:
            description: How many days the certificate must still be valid.
            type: int
            default: 14
          ca_file:
            description: A file with the certificates of the authorities to trust; the system's own store if unset.
            type: path
      log:
        description: A log in which no new line may match a pattern, from the start of the module until its end.
        type: dict
        suboptions:
          unit:
            description: The systemd unit whose journal it is. One of this and O(checks[].log.path) is required.
            type: str
          path:
            description: The log's file.
            type: path
          pattern:
            description: A regular expression, searched for in each line.
            type: str
            required: true
          seconds:
            description: How many seconds the log is watched at least.
            type: int
            default: 10
      http:
        description: An address that must answer. No proxy is used and no redirect followed.
        type: dict
        suboptions:
          url:
            description: The address, http or https, as seen from the managed host.
            type: str
            required: true
          status:
            description: The status it must answer with.
            type: int
            default: 200
          contains:
            description: Text the page must contain, within its first MiB.
            type: str
          same:
            description: The page's first MiB must be the one from before, see O(checks[].before).
            type: bool
      sql:
        description: A query PostgreSQL must answer, asked with C(psql).
        type: dict
        suboptions:
          database:
            description: The database.
            type: str
            required: true
          query:
            description: The query. Its transaction cannot write.
            type: str
            required: true
          expect:
            description: The answer, as C(psql -tA) prints it. One of this and O(checks[].sql.same) is required.
            type: str
          same:
            description: The answer must be the one from before, see O(checks[].before).
            type: bool
          user:
            description: The operating system user to ask as.
            type: str
            default: postgres
      command:
        description: A program that must end with an exit code. It must change nothing.
        type: dict
        suboptions:
          argv:
            description: The program and its arguments; no shell.
            type: list
            elements: str
            required: true
          expect_rc:
            description: The exit code.
            type: int
            default: 0
          same:
            description: The first 64 KiB of what it writes must be the one from before, see O(checks[].before).
            type: bool
  retries:
    description: How often failed checks are looked at again.
    type: int
    default: 5
  delay:
    description: Seconds between these looks.
    type: float
    default: 2.0
  deadline:
    description: Seconds after which no check is looked at again.
    type: float
    default: 60.0
  watch_seconds:
    description:
      - For how many seconds healthy checks must go on to hold, once all do. The first failure ends it.
      - A log's own O(checks[].log.seconds) may make it longer.
    type: float
    default: 0.0
  interval:
    description: Seconds between two looks of that watch.
    type: float
    default: 5.0
  salt:
    description: Text that goes into digests of answers, so that nobody can guess an answer from its digest.
    type: str
    default: ""
  remember:
    description:
      - Where the digests of answers that held are kept for a later run, with their salt, for root alone. The folder
        must be there.
      - Nothing is kept in check mode.
    type: path
  recall:
    description: Where they were kept; used for a check whose O(checks[].before) is the empty text.
    type: path
  expect:
    description:
      - With V(healthy), the module fails when a check does, or when there is none.
      - With V(report), it reports.
    type: str
    choices: [healthy, report]
    default: healthy
attributes:
  check_mode:
    description: The checks only read and run in check mode too; O(remember) does nothing there.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
requirements:
  - python >= 3.9
"""

EXAMPLES = r"""
- name: Look at the web server and the database
  holdfast.hipaa.health:
    checks:
      - {id: web, http: {url: "http://127.0.0.1/healthz", contains: ok}}
      - {id: db, sql: {database: postgres, query: "select 1", expect: "1"}}
      - {id: nginx, service: nginx}
"""

RETURN = r"""
healthy:
  description: Whether there are checks and all of them hold.
  type: bool
  returned: always
results:
  description: One entry a check, in the order asked.
  type: list
  elements: dict
  returned: always
  contains:
    id:
      description: The check's id.
      type: str
      returned: always
    kind:
      description: Which of the seven kinds it is.
      type: str
      returned: always
    result:
      description: C(pass) or C(fail).
      type: str
      returned: always
    ms:
      description: Milliseconds the last look took.
      type: int
      returned: always
    why:
      description: Why it failed; empty when it passed.
      type: str
      returned: always
    looks:
      description: How often it was looked at.
      type: int
      returned: always
    digest:
      description: The digest of the answer, where the check asks for the same answer as before; null elsewhere.
      type: str
      returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.health.checks import CHECK_OPTIONS, KINDS, Patience, Watch, run_checks
from ..module_utils.health.memory import recalled, remember


def main() -> None:
    """Look, and fail only when asked to expect health."""
    module = AnsibleModule(
        argument_spec={
            "checks": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": CHECK_OPTIONS,
                "mutually_exclusive": [tuple(KINDS)],
                "required_one_of": [tuple(KINDS)],
            },
            "retries": {"type": "int", "default": 5},
            "delay": {"type": "float", "default": 2.0},
            "deadline": {"type": "float", "default": 60.0},
            "watch_seconds": {"type": "float", "default": 0.0},
            "interval": {"type": "float", "default": 5.0},
            "salt": {"type": "str", "default": ""},
            "remember": {"type": "path"},
            "recall": {"type": "path"},
            "expect": {"type": "str", "choices": ["healthy", "report"], "default": "healthy"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    ids = [check["id"] for check in asked["checks"]]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        module.fail_json(
            msg=f"checks: found the id {', '.join(twice)} twice; expected each once; rename one",
            results=[],
            healthy=False,
        )
    results = run_checks(
        recalled(asked["checks"], Path(asked["recall"])) if asked["recall"] else asked["checks"],
        Patience(asked["retries"], asked["delay"], asked["deadline"]),
        Watch(asked["watch_seconds"], asked["interval"]),
        asked["salt"],
    )
    if asked["remember"] and not module.check_mode:
        remember(Path(asked["remember"]), results, asked["salt"])
    healthy = bool(results) and all(result.passed for result in results)
    said = {"changed": False, "healthy": healthy, "results": [result.to_dict() for result in results]}
    if asked["expect"] == "healthy" and not healthy:
        failed = [f"{result.id}: {result.why}" for result in results if not result.passed]
        module.fail_json(msg="; ".join(failed) or "checks: found none; expected at least one; name some", **said)
    module.exit_json(**said)


if __name__ == "__main__":
    main()
