# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast calendar`, `change impact` and `notice` in a real site with a real ledger, as people use them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import icalendar
import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now

from tests.billing_site import write_billing
from tests.change_cases import plan
from tests.watching import Sink, listening, mailer


@dataclass
class Shop:
    """A site with an approver, and the command in it."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: object) -> tuple[int, str, str]:
        """Run the command and return exit code, results, and the rest."""
        code = main([*map(str, words), "--site", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def ask(self, title: str = "November security updates") -> str:
        """Ask for a change of the lab, and return its id."""
        path = plan(title=title, created_at=utc_now()).save(self.root / "drafts")
        code, out, err = self.run("change", "request", "--plan", path, "--format", "json")
        assert code == 0, err
        return str(json.loads(out)["change"])

    def approve(self, change: str) -> None:
        """Approve it in all rings."""
        code, _, err = self.run("change", "approve", change, "--as", "ana", "--ssh-key", self.root.parent / "ana")
        assert code == 0, err


@pytest.fixture(scope="module", name="template")
def one_site_for_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out one site; each test works on a copy, for making keys is slow."""
    folder = tmp_path_factory.mktemp("shop")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f", folder / "ana"], check=True)
    assert main(["init", str(folder / "site"), "--name", "demo", "--approver", f"ana={folder / 'ana'}.pub"]) == 0
    write_billing(folder / "site")
    return folder


