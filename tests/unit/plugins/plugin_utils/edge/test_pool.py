# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool takes in nothing but what was named by its digest, keeps it whole, and hands out nothing else."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import Locked
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool import Pool, PoolError

CONTENT = b"a package file, as far as the pool can tell"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LOCKED = Locked("toy_1.1_all.deb", len(CONTENT), SHA256)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(tmp_path / "pool")


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    path = tmp_path / "arrived"
    path.write_bytes(CONTENT)
    return path


def names(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def test_a_file_lies_under_its_digest_for_everybody_to_read_and_nobody_to_write(pool: Pool, arrived: Path) -> None:
    assert pool.take(arrived, LOCKED) is True
    assert names(pool.folder) == [f"sha256/{SHA256[:2]}/{SHA256}"]
    assert pool.path(SHA256).stat().st_mode & 0o777 == 0o444
    assert pool.folder.stat().st_mode & 0o777 == 0o700
    with pool.open(SHA256) as file:
        assert file.read() == CONTENT
    assert pool.take(arrived, LOCKED) is False


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTENT[:-1] + b"?", f"expected {LOCKED.file} with {SHA256}"),
        (CONTENT[:-1], f"{len(CONTENT) - 1} bytes"),
        (CONTENT + b"!", f"more than {len(CONTENT)} bytes"),
        (b"", "0 bytes"),
    ],
)
def test_other_content_is_refused_and_leaves_nothing(pool: Pool, arrived: Path, content: bytes, said: str) -> None:
    arrived.write_bytes(content)
    with pytest.raises(PoolError, match=said):
        pool.take(arrived, LOCKED)
    assert names(pool.folder) == []


def test_a_link_a_pipe_and_a_folder_are_no_package_files(pool: Pool, arrived: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(arrived)
    os.mkfifo(pipe)
    for source, said in ((link, "symbolic link"), (pipe, "no regular file"), (tmp_path, "no regular file")):
        with pytest.raises(PoolError, match=said):
            pool.take(source, LOCKED)
    assert names(pool.folder) == []


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", SHA256[:63], SHA256 + "0", SHA256.upper(), "g" * 64])
def test_what_is_no_digest_has_no_place(pool: Pool, name: str) -> None:
    with pytest.raises(PoolError, match="is no digest"):
        pool.path(name)


def test_no_link_is_followed_out_of_the_pool_in_whatever_place(pool: Pool, arrived: Path, tmp_path: Path) -> None:
    pool.take(arrived, LOCKED)
    outside = tmp_path / "outside"
    (outside / SHA256[:2]).mkdir(parents=True)
    (outside / SHA256[:2] / SHA256).write_bytes(b"not of the pool")
    path = pool.path(SHA256)
    path.unlink()
    path.symlink_to(outside / SHA256[:2] / SHA256)
    with pytest.raises(PoolError):
        pool.open(SHA256)
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(outside / SHA256[:2])
    assert pool.has(SHA256)  # it looks so; opening is what counts
    with pytest.raises(PoolError):
        pool.open(SHA256)
    (pool.folder / "sha256").rename(tmp_path / "aside")
    (pool.folder / "sha256").symlink_to(outside)
    with pytest.raises(PoolError):
        pool.open(SHA256)


def test_many_at_once_take_one_file_in_once_and_whole(pool: Pool, arrived: Path) -> None:
    start = threading.Barrier(8)

    def take() -> bool:
        start.wait()
        return pool.take(arrived, LOCKED)

    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(take) for _unused in range(8)]
    assert sorted(one.result() for one in done) == [False] * 7 + [True]
    assert names(pool.folder) == [f"sha256/{SHA256[:2]}/{SHA256}"]


def test_a_copy_that_was_cut_is_no_file_of_the_pool_and_goes_when_it_is_old(pool: Pool, arrived: Path) -> None:
    half = pool.workshop() / "tmphalf"
    half.write_bytes(CONTENT[:10])
    assert [*pool.held()] == []
    assert pool.forget_unfinished(half.stat().st_mtime) == 0
    assert pool.forget_unfinished(half.stat().st_mtime + 1) == 1
    assert pool.take(arrived, LOCKED)


def test_a_full_disk_is_said_and_leaves_nothing(pool: Pool, arrived: Path) -> None:
    pool.workshop()
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import Locked\n"
        "from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool import Pool, PoolError\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (10, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]}))\n"
        "try:\n"
        f"    Pool(Path(sys.argv[1])).take(Path(sys.argv[2]), Locked('toy', {len(CONTENT)}, '{SHA256}'))\n"
        "except PoolError as error:\n"
        "    sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", code, str(pool.folder), str(arrived)]
    paths = {"PYTHONPATH": str(Path(__file__).parents[5] / "collections")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=paths)
    assert done.returncode == 1
    assert "File too large; nothing was kept of the file; run `holdfast pool prune` or make room" in done.stderr
    assert names(pool.folder) == []


def test_a_changed_file_is_found_by_verify_and_never_overwritten_or_handed_on(pool: Pool, arrived: Path) -> None:
    pool.take(arrived, LOCKED)
    path = pool.path(SHA256)
    path.chmod(0o644)
    path.write_bytes(CONTENT[:5] + b"X" + CONTENT[6:])
    (one,) = pool.verify()
    assert "may be written to (mode 0644)" in one.fault
    path.chmod(0o444)
    (one,) = pool.verify()
    assert one.fault == f"its content has SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    with pytest.raises(PoolError, match="holds other bytes"):
        pool.take(arrived, LOCKED)


def test_strangers_in_the_pool_are_named(pool: Pool, arrived: Path) -> None:
    pool.take(arrived, LOCKED)
    (pool.path(SHA256).parent / "notes.txt").write_text("mine")
    (pool.folder / "sha256" / "zz").symlink_to(pool.folder)
    assert {one.path.name: one.fault for one in pool.held() if one.fault} == {
        "notes.txt": "has no digest for a name",
        "zz": "is no folder of the pool",
    }


def test_a_pool_that_others_may_write_to_is_refused(pool: Pool, arrived: Path) -> None:
    pool.take(arrived, LOCKED)
    pool.folder.chmod(0o770)
    for use in (lambda: pool.take(arrived, LOCKED), lambda: [*pool.held()]):
        with pytest.raises(PoolError, match="mode 0770; expected a folder of this user's own"):
            use()


def test_a_link_in_the_place_of_the_pool_is_refused(pool: Pool, arrived: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    pool.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PoolError, match="no folder"):
        pool.take(arrived, LOCKED)
