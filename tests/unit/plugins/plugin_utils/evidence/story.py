# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small company's week, told to a real ledger: drift, repair, patches in waves, a rollback, a killed run.

Everything is signed and stored by the product's own recorder; only the clock is set by hand.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun, Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Receipt, Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).resolve().parents[5]
START = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
ROLES = {
    "dispatcher": ("requester",),
    "compliance": ("approver",),
    "revenue-cycle": ("approver",),
    "controller": ("implementer",),
    "observer": ("verifier",),
    "log": ("log",),
    "root": ("root",),
}
RINGS = (("lab", 1, "none"), ("pilot", 1, "verified"), ("production", 2, "verified"))
SMALL = (("lab-1", "lab"), ("pilot-1", "pilot"), ("prod-1", "production"), ("prod-2", "production"))

CONTROLS = (
    ("ssh-01", "Root cannot log in over SSH", "high", ["164.312(a)(2)(i)", "164.312(d)"], "no"),
    ("ssh-02", "Passwords are not accepted over SSH", "critical", ["164.312(d)"], "no"),
    ("kernel-01", "Packets are not redirected", "medium", ["164.312(e)(1)"], 0),
    ("files-01", "The shadow file is closed", "high", ["164.312(a)(1)"], "0640"),
    ("time-01", "The clock is kept by time synchronisation", "medium", ["164.312(b)"], True),
    ("packages-01", "No package comes from an unsigned source", "low", ["164.308(a)(5)(ii)(B)"], []),
)


EXCEPTION = "old-clock"
"""The exception that every waived result of a story names."""


def sha(text: str) -> str:
    """A digest made of a word, for fields that hold one."""
    return hashlib.sha256(text.encode()).hexdigest()


def product(root: Path) -> Path:
    """Write a product with one small baseline and three rings, and return its folder."""
    (root / "baselines" / "citations").mkdir(parents=True)
    (root / "policy").mkdir()
    controls = [
        {
            "id": name, "title": title, "why": "It protects claims.", "severity": severity, "hipaa": hipaa,
            "role": name.split("-")[0], "variable": f"{name.split('-')[0]}_{name[-2:]}_value", "value": value,
            "probe": {"sshd": "permitrootlogin"},
        }
        for name, title, severity, hipaa, value in CONTROLS
    ]  # fmt: skip
    files = {
        "baselines/debian-server.yml": {
            "id": "debian-server", "title": "A Debian server", "version": "1.0.0", "controls": controls,
        },
        "baselines/citations/safeguards.yml": {"technical": ["164.312(d)"], "packages": {}},
        "policy/rings.yml": {
            "rings": [
                {"name": name, "waves": [1, "100%"], "approvals_required": need,
                 "approval_max_age_hours": 336, "promotion": promotion}
                for name, need, promotion in RINGS
            ],
            "promotion_kinds": ["patch"],
        },
        "policy/patching.yml": {
            "updates": "security", "exclude": [], "lists_max_age_hours": 24, "rollback": "required",
        },
        "policy/remediation.yml": {
            "rules": [{"id": "lab", "when": {"ring": ["lab"], "severity": ["high"]}, "then": "remediate"}],
            "limits": [{"ring": "lab", "hosts_per_hour": "100%"}],
        },
    }  # fmt: skip
    files["policy/calendar.yml"] = {"windows": [], "freezes": []}
    files["policy/inventory.yml"] = {"max_age_hours": 48}
    files["policy/risk.yml"] = {"hours": {"critical": 72, "high": 168, "medium": 720, "low": 2160}}
    for name, data in files.items():
        (root / name).write_text(yaml.safe_dump(data))
    # What a story says nothing of is as it is shipped.
    for path in sorted((ROOT / "policy").glob("*.yml")):
        if not (root / "policy" / path.name).exists() and path.stem != "feeds":
            shutil.copyfile(path, root / "policy" / path.name)
    return root


