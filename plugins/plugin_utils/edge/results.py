# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of results beside the ledger: `reports/results/<run>/<asset>.json`, for their owner's eyes only."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..evidence.results import (
    AssetResults,
    ControlResult,
    ResultsError,
    RunResults,
    agreed,
    drift_run,
    signed_of,
)
from ..ledger.reading import Record
from ..site.baseline import Control
from ..site.site import Site
from ..verdicts.verdict import Verdict
from .opening import Run

FOLDER = "results"


def results_folder(site: Site, run_id: str) -> Path:
    """Return the folder of a run's results."""
    return site.reports_dir / FOLDER / run_id


def keep_beside(path: Path, data: bytes) -> str:
    """Write a file beside the ledger, whole or not at all, for its owner's eyes only; return its SHA-256 (hex).

    Raises ResultsError where it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".results-", dir=path.parent)  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror}); make room or correct its owner") from error
    return hashlib.sha256(data).hexdigest()


def keep_results(run: Run, asset: str, controls: Iterable[Control], verdicts: Iterable[Verdict]) -> str:
    """Write what was judged of one asset, whole or not at all, and return the file's SHA-256 for the record.

    The last look of a run at an asset replaces the one before. Raises ResultsError where it cannot be written: what
    is signed must be there to be read.
    """
    judged = {verdict.control_id: verdict for verdict in verdicts}
    found = tuple(ControlResult.of(control, judged[control.id]) for control in controls)
    data = AssetResults(asset, found).to_bytes(run.opened.run_id)
    path = results_folder(run.site, run.opened.run_id) / f"{asset}.json"
    return keep_beside(path, data)


def read_results(site: Site, records: Sequence[Record], named: str | None) -> RunResults:
    """Return the results of a run (named by id or its beginning, else the newest), each as its verifier signed it.

    Raises ResultsError, naming every asset concerned, where a file is missing or is not what was signed.
    """
    opened = drift_run(records, named)
    run_id = str(opened.body["run_id"])
    assets: list[AssetResults] = []
    problems: list[str] = []
    for asset, signed in sorted(signed_of(records, run_id).items()):
        path = results_folder(site, run_id) / f"{asset}.json"
        try:
            assets.append(agreed(asset, run_id, path.read_bytes(), signed))
        except OSError as error:
            problems.append(f"{path}: {error.strerror}; the record of it stands, its details are not at hand")
        except ResultsError as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise ResultsError("\n".join(problems))
    version = str(opened.predicate["producer"]["version"])
    return RunResults(site.name, run_id, str(opened.body["kind"]), opened.recorded_at, version, tuple(assets))
