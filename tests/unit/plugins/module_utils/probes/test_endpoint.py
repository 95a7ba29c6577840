# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What watches a host from inside: selections, references, signatures and results of the last run."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import endpoint

NOW = 1_795_000_000.0  # 2026-11-18 11:06:40 UTC
STATE = endpoint.State(NOW, ["cron.service", "ssh.service"])


def header(date):
    return f"ClamAV-VDB:{date}:27819:2070000:90:aa:bb:raynman-x:1763100000".ljust(512).encode() + b"\0\1"


def test_what_is_selected_and_what_is_left_out():
    lines = ["# x", "Whole = p+u", "!/etc/mtab$", "/etc Whole", "/usr/bin Whole", ""]
    assert endpoint.selected(lines) == ["/etc", "/usr/bin"]


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("18 Nov 2026 11-06 +0000", 1_794_999_960), ("18 Nov 2026 06-06 -0500", 1_794_999_960)],
)
def test_when_signatures_were_made(date, seconds):
    assert endpoint.made(header(date).decode("ascii")) == seconds


def test_the_newest_signatures_count(tmp_path):
    pattern = f"{tmp_path}/*.c[lv]d"
    assert endpoint.signatures(NOW, pattern) == ("observed", None, "there are no signatures")
    (tmp_path / "main.cvd").write_bytes(header("16 Sep 2021 08-32 -0400"))
    assert endpoint.signatures(NOW, pattern)[1] == 1888
    (tmp_path / "daily.cld").write_bytes(header("15 Nov 2026 04-25 -0500"))
    assert endpoint.signatures(NOW, pattern)[1] == 3


@pytest.mark.parametrize(
    ("code", "actual"), [("0", "clean"), ("1", "changed"), ("7", "changed"), ("17", "failed"), ("KILL", "failed")]
)
def test_the_last_comparison(tmp_path, monkeypatch, code, actual):
    kept = tmp_path / "check"
    monkeypatch.setattr(endpoint, "CHECKED", str(kept))
    assert endpoint.answer("last_check", STATE)[0] == "not_measured"
    kept.write_text(code + "\n", encoding="ascii")
    os.utime(kept, (NOW - 3600, NOW - 3600))
    assert endpoint.answer("last_check", STATE) == ("observed", actual, "")
    os.utime(kept, (NOW - 4 * 86400, NOW - 4 * 86400))
    assert endpoint.answer("last_check", STATE)[2] == "it last ran 4 days ago"


def test_the_last_scan(tmp_path, monkeypatch):
    kept = tmp_path / "scan"
    monkeypatch.setattr(endpoint, "SCANNED_LAST", str(kept))
    for code, actual in (("0", "clean"), ("1", "found"), ("2", "failed")):
        kept.write_text(code, encoding="ascii")
        os.utime(kept, (NOW, NOW))
        assert endpoint.answer("last_scan", STATE)[1] == actual


def test_a_reference_that_is_empty_is_none(tmp_path, monkeypatch):
    kept = tmp_path / "db"
    monkeypatch.setattr(endpoint, "DATABASE", str(kept))
    assert endpoint.answer("database", STATE)[1] == "absent"
    kept.touch()
    assert endpoint.answer("database", STATE)[1] == "absent"
    assert endpoint.answer("database_days", STATE)[0] == "not_applicable"
    kept.write_text("@@begin_db\n", encoding="ascii")
    os.utime(kept, (NOW - 10 * 86400, NOW - 10 * 86400))
    assert endpoint.answer("database", STATE)[1] == "present"
    assert endpoint.answer("database_days", STATE)[1] == 10


def test_agents_are_services_that_run():
    assert endpoint.answer("agents", STATE)[1] == ["cron.service", "ssh.service"]
