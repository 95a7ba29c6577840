# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a fleet keeps its files, and how its containers are named and marked.

Two checkouts on one machine may each have a fleet called `demo`: the path of the checkout is
part of every name and label, so neither ever touches the other's.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

LABEL = "holdfast.lab"
LABEL_HOST = "holdfast.lab.host"
LABEL_CHECKOUT = "holdfast.lab.checkout"


@dataclass(frozen=True)
class Places:
    """The paths and names of one fleet of one checkout.

    Raises UsageError when the name is not a lower-case letter followed by letters, digits and dashes.
    """

    name: str
    root: Path = ROOT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"fleet name: {self.name!r} is no fleet name; write lower-case letters, digits and dashes, "
                "at most 40, a letter first"
            )

    @property
    def checkout(self) -> str:
        """Six hex digits of the checkout's path."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def all_fleets(self) -> Path:
        return self.root / "build" / "lab"

    @property
    def folder(self) -> Path:
        return self.all_fleets / self.name

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def hosts_json(self) -> Path:
        return self.folder / "hosts.json"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.json"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def network(self) -> str:
        return f"holdfast-{self.checkout}-{self.name}"

    def container(self, host: str) -> str:
        return f"holdfast-{self.checkout}-{self.name}-{host}"

    def labels(self, host: str = "") -> list[str]:
        """The podman arguments that mark what this fleet makes."""
        pairs = {LABEL: self.name, LABEL_CHECKOUT: self.checkout} | ({LABEL_HOST: host} if host else {})
        return [word for key, value in pairs.items() for word in ("--label", f"{key}={value}")]

    def filters(self) -> list[str]:
        """The podman arguments that select what this fleet made, and nothing else."""
        return [
            word
            for pair in (f"{LABEL}={self.name}", f"{LABEL_CHECKOUT}={self.checkout}")
            for word in ("--filter", f"label={pair}")
        ]

    @contextlib.contextmanager
    def locked(self, what: str = "") -> Iterator[None]:
        """Hold this fleet (or, with `what`, one thing all fleets share) against other processes."""
        self.all_fleets.mkdir(parents=True, exist_ok=True)
        with (self.all_fleets / f".{what or self.name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def forget(self) -> None:
        """Remove the fleet's folder, which holds nothing but what the lab wrote."""
        shutil.rmtree(self.folder, ignore_errors=True)
