# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a change may not go ahead: each takes one thing away from a site that has everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import (
    Case,
    open_case,
    open_ledger,
    open_site,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keeping
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, SshSigner

from tests.integration.gated import EXCEPTION, Gated, appoint, calendar, exception, moment, rings
from tests.integration.small import write


@dataclass(frozen=True)
class Lack:
    """One thing that is lacking: how that comes about, the rule that objects, and a part of what it says."""

    rule: str
    says: str
    arrange: Callable[[Gated], Gated]
    agreed: bool = True
    """Everybody has approved it before."""
    playbook: str = "patch"


def _recorder(shop: Gated, ago: timedelta) -> tuple[Recorder, Case]:
    """Return what writes into the ledger past every desk, with a clock that is so much behind; and the change."""
    site, ledger = open_site(shop.site.root), open_ledger(open_site(shop.site.root))
    recorder = Recorder(ledger, trust_in_force(ledger), site.org, "1.0.0", lambda: utc_now() - ago)
    return recorder, open_case(shop.site.root, shop.change)


def _past_the_desk(shop: Gated, name: str, *, plan: str = "", until: datetime | None = None, **ago: float) -> Gated:
    """Have security approve it, and record a second approval that `holdfast change approve` would not take now."""
    shop.approve("security")
    recorder, case = _recorder(shop, timedelta(**ago))
    recorder.approve(
        SshSigner(Path(shop.key(name))), change_id=shop.change, plan=plan or case.state.plan, rings=["production"],
        request=case.state.request, not_after=until or case.state.expires_at,
    )  # fmt: skip
    return shop


def self_approval(shop: Gated) -> Gated:
    """Who asked for it is the second who approves it."""
    own = ("--as", "revenue-cycle", "--ssh-key", shop.key("revenue-cycle"))
    done = shop.site.holdfast("change", "approve", shop.change, *own)
    assert done.returncode == 1
    assert "duties-apart: revenue-cycle asked for this change" in done.stderr
    return _past_the_desk(shop, "revenue-cycle")


def another_plan(shop: Gated) -> Gated:
    """The second approval is of other content than what was asked for."""
    return _past_the_desk(shop, "business", plan="5" * 64)


def expired_approval(shop: Gated) -> Gated:
    """The second approval was given two hours ago, for an hour."""
    return _past_the_desk(shop, "business", until=utc_now() - timedelta(hours=1), hours=2)


def wrong_role(shop: Gated) -> Gated:
    """Of those who approved one is no approver any more."""
    return appoint(shop, business=["requester"])


def missing_officer(shop: Gated) -> Gated:
    """Two have approved it, and security is none of them."""
    return shop.approve("business", "compliance")


def outside_window(shop: Gated) -> Gated:
    """The day's window has closed."""
    return shop.rule("calendar", calendar(-3, -1))


def too_late_to_end(shop: Gated) -> Gated:
    """The window closes in half an hour, and a wave takes one."""
    return shop.rule("calendar", calendar(-3, 0.5))


def freeze(shop: Gated) -> Gated:
    """Nothing may change for an hour still."""
    one = {"name": "claims cut-off", "from": moment(hours=-1), "to": moment(hours=1)}
    return shop.rule("calendar", calendar(freezes=[one]))


def month_end(shop: Gated) -> Gated:
    """The books close today."""
    entry = {"name": "month end close", "kind": "month-end", "falls": {"dates": [moment()[:10]]}, "days_before": 1,
             "days_after": 1, "zone": "UTC", "owner": "revenue-cycle", "reason": "books close"}  # fmt: skip
    return shop.rule("calendar", calendar(billing=[entry]))


def stale_restore(shop: Gated) -> Gated:
    """A restore was proved 25 days ago, and that is too long."""
    return shop.rule("rings", rings(proofs={"restore_days": 20, "access_review_days": 90}))


def stale_review(shop: Gated) -> Gated:
    """Access was reviewed 80 days ago, and that is too long."""
    return shop.rule("rings", rings(proofs={"restore_days": 31, "access_review_days": 60}))


def not_soaked(shop: Gated) -> Gated:
    """The pilot is looked at for a day, and was patched today."""
    return shop.rule("rings", rings(pilot={"soak_minutes": 1440}))


def lapsed_exception(shop: Gated) -> Gated:
    """All controls but one were to be made true; its exception ended a second ago."""
    write(shop.site, "exceptions.yml", {"exceptions": [exception(moment(seconds=-1))]})
    shop.sign()
    return replace(shop, change=shop.settings).approve("security", "business")


def unapproved_policy(shop: Gated) -> Gated:
    """Somebody let production go with one approval, and a publisher signed that; leaders did not."""
    write(shop.site, "policy/rings.yml", rings(approvals_required=1))
    shop.sign()
    return shop


def unsigned_content(shop: Gated) -> Gated:
    """A role that nobody signed lies in the site."""
    tasks = shop.site.root / "roles" / "ssh" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text("---\n", encoding="utf-8")
    return shop


def overdue_review(shop: Gated) -> Gated:
    """The glass was broken two hours ago, and within one somebody was to look at that."""
    recorder, case = _recorder(shop, timedelta(hours=2))
    key = FileSigner.load(shop.site.root / "keys" / "controller.pem")
    keeping.break_glass(
        recorder, key, change_id=shop.change, plan=case.state.plan, request=case.state.request, reason="outage",
        rings=["production"], review_by=utc_now() - timedelta(hours=1),
    )  # fmt: skip
    return shop


LACKS = {
    "self-approval": Lack(
        "approvals-enough", "revenue-cycle does not count: asked for this change", self_approval, agreed=False
    ),
    "approval of another plan": Lack(
        "approvals-enough", "business does not count: names another plan (5555", another_plan, agreed=False
    ),
    "expired approval": Lack(
        "approvals-enough", "business does not count: approved only until", expired_approval, agreed=False
    ),
    "wrong role": Lack(
        "approvals-enough",
        "business does not count: signed with a key that is distrusted, or no approver's any more",
        wrong_role,
    ),
    "missing officer": Lack(
        "office-filled", "security is not among those who approved it for production", missing_officer, agreed=False
    ),
    "outside window": Lack("window", "no window of production (daily) is open; daily opens at", outside_window),
    "wave that cannot end in window": Lack(
        "window", "and a wave takes about 1 hour (host_minutes of policy/rings.yml)", too_late_to_end
    ),
    "freeze by name": Lack("freeze", 'freeze "claims cut-off" holds in production until', freeze),
    "month end by the billing calendar": Lack(
        "freeze",
        'freeze "month end close" (month end; owner revenue-cycle; books close) holds in production until',
        month_end,
    ),
    "stale backup proof": Lack("restore-proved", "no restore was proved within 20 days for app-2", stale_restore),
    "stale access review": Lack("access-reviewed", "production wants one within 60 days", stale_review),
    "pilot not soaked": Lack("soak", "and is looked at for 1 day, until", not_soaked),
    "unapproved policy": Lack("policy-approved", "is not approved: nobody approved it", unapproved_policy),
    "unsigned content": Lack("content-signed", "roles/ssh/tasks/main.yml: not covered", unsigned_content),
    "emergency review overdue": Lack("emergency-reviewed", "was to be reviewed by", overdue_review),
    "lapsed exception": Lack(
        "baseline-as-planned", f"{EXCEPTION} has lapsed since", lapsed_exception, agreed=False, playbook="remediate"
    ),
}
UNRECORDED = ("content-signed",)
"""Rules that are asked before a run is on record: then nothing is opened, and nothing is left to close."""
