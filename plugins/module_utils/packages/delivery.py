# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How planned files come to a host when its archives need not be asked: from the controller's pool, or handed over."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import PackageError, Refusal
from .lines import Deb
from .stagedir import Stage

SOURCES = ("archive", "pool", "copy")
"""The host's own archives; the pool over HTTP; files the controller has put on the host over its connection."""

_URL = re.compile(r"http://[A-Za-z0-9.:\[\]-]+")
_SECONDS = 30  # one read; a whole file may take longer


@dataclass(frozen=True)
class Delivery:
    """Where files may come from, in this order.

    pool is the address before /sha256/..., None while the controller serves none; copied is the folder of files named
    by their SHA-256, None while the controller was not asked for any. tried says, by file, why earlier sources did not
    bring it.
    """

    sources: tuple[str, ...] = ("archive",)
    pool: str | None = None
    copied: Path | None = None
    tried: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Delivery:
        """Return what a module was asked for. Raises PackageError for an address that is none."""
        pool = asked["pool_url"]
        if pool is not None and not _URL.fullmatch(pool):
            raise PackageError(f"pool_url: found {pool[:80]!r}; expected http://, an address and a port; correct it")
        copied = None if asked["copied"] is None else Path(asked["copied"])
        return cls(tuple(asked["sources"]), pool, copied, asked["tried"] or {})

    def waits(self, source: str) -> bool:
        """Return whether the controller must do something before this source can be asked."""
        return (source == "pool" and self.pool is None) or (source == "copy" and self.copied is None)


def from_pool(debs: tuple[Deb, ...], stage: Stage, url: str) -> dict[str, str]:
    """Fetch these files from the pool into the stage; return, by file, why one was not brought.

    No proxy is asked and no redirect followed: the pool is the controller's own. Raises PackageError naming every file
    that arrived otherwise than planned.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    missed: dict[str, str] = {}
    refused: list[Refusal] = []
    for number, deb in enumerate(debs):
        try:
            with opener.open(f"{url}/sha256/{deb.sha256[:2]}/{deb.sha256}", timeout=_SECONDS) as coming:
                refusal = stage.take_from(coming, deb, cut=True)
        except urllib.error.HTTPError as error:
            missed[deb.file] = "not in the pool" if error.code == 404 else f"the pool answered {error.code}"
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            # Whoever does not answer for one file keeps us waiting for each of the others.
            missed.update({one.file: f"the pool at {url}: {reason}" for one in debs[number:]})
            break
        else:
            refused += [refusal] if refusal is not None else []
    if refused:
        raise PackageError("what the pool sent is not what the plan locks", tuple(refused))
    return missed


def from_copies(debs: tuple[Deb, ...], stage: Stage, folder: Path) -> dict[str, str]:
    """Take these files from a folder into the stage; return, by file, why one was not brought.

    Raises PackageError naming every file that is not the one planned.
    """
    missed: dict[str, str] = {}
    refused: list[Refusal] = []
    for deb in debs:
        try:
            refusal = stage.take(folder / deb.sha256, deb)
        except FileNotFoundError:
            missed[deb.file] = "the controller had none to copy"
        else:
            refused += [refusal] if refusal is not None else []
    if refused:
        raise PackageError("what the controller copied is not what the plan locks", tuple(refused))
    return missed


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The pool sends nobody elsewhere; whoever does is not the pool."""

    def redirect_request(self, *_unused: Any) -> None:
        return None