class Story:
    """A site and its ledger in one folder; each method is one thing that happened, and moves the clock on."""

    def __init__(
        self,
        root: Path,
        shipped: Path,
        hosts: Sequence[tuple[str, str]] = SMALL,
        start: datetime = START,
        roles: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.now = start
        self.approved: dict[str, list[dict[str, Any]]] = {}
        site = root / "site"
        (site / "ledger").mkdir(parents=True)
        (site / "site.yml").write_text(yaml.safe_dump({"name": "demo", "org": "org-demo"}))
        assets = [
            {
                "id": host, "kind": "server", "owner": "revenue-cycle", "ring": ring, "address": f"192.0.2.{number}",
                "environment": ring, "data_class": "ephi" if ring == "production" else "none", "tier": 1,
                "baselines": ["debian-server"], "vars": {"ansible_user": "canary-user"},
            }
            for number, (host, ring) in enumerate(hosts, 1)
        ]  # fmt: skip
        register = {"plugin": "holdfast.hipaa.register", "assets": assets}
        (site / "holdfast.yml").write_text(yaml.safe_dump(register))
        self.site: Site = load_site(site, shipped)
        self.hosts = [host for host, _ in hosts]
        self.ring = dict(hosts)
        self.keys = {name: FileSigner(Ed25519PrivateKey.generate()) for name in ROLES}
        principals = tuple(
            Principal(name, mine, (PublicKey("ed25519", self.keys[name].public_key.raw),))
            for name, mine in {**ROLES, **(roles or {})}.items()
        )
        self.ledger = Ledger.create(self.site.ledger_path)
        self.recorder = Recorder(self.ledger, Trust(1, None, principals), "org-demo", "0.1.0", lambda: self.now)
        self.recorder.publish_trust(self.keys["root"])

    def records(self) -> list[Record]:
        """Everything on record, read back verified."""
        return read_records(self.ledger)

    def wait(self, **length: float) -> None:
        """Let time pass."""
        self.now += timedelta(**length)

    def open(self, kind: str, assets: Sequence[str] | None = None, **more: Any) -> OpenRun:
        """Open a run over all assets, or over some; a kind without a plan names the baseline."""
        self.wait(seconds=3)
        if "plan" not in more:
            more["baseline"] = sha("baseline")
        return self.recorder.open_run(
            self.keys["controller"],
            kind=kind,
            mode=more.pop("mode", "apply" if kind in ("patch", "remediate") else "check"),
            expected_assets=list(assets or self.hosts),
            ansible_core="2.19.14",
            **more,
        )

    def close(self, run: OpenRun, outcome: str = "ok", exit_code: int = 0) -> None:
        """Close a run."""
        self.wait(seconds=1)
        self.recorder.close_run(self.keys["controller"], run, outcome=outcome, exit_code=exit_code)
        self.recorder.checkpoint(self.keys["log"])

    def observe(
        self,
        run: OpenRun,
        verdicts: Mapping[str, Mapping[str, str]],
        assets: Sequence[str] | None = None,
        only: Sequence[str] | None = None,
    ) -> None:
        """Record one look at the controls; `verdicts` names what is no pass, by asset and control."""
        self.wait(seconds=4)
        results = []
        for asset in assets or self.hosts:
            named = [one.id for one in self.site.controls_for(asset, self.now) if only is None or one.id in only]
            checks = [self._check(name, verdicts.get(asset, {}).get(name, "pass")) for name in named]
            results.append(_result(asset, checks))
        self.recorder.verify(self.keys["observer"], run, kind="drift", phase=None, results=results)

    def check(self, verdicts: Mapping[str, Mapping[str, str]] | None = None, **more: Any) -> OpenRun:
        """A whole drift check."""
        run = self.open("check", more.get("assets"))
        self.observe(run, verdicts or {}, **more)
        bad = any("fail" in mine.values() for mine in (verdicts or {}).values())
        self.close(run, "drift" if bad else "ok", 1 if bad else 0)
        return run

    def remediate(self, verdicts: Mapping[str, Mapping[str, str]]) -> OpenRun:
        """A remediation that mends everything that fails, then looks again at what it touched."""
        run = self.open("remediate")
        self.observe(run, verdicts)
        self.deploy(run, [(asset, "changed", 9000) for asset in verdicts], ring=None)
        for asset, mine in verdicts.items():
            self.observe(run, {}, [asset], only=[name for name, verdict in mine.items() if verdict == "fail"])
        self.close(run)
        return run

    def deploy(
        self, run: OpenRun, turns: Sequence[tuple[str, str, int]], ring: str | None, products: Sequence[Any] = ()
    ) -> None:
        """One deploy record: (asset, outcome, milliseconds), side by side; the clock moves by the longest."""
        started = self.now
        self.wait(milliseconds=max(length for _, _, length in turns))
        results = [
            {
                "asset": asset,
                "outcome": outcome,
                "started_at": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "duration_ms": length,
                "products": list(products),
                "roles": [],
            }
            for asset, outcome, length in turns
        ]
        self.recorder.deploy(self.keys["controller"], run, ring=ring, results=results)

    def look(
        self, run: OpenRun, kind: str, phase: str | None, verdicts: Mapping[str, str], by: str = "observer"
    ) -> None:
        """One verification of health or versions: asset to pass or fail."""
        self.wait(seconds=2)
        results = [_result(asset, [self._check(f"{kind}-check", verdict)]) for asset, verdict in verdicts.items()]
        self.recorder.verify(self.keys[by], run, kind=kind, phase=phase, results=results)

    def roll_back(self, run: OpenRun, assets: Sequence[str], result: str = "restored", trigger: str = "health") -> None:
        """One rollback record."""
        undone = {"of": run.run_id} if trigger == "request" else {}
        results = [{"asset": asset, "result": result, "products": [], **undone} for asset in assets]
        self.recorder.rollback(self.keys["controller"], run, trigger=trigger, results=results)

    def request(self, plan: Plan, assets: Sequence[str] | None = None) -> Receipt:
        """Ask for a change."""
        self.wait(minutes=20)
        return self.recorder.request(
            self.keys["dispatcher"],
            plan=plan.digest,
            kind=plan.kind,
            rings=[ring.name for ring in self.site.policy.rings if ring.name in plan.rings],
            assets=assets or [asset.asset for asset in plan.assets],
            expires_at=self.now + timedelta(days=7),
        )

    def approve(self, asked: Receipt, plan: Plan, by: str, rings: Sequence[str], **more: Any) -> Receipt:
        """One approver's decision."""
        self.wait(minutes=11)
        given = self.recorder.approve(
            self.keys[by],
            change_id=str(asked.change_id),
            plan=more.pop("names_plan", plan.digest),
            request=asked.sha256,
            rings=rings,
            not_after=self.now + timedelta(days=5),
            **more,
        )
        self.approved.setdefault(asked.sha256, []).append({"index": given.index, "sha256": given.sha256})
        return given

    def plan(self, title: str, packages: Sequence[tuple[str, str, str, Sequence[str]]], hosts: Sequence[str]) -> Plan:
        """A patch plan, saved in the site: packages are (name, from, to, cves), the same on all hosts."""
        plan = Plan.from_dict(
            {
                "schema": "holdfast/plan/v1", "kind": "patch", "title": title, "reason": "Weekly security updates",
                "created_at": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "site": "demo",
                "assets": [
                    {"asset": host, "ring": self.ring[host], "release": "bookworm", "arch": "amd64",
                     "manager": "apt", "conffiles": [], "restarts": [], "reboot": False,
                     "packages": [_package(*package) for package in sorted(packages)]}
                    for host in sorted(hosts)
                ],
            }
        )  # fmt: skip
        plan.save(self.site.plans_dir)
        return plan

    def patch(self, plan: Plan, asked: Receipt, ring: str, waves: Sequence[Sequence[str]], **more: Any) -> OpenRun:
        """Patch one ring as the playbook does: stage, look, apply, look; `sick` are unhealthy and taken back.

        The records come in the journal's order: what was done before what was seen, and the failure of a host
        that was rolled back once more at the end of the run.
        """
        sick = more.get("sick", ())
        assets = [asset for wave in waves for asset in wave]
        run = self.open(
            "patch",
            assets,
            plan=plan.digest,
            change_id=asked.change_id,
            request=asked.sha256,
            resumes=more.get("resumes", ()),
            approvals=self.approved.get(asked.sha256, []),
        )
        for wave in waves:
            bad = [asset for asset in wave if asset in sick]
            self.deploy(run, [(asset, "changed", 8_000) for asset in wave], None)
            self.look(run, "health", "before", dict.fromkeys(wave, "pass"))
            lengths = [
                (asset, "failed" if asset in bad else "changed", 41_000 + 900 * place)
                for place, asset in enumerate(wave)
            ]
            self.deploy(run, lengths, ring)
            self.look(run, "health", "after", {asset: "fail" if asset in bad else "pass" for asset in wave})
            well = [asset for asset in wave if asset not in bad]
            if well:
                self.look(run, "version", None, dict.fromkeys(well, "pass"))
            if bad:
                self.deploy(run, [(asset, "changed", 25_000) for asset in bad], None)
                self.roll_back(run, bad)
                self.look(run, "health", "after", dict.fromkeys(bad, "pass"))
                self.deploy(run, [(asset, "failed", 10) for asset in bad], None)
                self.close(run, "failed", 2)
                return run
        if more.get("close", True):
            self.close(run)
        return run

    @staticmethod
    def _check(name: str, result: str) -> dict[str, str]:
        check = {"id": name, "result": result}
        if result == "fail":
            check |= {"expected_sha256": sha("expected"), "observed_sha256": sha(name)}
        if result == "waived":
            check["exception"] = EXCEPTION
        return check


def _result(asset: str, checks: Sequence[dict[str, str]]) -> dict[str, Any]:
    names = ("pass", "fail", "waived", "not_applicable", "not_measured")
    counts = {name: sum(check["result"] == name for check in checks) for name in names}
    return {"asset": asset, "verdict": "fail" if counts["fail"] else "pass", "counts": counts, "checks": list(checks)}


def _package(name: str, before: str | None, after: str, cves: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name, "arch": "amd64", "from": before, "to": after, "sha256": sha(name + after), "size": 1000,
        "file": f"{name}_{after}_amd64.deb", "origin": "Debian-Security", "suite": "stable-security",
        "security": True, "source": name.split("-")[0], "cves": sorted(cves),
        "rollback": None if before is None else
        {"version": before, "sha256": sha(name + before), "size": 900, "file": f"{name}_{before}_amd64.deb",
         "from": "archive"},
    }  # fmt: skip


def whole_week(story: Story) -> Story:
    """Tell everything: every state the page can show happens at least once."""
    rough = {
        "lab-1": {"ssh-01": "fail", "ssh-02": "fail", "kernel-01": "not_applicable"},
        "pilot-1": {"ssh-01": "fail", "ssh-02": "fail"},
        "prod-1": {"ssh-01": "fail", "files-01": "fail"},
        "prod-2": {"ssh-01": "fail", "files-01": "fail", "time-01": "fail"},
    }
    story.check(rough)
    story.wait(minutes=6)
    story.remediate(rough)
    story.wait(hours=2)
    plan = story.plan(
        "November security updates",
        [
            ("nginx", "1.22.1-9", "1.22.1-9+deb12u3", ["CVE-2023-44487", "CVE-2024-7347"]),
            ("nginx-common", "1.22.1-9", "1.22.1-9+deb12u3", ["CVE-2023-44487", "CVE-2024-7347"]),
            ("openssl", "3.0.15-1", "3.0.17-1~deb12u2", ["CVE-2026-63072"]),
        ],
        story.hosts,
    )
    asked = story.request(plan)
    story.approve(asked, plan, "compliance", ["lab", "pilot", "production"])
    story.approve(asked, plan, "revenue-cycle", ["production"])
    story.patch(plan, asked, "lab", [["lab-1"]])
    story.wait(hours=19)
    story.patch(plan, asked, "pilot", [["pilot-1"]])
    story.wait(days=1, hours=2)
    killed = story.patch(plan, asked, "production", [["prod-1"]], close=False)
    story.wait(minutes=25)
    story.patch(plan, asked, "production", [["prod-2"]], resumes=[killed.run_id])
    story.wait(hours=3)
    toy = story.plan("Claims printer 2.1", [("claims-printer", "2.0", "2.1", [])], story.hosts)
    asked = story.request(toy)
    story.approve(asked, toy, "compliance", ["lab", "pilot"])
    story.patch(toy, asked, "lab", [["lab-1"]])
    story.wait(minutes=30)
    story.patch(toy, asked, "pilot", [["pilot-1"]], sick=["pilot-1"])
    story.wait(hours=4)
    story.check(
        {
            "lab-1": {"kernel-01": "not_applicable", "time-01": "waived"},
            "pilot-1": {"kernel-01": "not_measured"},
            "prod-2": {"ssh-02": "fail"},
        }
    )
    story.wait(hours=1)
    return story
