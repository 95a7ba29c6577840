# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What throw-away hosts may do that a server may not: exceptions and overlays for a site of lab hosts.

Written when a site is laid out, for an exception has a day on which it ends, and a lab is made on any day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

LASTS = timedelta(days=90)

_EXCEPTIONS = """\
---
# What may fail on the lab's hosts, until when, and who said so. docs/reference/site.md explains every key.
exceptions:
  - id: no-signatures
    control: endpoint-12
    scope: {{all: true}}
    reason: The lab downloads no signatures of malware.
    approver: {approver}
    compensating: {{none: "The hosts are made anew every day, and hold nothing."}}
    expires: {expires}
  - id: backup-beside-the-data
    control: backup-02
    scope: {{all: true}}
    reason: The lab has no second machine to keep backups on.
    approver: {approver}
    compensating: {{none: "The hosts are made anew every day, and hold nothing."}}
    expires: {expires}
"""

_OVERLAYS = """\
---
# Values of the lab's own in the place of a baseline's. docs/reference/site.md explains every key.
overlays:
  - control: packages-14
    value: [Debian, "http://lab-archive/"]
    scope: {{all: true}}
    reason: The lab's own archive offers the claims service.
    approver: {approver}
"""


def write_allowances(site: Path, approver: str, now: datetime) -> None:
    """Write exceptions.yml and overlays.yml into a site; `approver` is a principal that may approve, `now` aware."""
    expires = (now + LASTS).isoformat(timespec="seconds")
    for name, text in (("exceptions.yml", _EXCEPTIONS), ("overlays.yml", _OVERLAYS)):
        (site / name).write_text(text.format(approver=approver, expires=expires), encoding="utf-8")
