# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the process meets the world: the clock, the site's folder, the run it belongs to. Nothing else reads these."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import SiteError

PRODUCT = Path(__file__).resolve().parents[3]
"""The collection's own folder, which holds baselines/ and policy/ as shipped."""

SITE = "HOLDFAST_SITE"
RUN = "HOLDFAST_RUN"
NONCE = "HOLDFAST_NONCE"


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def find_site(named: str | Path | None = None) -> Path:
    """Return the site's folder: as named, else $HOLDFAST_SITE, else the current folder.

    Raises SiteError when that folder holds no site.yml.
    """
    root = Path(named or os.environ.get(SITE) or ".").resolve()
    if not (root / "site.yml").is_file():
        raise SiteError(
            f"{root}: holds no site.yml; expected a site's folder; "
            "name it with --site or HOLDFAST_SITE, or make one with `holdfast init DIR`"
        )
    return root


@dataclass(frozen=True)
class RunContext:
    """What the recorder callback tells the processes it forks: the run that is open, and the secret that proves it."""

    site: Path
    run_id: str
    nonce: str

    @classmethod
    def from_environment(cls) -> RunContext | None:
        """Return the run this process belongs to, or None where no recorder is active."""
        run_id, nonce = os.environ.get(RUN), os.environ.get(NONCE)
        if not run_id or not nonce:
            return None
        return cls(site=find_site(), run_id=run_id, nonce=nonce)

    def export(self) -> None:
        """Put the run into this process's environment, which Ansible's workers inherit."""
        os.environ.update({SITE: str(self.site), RUN: self.run_id, NONCE: self.nonce})
