# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are served to many and copied to few; whatever is passed over is said, file by file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import Locked
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.delivering import lacking, offer, told
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool import Pool
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.pool import PoolSettings

HERE, GONE = (Locked(f"{name}_1.0_all.deb", 4, hashlib.sha256(name.encode()).hexdigest()) for name in ("here", "gone"))


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    pool = Pool(tmp_path / "pool")
    (tmp_path / "file").write_bytes(b"here")
    pool.take(tmp_path / "file", HERE)
    return pool


def asks(*files: Locked, sources: tuple[str, ...] = ("pool", "copy")) -> dict[str, Any]:
    """What a host says that waits for these files."""
    told = [{"file": one.file, "sha256": one.sha256, "size": one.size} for one in files]
    return {"asks": told, "sources_left": list(sources), "tried": {HERE.file: ["archive: no version 1.0"]}}


def settings(pool: Pool, **more: Any) -> PoolSettings:
    return PoolSettings(pool.folder, **{"address": "192.0.2.10", "many": 4, **more})


@pytest.mark.parametrize(
    ("hosts", "more", "sources", "serve", "said"),
    [
        (4, {}, ("pool", "copy"), True, None),
        (3, {}, ("copy",), False, "pool: 3 hosts at once; to fewer than 4 files are copied"),
        (9, {"address": None}, ("copy",), False, "pool: site.yml names no pool.address"),
    ],
)
def test_many_are_served_and_few_are_copied_to(
    pool: Pool, hosts: int, more: dict[str, Any], sources: tuple[str, ...], serve: bool, said: str | None
) -> None:
    found = offer(asks(HERE), pool, settings(pool, **more), hosts)
    assert (found.sources, found.serve, found.copy) == (sources, serve, ())
    assert found.tried[HERE.file] == ["archive: no version 1.0", *([said] if said else [])]


def test_where_copying_is_no_choice_one_host_is_served(pool: Pool) -> None:
    assert offer(asks(HERE, sources=("pool", "archive")), pool, settings(pool), 1).serve


def test_only_what_the_pool_has_is_copied(pool: Pool) -> None:
    found = offer(asks(HERE, GONE, sources=("copy",)), pool, settings(pool), 1)
    assert (found.sources, found.copy) == (("copy",), (HERE,))


@pytest.mark.parametrize("source", ["pool", "copy"])
def test_what_is_in_no_pool_is_said_and_the_next_source_is_asked(pool: Pool, source: str) -> None:
    found = offer(asks(GONE, sources=(source, "archive")), pool, settings(pool), 9)
    assert (found.sources, found.serve, found.copy) == (("archive",), False, ())
    assert found.tried[GONE.file] == [f"{source}: not in the controller's pool"]


def test_one_line_says_what_came_from_where_and_why() -> None:
    answer = {
        "staged": [{}] * 3,
        "bytes": 2_500_000,
        "origins": [
            {"from": "archive", "tried": []},
            {"from": "copy", "tried": ["archive: no version 1.0 in this host's archives"]},
        ],
    }
    assert told("lab-1", answer, 1.25) == (
        "staged lab-1: 3 files, 2.5 MB, 1 from archive, 1 from copy, 1.2 s; "
        "archive: no version 1.0 in this host's archives"
    )
    assert told("lab-1", {**answer, "origins": []}, 0.3).endswith("all there already, 0.3 s")


def test_in_check_mode_the_line_names_what_is_missing() -> None:
    answer = {"staged": [{}] * 3, "fetched": ["a_1_all.deb", "b_1_all.deb"]}
    assert lacking("lab-1", answer) == "staged lab-1: 2 of 3 files are missing: a_1_all.deb, b_1_all.deb"
    assert lacking("lab-1", {**answer, "fetched": []}) == "staged lab-1: 3 files, all there"
