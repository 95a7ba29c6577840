# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a bundle of a site's ledger and writes it as one archive, whole or not at all, readable by its owner alone.

Nothing is written that the bundle's own verifier does not accept.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from ..audit.heads import parse
from ..audit.notekeys import LOG, NoteKey
from ..change.store import plan_path
from ..errors import LedgerError, UsageError
from ..evidence.asking import Question
from ..evidence.bundle import SUMS, About, Contents, Scope, details_of, digests_of, files_of, sums
from ..evidence.bundle_page import readme, render_bundle
from ..evidence.gathering import Gathered, gather
from ..evidence.scanning import Scan
from ..ledger.store import Ledger
from ..site.site import Site
from .results import results_folder
from .sealing import Sealing, folder_of
from .verifier import verify

VERIFIER = Path(verify.__file__)
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive: the same ledger and the same moment give the same bytes."""


def make_bundle(
    site: Site, ledger: Ledger, scope: Scope, question: Question, now: datetime, version: str, *, results: bool = True
) -> tuple[Contents, dict[str, bytes]]:
    """Return a bundle's contents and files.

    Raises UsageError where no record answers, LedgerError where no head was signed or the ledger is not the one it was
    signed over, and where the verifier would refuse the bundle.
    """
    note = ledger.checkpoint()
    if note is None:
        raise LedgerError(f"{ledger.path}: no head was ever signed, so nothing can be proved; every run signs one")
    head = parse(note)
    if ledger.root(head.size) != head.root:
        raise LedgerError(
            f"{ledger.path}: the first {head.size} entries are not those whose head was signed; run `holdfast audit`"
        )
    gathered = gather(ledger, question, head.size)
    if not gathered.asked:
        raise UsageError(
            f"{scope.words}: no record under the newest signed head answers to it; nothing was written; look with "
            "`holdfast records`"
        )
    missing: list[str] = []
    plans = _digested(lambda digest: plan_path(site.plans_dir, digest), "plan", gathered, missing)
    sealed = _digested(Sealing(folder_of(site)).sealed_path, "evidence", gathered, missing)
    kept = _results(site, gathered, missing) if results else {}
    chain = Scan(ledger, lambda stored: False, head.size).newest
    if chain.trust is None or chain.genesis is None:
        raise LedgerError(f"{ledger.path}: holds no trust document that enough have signed; run `holdfast audit`")
    about = About(
        site=site.name,
        org=site.org,
        made_at=now,
        version=version,
        note=note,
        size=head.size,
        root=head.root.hex(),
        genesis=chain.genesis,
        log_keys=tuple(NoteKey(site.org, LOG, key.raw).written for key in chain.trust.keys_of("log")),
    )
    contents = Contents(scope, about, gathered, plans, sealed, kept, tuple(missing))
    wanted = {one.index for one in gathered.records}
    stored: dict[int, bytes] = {}

    def entries(index: int, data: bytes) -> bytes:
        if index in wanted:
            stored[index] = data
        return data

    leaves = (entries(index, data) for index, data in ledger.entries() if index < head.size)
    files = files_of(contents, leaves, stored, chain.trust)
    files |= {"verify.py": VERIFIER.read_bytes()}
    files |= {"index.html": render_bundle(contents, stored).encode(), "README.txt": readme(contents).encode()}
    files[SUMS] = sums(files)
    try:
        verify.Bundle(files, chain.genesis, [])
    except Exception as error:
        raise LedgerError(
            f"{ledger.path}: a bundle of it would be refused ({error or type(error).__name__}); nothing was written; "
            "run `holdfast audit`"
        ) from error
    return contents, files


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of some files: a ZIP, as every system opens it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def write_archive(path: Path, data: bytes) -> None:
    """Write an archive, mode 0600; raises UsageError where something is there already, or it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".bundle-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.link(temporary, path)  # unlike a rename, it refuses a name that is taken
        finally:
            os.unlink(temporary)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another file with --output") from error


def _digested(path_of: Callable[[str], Path], name: str, gathered: Gathered, missing: list[str]) -> dict[str, bytes]:
    """Return the files of plans or of evidence by digest, those that are at hand and still what the records say."""
    found = {}
    for digest in digests_of(name, gathered.records):
        try:
            data = path_of(digest).read_bytes()
        except OSError:
            missing.append(f"{name} {digest}: its file is not at hand")
            continue
        if hashlib.sha256(data).hexdigest() != digest:
            missing.append(f"{name} {digest}: its file was changed, and is left out")
            continue
        found[digest] = data
    return found


def _results(site: Site, gathered: Gathered, missing: list[str]) -> dict[tuple[str, str], bytes]:
    found = {}
    for (run, asset), digest in details_of(gathered.records).items():
        try:
            data = (results_folder(site, run) / f"{asset}.json").read_bytes()
        except OSError:
            missing.append(f"results of {run} on {asset}: the file is not at hand")
            continue
        if hashlib.sha256(data).hexdigest() != digest:
            missing.append(f"results of {run} on {asset}: the file is not the one that was signed, and is left out")
            continue
        found[run, asset] = data
    return found