@pytest.fixture(name="shop")
def a_shop(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    shutil.copytree(template, tmp_path / "copy")
    capsys.readouterr()
    return Shop(tmp_path / "copy" / "site", capsys)


@pytest.fixture(name="sink")
def a_webhook() -> Iterator[Sink]:
    with listening() as found:
        yield found


def test_the_calendar_in_all_its_forms(shop: Shop, tmp_path: Path) -> None:
    change = shop.ask()
    code, out, err = shop.run("calendar", "show")
    assert code == 0, err
    for words in ("month end close", "Thanksgiving", "not yet approved", f"{change}  November security updates: lab"):
        assert words in out
    told = json.loads(shop.run("calendar", "show", "--format", "json", "--days", 30)[1])
    assert told["schema"] == "holdfast/calendar/v1"
    assert {one["kind"] for one in told["entries"]} >= {"wave", "freeze", "day"}
    for form in ("ics", "html"):
        path = tmp_path / f"plan.{form}"
        assert shop.run("calendar", "show", "--format", form, "--output", path)[0] == 0
        assert path.stat().st_mode & 0o777 == 0o644
    read = icalendar.Calendar.from_ical((tmp_path / "plan.ics").read_bytes())
    assert len(read.walk("VEVENT")) > len(told["entries"])
    assert "<!DOCTYPE html>" in (tmp_path / "plan.html").read_text(encoding="utf-8")


def test_a_change_that_finds_no_date_is_exit_1_and_said(shop: Shop) -> None:
    path = shop.root / "policy" / "calendar.yml"
    calendar = json.loads(path.read_text())
    calendar["windows"][0]["to"] = "22:30"
    path.write_text(json.dumps(calendar))
    change = shop.ask()
    code, _, err = shop.run("calendar", "show")
    assert code == 1
    assert f"holdfast: {change}: no time is found for wave 1 of production" in err


def test_the_package_that_is_missing_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icalendar", None)
    code, out, err = shop.run("calendar", "show", "--format", "ics")
    assert (code, out) == (3, "")
    assert "pip install 'holdfast[calendar]'" in err


def test_the_boards_papers(shop: Shop) -> None:
    change = shop.ask("# [Title](x)")
    code, out, _ = shop.run("calendar", "agenda")
    assert code == 0
    for words in ("## Billing calendar", "## Pending changes: 1", r"### 1. \# \[Title\](x)", change, "why: DSA-0000",
                  "clinics: North Clinic, South Clinic", "missing: ", "Claim scrubber, Clinic portal"):  # fmt: skip
        assert words in out
    shop.approve(change)
    told = json.loads(shop.run("calendar", "minutes", "--format", "json")[1])
    said = [one["what"] for one in told["changes"][0]["decided"]]
    assert said == ["asks for a change of kind patch in lab, pilot, production",
                    "approves it for lab, pilot, production"]  # fmt: skip
    assert "Measures" in shop.run("calendar", "minutes")[1]
    tomorrow = utc_now().date() + timedelta(days=1)
    assert shop.run("calendar", "minutes", "--since", tomorrow)[0] == 2


def test_who_feels_a_change(shop: Shop) -> None:
    change = shop.ask()
    code, out, _ = shop.run("change", "impact", change)
    assert code == 0
    for words in ("portal (Clinic portal), application", "prod-1 <- scrubber <- portal", "  North Clinic",
                  "claims-out: prod-2 to edi-secret-host, 837P claims, payer First Payer"):  # fmt: skip
        assert words in out
    told = json.loads(shop.run("change", "impact", change, "--ring", "lab", "--format", "json")[1])
    assert (told["clinics"], told["payers"]) == ([], [])


def notices(shop: Shop, sink: Sink) -> None:
    said = {
        "mail": {"from": "changes@example.org", "to": ["ops@example.org"], "program": str(mailer(shop.root.parent))},
        "changes": {"users": ["all@example.org"], "payers": {"First Payer": ["edi@payer.example"]},
                    "executives": ["board@example.org"], "webhook": {"url": sink.url}},
    }  # fmt: skip
    (shop.root / "notices.yml").write_text(yaml.safe_dump(said))


def test_people_are_told_once_and_a_dry_run_tells_nobody(shop: Shop, sink: Sink) -> None:
    notices(shop, sink)
    change = shop.ask()
    code, _, err = shop.run("notice", "send", change)
    assert code == 1
    assert "nothing to tell yet" in err
    shop.approve(change)
    code, out, _ = shop.run("notice", "send", change, "--dry-run")
    assert code == 0
    assert f"would send {change} before: payers First Payer by mail to edi@payer.example" in out
    assert sink.taken == []
    code, out, err = shop.run("notice", "send")
    assert code == 0, err
    assert len(out.splitlines()) == 6
    assert {one["audience"] for one in sink.taken} == {"users", "executives", "payers"}
    outbox = (shop.root.parent / "outbox").read_text()
    assert outbox.count("Message-ID: ") == 3
    assert shop.run("notice", "send") == (0, "nothing to send\n", "")
    code, _, err = shop.run("notice", "send", change, "--stage", "done")
    assert code == 1
    assert "it is not done" in err


def test_what_did_not_arrive_is_sent_again_by_that_way_alone(shop: Shop, sink: Sink) -> None:
    notices(shop, sink)
    change = shop.ask()
    shop.approve(change)
    sink.status = 500
    code, out, err = shop.run("notice", "send", "--audience", "executives")
    assert code == 3
    assert "by mail" in out
    assert "answered 500" in err
    sink.status = 204
    code, out, _ = shop.run("notice", "send", "--audience", "executives", "--format", "json")
    assert code == 0
    assert [(one["by"], one["stage"]) for one in json.loads(out)["sent"]] == [("webhook", "before")]
    # A stop order makes it late for whoever was told; there is no date to tell.
    code, _, err = shop.run("change", "stop", change, "--as", "ana", "--ssh-key", shop.root.parent / "ana")
    assert code == 0, err
    code, out, _ = shop.run("notice", "send")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "delay: executives" in out
    assert shop.run("notice", "send")[1] == "nothing to send\n"


def test_messages_are_rendered_by_templates_that_a_shop_edits(shop: Shop, sink: Sink, tmp_path: Path) -> None:
    notices(shop, sink)
    change = shop.ask()
    shop.approve(change)
    code, out, _ = shop.run("notice", "templates")
    assert code == 0
    assert len(out.splitlines()) == 6
    (shop.root / "notices" / "users.txt.j2").write_text("Subject: Ours\n\nOur own words.\n")
    assert "is there already" in shop.run("notice", "templates")[2]
    code, out, _ = shop.run("notice", "render", change, "--audience", "users")
    assert (code, out) == (0, "--- users\nSubject: Ours\n\nOur own words.\n")
    code, out, _ = shop.run("notice", "render", change, "--output", tmp_path / "out")
    assert sorted(Path(line).name for line in out.splitlines()) == sorted(
        f"{change}-before-{who}.{ending}"
        for who in ("users", "executives", "payers-first-payer")
        for ending in ("txt", "html", "json")
    )
    (shop.root / "notices" / "users.txt.j2").write_text("Subject: {{ change.__class__ }}\n")
    code, _, err = shop.run("notice", "render", change)
    assert code == 2
    assert "notices/users.txt.j2:1: the part __class__ of something" in err
    (shop.root / "notices" / "user.txt.j2").write_text("Subject: x\n")
    (shop.root / "notices" / "payers.txt.j2").write_text("Subject: x\n{% if %}\n")
    code, out, _ = shop.run("check")
    assert code == 2
    for words in ("notices/user.txt.j2:1: a template that nobody is told by", 'did you mean "users.txt.j2"?',
                  "notices/users.txt.j2:1: the part __class__", "notices/payers.txt.j2:2: "):  # fmt: skip
        assert words in out
    for path in (shop.root / "notices").glob("*.j2"):
        path.unlink()
    shop.run("notice", "templates")
    assert shop.run("check")[0] == 0
