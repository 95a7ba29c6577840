# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight writers at once, half of them killed at random, in either database: no gap, nothing acknowledged is lost.

`pytest tests/unit/plugins/plugin_utils/ledger --writers-seconds 300` lets them write for five minutes.
"""

from __future__ import annotations

import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.ledger_cases import Shop, audit_of
from tests.postgres import running

from .test_store import private_key_file

ROOT = Path(__file__).resolve().parents[5]
WRITERS, MORTAL = 8, 4
MOST_LINES = 15
"""A writer is killed after so many acknowledged records at most, at some moment of the next one."""

WRITER = """
import select, sys, time
from datetime import UTC, datetime
from pathlib import Path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

place = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
ledger = Ledger(place, patience=60, pause=time.sleep)
recorder = Recorder(ledger, trust_in_force(ledger), "org-demo", "0.1.0", lambda: datetime(2026, 11, 21, 23, tzinfo=UTC))
signer = FileSigner.load(Path(sys.argv[2]))
more = {"kind": "patch", "rings": ["lab"], "assets": ["lab-1"], "expires_at": datetime(2027, 1, 1, tzinfo=UTC)}
while not select.select([sys.stdin], [], [], 0)[0]:
    receipt = recorder.request(signer, plan="0" * 64, **more)
    print(receipt.index, receipt.sha256, flush=True)
"""


class Crowd:
    """Writers, and what each of them said was stored."""

    def __init__(self, ledger: Ledger, key: Path) -> None:
        self._command = [sys.executable, "-c", WRITER, str(ledger.path), str(key)]
        self._heard: queue.Queue[tuple[int, str | None]] = queue.Queue()
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self.acknowledged: list[tuple[int, str]] = []
        self.killed = 0

    def start(self, slot: int) -> None:
        """Start a writer in a slot, and a thread that hears what it says."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._processes[slot] = process

        def hear() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                self._heard.put((slot, line))
            self._heard.put((slot, None))

        threading.Thread(target=hear, daemon=True).start()

    def write_for(self, seconds: float, chance: random.Random) -> None:
        """Let them write; kill one of the mortal ones whenever it has said as many lines as chance wanted."""
        for slot in range(WRITERS):
            self.start(slot)
        lines: Counter[int] = Counter()
        wanted = {slot: chance.randint(1, MOST_LINES) for slot in range(MORTAL)}
        seen: set[int] = set()
        end: float | None = None
        while end is None or time.monotonic() < end or self.killed < MORTAL:
            slot, line = self._heard.get(timeout=120)
            if line is None:  # it was killed: another takes its place
                self._processes[slot].wait()
                assert slot in wanted, f"writer {slot} ended by itself"
                lines[slot], wanted[slot] = 0, chance.randint(1, MOST_LINES)
                self.start(slot)
                continue
            self._note(line)
            lines[slot] += 1
            seen.add(slot)
            if lines[slot] == wanted.get(slot):
                self._processes[slot].send_signal(signal.SIGKILL)
                self.killed += 1
            if end is None and len(seen) == WRITERS:
                end = time.monotonic() + seconds  # all of them are at work

    def stop(self) -> None:
        """Ask those alive to end, and hear what they still have to say."""
        for process in self._processes.values():
            assert process.stdin is not None
            process.stdin.close()
        left = WRITERS
        while left:
            _slot, line = self._heard.get(timeout=120)
            left -= line is None
            if line is not None:
                self._note(line)
        for process in self._processes.values():
            process.wait(timeout=60)

    def _note(self, line: str) -> None:
        index, _, digest = line.strip().partition(" ")
        if line.endswith("\n") and len(digest) == 64:  # a killed writer may have said half a line
            self.acknowledged.append((int(index), digest))

    def end(self) -> None:
        """Leave nobody behind."""
        for process in self._processes.values():
            process.kill()
            process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger in either database; in PostgreSQL the writers' login is no more than a writer."""
    if request.param == "sqlite":
        yield Ledger.create(tmp_path / "ledger.sqlite")
        return
    with running() as server:
        Ledger.create(server.database("many"))
        server.sql("CREATE ROLE controller LOGIN IN ROLE holdfast_writer")
        yield Ledger(server.address("controller", "many"))


def test_eight_writers_half_of_them_killed(
    ledger: Ledger, tmp_path: Path, keys: dict[str, Signer], request: pytest.FixtureRequest
) -> None:
    seconds = float(request.config.getoption("--writers-seconds", default=5))
    seed = random.SystemRandom().randrange(1 << 32)
    shop = Shop(tmp_path, keys, ledger=ledger)
    crowd = Crowd(ledger, private_key_file(shop, keys))
    try:
        crowd.write_for(seconds, random.Random(seed))  # noqa: S311  # when to kill is no secret
        crowd.stop()
    finally:
        crowd.end()
    shop.seal()
    stored = dict(ledger.entries())
    said = f"seed {seed}: {len(stored)} entries, {len(crowd.acknowledged)} acknowledged, {crowd.killed} killed"
    print(said)
    assert crowd.killed >= MORTAL, said
    assert list(stored) == list(range(len(stored))), said  # no gap
    assert len({index for index, _ in crowd.acknowledged}) == len(crowd.acknowledged), said  # no index twice
    assert all(canonical.digest(stored[index]) == digest for index, digest in crowd.acknowledged), said
    # Each killed writer can have stored one record whose answer nobody heard; the first is the trust document.
    assert 0 <= len(stored) - 1 - len(crowd.acknowledged) <= crowd.killed, said
    report = audit_of(ledger.path, shop.plans)
    assert report, (said, report.findings)
    assert (report.entries, report.root) == (len(stored), ledger.root().hex())  # as recomputed by other code
