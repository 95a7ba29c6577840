# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real disks that are full or can only be read: the writer stops and says so, and what it was told stays told."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.parts import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.ledger_cases import Shop, audit_of
from tests.postgres import running

from .test_store import another

KIB = 1024
Mount = Callable[..., Path]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """What mounts a small disk in memory, at a folder that every user can reach."""
    mounted: list[Path] = []

    def one(size: int, user: str | None = None) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="disk"))
        owner = f",uid={pwd.getpwnam(user).pw_uid}" if user else ""
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755{owner}", "tmpfs", str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            folder.rmdir()
            pytest.skip(f"needs the right to mount a disk in memory: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    try:
        yield one
    finally:
        for folder in mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            folder.rmdir()


def fill(shop: Shop) -> tuple[list[Receipt], str]:
    """Record until the ledger refuses; return what was acknowledged, and what it said."""
    acknowledged: list[Receipt] = []
    for _ in range(60):
        try:
            acknowledged.append(shop.request())
        except LedgerError as error:
            return acknowledged, str(error)
    pytest.fail("all were stored; the disk is too large for this test")


def assert_kept(shop: Shop, acknowledged: list[Receipt]) -> None:
    """Check that the ledger holds the trust document, and exactly what was acknowledged."""
    stored = {index: canonical.digest(envelope) for index, envelope in shop.ledger.entries(1)}
    assert stored == {receipt.index: receipt.sha256 for receipt in acknowledged}
    assert stored


def test_full_disk_stops_the_writer_and_room_lets_it_go_on(mount: Mount, keys: dict[str, Signer]) -> None:
    disk = mount(600 * KIB)
    shop = Shop(disk, keys)
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - 120 * KIB))
    acknowledged, said = fill(shop)
    assert "the disk" in said
    with pytest.raises(LedgerError, match="the disk"):
        shop.request()  # a run that cannot record stops
    assert_kept(shop, acknowledged)
    ballast.unlink()
    assert_kept(shop, [*acknowledged, shop.request()])
    shop.seal()
    report = shop.audit()
    assert report, report.findings


def test_disk_that_can_only_be_read_takes_nothing_and_is_audited(mount: Mount, keys: dict[str, Signer]) -> None:
    disk = mount(4096 * KIB)
    shop = Shop(disk, keys)
    envelope = another(shop, keys)
    shop.seal()
    shop.ledger.close()
    size = shop.ledger.size
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(LedgerError, match="this user cannot write it"):
        shop.ledger.append(envelope)
    with pytest.raises(LedgerError, match="this user cannot write it"):
        shop.seal()
    report = shop.audit()
    assert report, report.findings
    with pytest.raises(LedgerError, match="Read-only file system; a ledger needs a folder that this user can write"):
        Ledger.create(disk / "another.sqlite")
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert shop.ledger.append(envelope) == size


def test_full_disk_of_a_server_stops_the_writer_and_room_lets_it_go_on(
    mount: Mount, keys: dict[str, Signer], tmp_path: Path
) -> None:
    with running() as server:
        Ledger.create(server.database("full"))
        server.sql("CREATE ROLE controller LOGIN IN ROLE holdfast_writer")
        shop = Shop(tmp_path, keys, ledger=Ledger(server.address("controller", "full")))
        disk = mount(48 * KIB, server.user)
        server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
        server.sql("ALTER TABLE holdfast.entries SET TABLESPACE small", "full")
        acknowledged, said = fill(shop)
        assert "No space left on device" in said
        assert "the server lacks disk, memory or connections; make room" in said
        assert_kept(shop, acknowledged)
        server.sql("ALTER TABLE holdfast.entries SET TABLESPACE pg_default", "full")
        acknowledged.append(shop.request())
        assert_kept(shop, acknowledged)
        shop.seal()
        report = audit_of(shop.ledger.path, shop.plans)
        assert report, report.findings
