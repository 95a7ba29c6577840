# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast watch` on this very machine, over Ansible's local connection: real checks, real notices, a real overlap."""

from __future__ import annotations

import fcntl
import json
import os
import quopri
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.watching import Sink, listening, mailer

BIN = Path(sys.executable).parent
PRODUCT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Watched:
    """A site whose one control asks for the mode of a file of ours; notices go to a sink and to a mail program."""

    root: Path
    file: Path
    sink: Sink

    @property
    def command(self) -> list[str]:
        """The command that checks it once."""
        return [str(BIN / "holdfast"), "watch", "--site", str(self.root)]

    def watch(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Check once."""
        return subprocess.run(
            [*self.command, *more], cwd="/", text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=90,
            check=False,
        )  # fmt: skip

    @property
    def mail(self) -> str:
        """All mail so far, as people see it."""
        outbox = self.root.parent / "outbox"
        return quopri.decodestring(outbox.read_bytes()).decode() if outbox.exists() else ""

    def register(self, **more: Any) -> None:
        """Write the register: this machine, and what else is given."""
        own = {
            "id": "here", "kind": "server", "owner": "it-operations", "ring": "lab", "address": "127.0.0.1",
            "environment": "lab", "data_class": "none", "tier": 4, "baselines": ["clinic"],
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        }  # fmt: skip
        assets = [own, *([{**own, "id": "away", **more}] if more else [])]
        data = {"plugin": "holdfast.hipaa.register", "assets": assets}
        (self.root / "holdfast.yml").write_text(json.dumps(data))  # YAML too, and without its anchors


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A site that is clean."""
    root, file = tmp_path / "the site", tmp_path / "claims.conf"
    done = subprocess.run(
        [str(BIN / "holdfast"), "init", str(root), "--name", "clinic"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    file.write_text("secret: true\n")
    file.chmod(0o600)
    control = {
        "id": "files-901", "title": "Nobody else reads the claims", "why": "They are the patients'.",
        "severity": "critical", "hipaa": ["164.312(a)(1)"], "manual": "Run chmod 600 on it.", "value": "0600",
        "probe": {"file": {"path": str(file), "ask": "mode"}},
    }  # fmt: skip
    baseline = {"id": "clinic", "title": "A clinic's server", "version": "1.0.0", "controls": [control]}
    (root / "baselines").mkdir()
    (root / "baselines" / "clinic.yml").write_text(yaml.safe_dump(baseline))
    token = tmp_path / "token"
    token.write_text("s3cret")
    token.chmod(0o600)
    with listening() as sink:
        notices = {
            "mail": {"to": ["it@example.org"], "from": "holdfast@example.org", "program": str(mailer(tmp_path))},
            "webhook": {"url": sink.url, "token_file": str(token)},
        }
        (root / "notices.yml").write_text(yaml.safe_dump(notices))
        site = Watched(root, file, sink)
        site.register()
        yield site
        if (tmp_path / "go").exists():  # a check that a failed test left waiting goes on, and ends
            os.close(os.open(tmp_path / "go", os.O_RDWR))


def test_no_news_is_no_notice(watched: Watched) -> None:
    done = watched.watch()
    assert (done.returncode, done.stdout) == (0, "clean\n"), done.stdout + done.stderr
    assert (watched.sink.taken, watched.mail) == ([], "")


def test_drift_is_told_with_owner_severity_first_sight_and_repeats(watched: Watched) -> None:
    assert watched.watch().returncode == 0
    watched.file.chmod(0o644)
    for repeats in (1, 2):
        done = watched.watch()
        assert done.returncode == 1, done.stdout + done.stderr
        told = watched.sink.taken[-1]
        (finding,) = told["findings"]
        assert (finding["asset"], finding["owner"], finding["control"]) == ("here", "it-operations", "files-901")
        assert (finding["severity"], finding["repeats"]) == ("critical", repeats)
        assert told["text"] in done.stdout
        assert told["text"] in watched.mail
        assert "since then: unknown" in done.stdout
    assert watched.sink.taken[0]["findings"][0]["first_seen"] == watched.sink.taken[1]["findings"][0]["first_seen"]
    assert watched.sink.headers[0]["Authorization"] == "Bearer s3cret"
    watched.file.chmod(0o600)
    assert watched.watch().returncode == 0
    assert len(watched.sink.taken) == 2
    audit = subprocess.run([str(BIN / "holdfast"), "audit", "--site", str(watched.root)], check=False)
    assert audit.returncode == 0


def test_a_drift_check_says_what_lies_behind_each_failure(watched: Watched) -> None:
    assert watched.watch().returncode == 0
    watched.file.chmod(0o644)
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), "holdfast.hipaa.check_drift"],
        cwd=watched.root, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(PRODUCT / "collections"), "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("  files-901 fail ")]
    assert re.fullmatch(
        r"    last right 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, set by no recorded change, since then: unknown",
        lines[place + 1],
    )
    found = subprocess.run(
        [str(BIN / "holdfast"), "results", "--site", str(watched.root)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert 'expected "0600", is "0644"' in found.stdout


def test_a_host_that_does_not_answer_is_no_clean_check(watched: Watched) -> None:
    watched.register(vars={"ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=5 -o BatchMode=yes"})
    watched.file.chmod(0o644)
    done = watched.watch("--format", "json")
    assert done.returncode == 3, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["notice"]["problems"] == ["no answer from away"]
    assert [one["asset"] for one in said["notice"]["findings"]] == ["here"]  # what was seen is told all the same
    assert watched.sink.taken == [said["notice"]]


def test_a_mistake_in_the_site_is_told(watched: Watched) -> None:
    (watched.root / "holdfast.yml").write_text("plugin: holdfast.hipaa.register\nassets: none\n")
    done = watched.watch()
    assert done.returncode == 2
    assert "could not check: " in watched.mail
    assert "holdfast.yml:2: assets" in watched.sink.taken[0]["text"]


def test_a_notice_that_does_not_arrive_is_an_exit_code(watched: Watched) -> None:
    watched.file.chmod(0o644)
    watched.sink.status = 503
    done = watched.watch()
    assert done.returncode == 3
    assert "answered 503; the notice was not taken" in done.stderr
    assert "drift: 1 failure" in watched.mail


def _blocked(watched: Watched) -> Path:
    """Let the inventory wait for somebody who reads a pipe, so that a check lasts until the test lets it go."""
    pipe, script = watched.root.parent / "go", watched.root / "wait.sh"
    os.mkfifo(pipe)
    script.write_text(f'#!/bin/sh\n: > "{watched.root.parent}/waits"; cat "{pipe}" >/dev/null; echo "{{}}"\n')
    script.chmod(0o755)
    settings = watched.root / "ansible.cfg"
    text = settings.read_text().replace("inventory = holdfast.yml", "inventory = holdfast.yml,wait.sh")
    settings.write_text(text.replace("host_list", "host_list, script"))
    return pipe


def _reached(process: subprocess.Popen[str], mark: Path) -> None:
    """Wait until the check has begun."""
    assert process.stderr is not None
    while not mark.exists():
        ended, _, _ = select.select([process.stderr], [], [], 0.05)
        assert not ended or process.poll() is None, process.communicate()


def test_a_second_check_leaves_the_first_alone(watched: Watched) -> None:
    pipe = _blocked(watched)
    first = subprocess.Popen(
        watched.command, cwd="/", text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        _reached(first, watched.root.parent / "waits")
        second = watched.watch()
        assert second.returncode == 3, second.stdout + second.stderr
        assert "the check before this one is still running" in watched.sink.taken[0]["text"]
        pipe.write_text("go on\n")
        out, err = first.communicate(timeout=120)
        assert (first.returncode, out) == (0, "clean\n"), out + err
    finally:
        first.kill()
        first.wait()


def test_a_check_whose_watcher_was_killed_still_keeps_the_next_one_off(watched: Watched) -> None:
    pipe = _blocked(watched)
    first = subprocess.Popen(
        watched.command, cwd="/", text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    _reached(first, watched.root.parent / "waits")
    first.kill()
    first.wait()
    assert watched.watch().returncode == 3
    pipe.write_text("go on\n")
    with (watched.root / "ledger" / "watch.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel gives it back when the playbook's last process has ended
    (watched.root / "ansible.cfg").write_text((watched.root / "ansible.cfg").read_text().replace(",wait.sh", ""))
    assert watched.watch().returncode == 0


def test_a_check_that_does_not_end_is_stopped_and_told(watched: Watched) -> None:
    _blocked(watched)
    done = subprocess.run(
        [sys.executable, "-c", HASTY, str(watched.root)], text=True, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "stopped after 0.05 minutes" in done.stdout


HASTY = """
import sys
from pathlib import Path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.watching import alone, check
root = Path(sys.argv[1])
with alone(root) as lock:
    print(check(open_site(root), 0.05, lock).problems)
"""
