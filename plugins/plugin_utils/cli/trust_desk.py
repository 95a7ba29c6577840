# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every action of `holdfast trust` needs: the chain on record, and how versions are said and printed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ..edge.opening import open_ledger
from ..errors import UsageError
from ..ledger.chain import Chain
from ..ledger.follows import consequences
from ..ledger.reading import chain_after, read_records
from ..ledger.store import Ledger
from ..ledger.trust import Trust
from ..site.site import Site


def exists(site: Site) -> bool:
    """Say whether the site has a ledger."""
    return Ledger.exists(site.ledger_path)


def chain_of(site: Site) -> Chain:
    """Return the chain of trust on record; an empty one where there is no ledger."""
    return chain_after(open_ledger(site), Chain(), 0) if exists(site) else Chain()


def signers_needed(before: Trust | None, after: Trust) -> int:
    """Return how many root principals must sign a version before it can be in force."""
    return max(after.root_threshold, before.root_threshold if before else 1)


def say_consequences(site: Site, before: Trust | None, after: Trust) -> None:
    """Say on stderr what follows from publishing a version."""
    records = read_records(open_ledger(site)) if exists(site) else ()
    for line in consequences(before, after, records):
        say(line)
    say_cautions(after)


def say_cautions(trust: Trust) -> None:
    """Say on stderr what a version leaves without a way back."""
    for line in trust.cautions():
        print(f"caution: {line}", file=sys.stderr)


def say(line: str) -> None:
    """Say something about the trust document on stderr."""
    print(f"trust: {line}", file=sys.stderr)


def print_trust(args: argparse.Namespace, trust: Trust | None, genesis: str | None) -> int:
    """Print a version on stdout."""
    if trust is None:
        raise AssertionError("there is always a version to print")
    if args.format == "json":
        said = {"sha256": trust.sha256, "genesis": genesis, "trust": trust.to_dict(), "cautions": trust.cautions()}
        print(json.dumps(said, sort_keys=True))
        return 0
    print(f"trust version {trust.version}  sha256 {trust.sha256}")
    if genesis is not None and genesis != trust.sha256:
        print(f"begun with version 1  sha256 {genesis}")
    print(f"root threshold {trust.root_threshold} of {len(trust.roots)}")
    width = max(len(principal.id) for principal in trust.principals)
    for principal in trust.principals:
        keys = ", ".join(
            f"{key.kind} {key.keyid[:16]}..." + (f" ({term})" if (term := str(principal.term(key.keyid))) else "")
            for key in principal.keys
        )
        print(f"  {principal.id:<{width}}  {', '.join(principal.roles):<11}  {keys}")
    return 0


def read_made(path: Path, action: str, most: int) -> bytes:
    """Return at most so many bytes of what an action made; raises UsageError where the file cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected what `holdfast trust {action}` wrote") from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; raises UsageError where it is, or cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UsageError(
            f"{path}: exists already; nothing is overwritten; name another file, or move it away"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a folder this user can write; name another") from error
