# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit can find: each code is stable, and stands for one broken rule and one thing to do.

docs/explanation/ledger.md lists the same codes with the attack or accident behind each.
"""

from __future__ import annotations

_KEEP = "keep the ledger as it is, restore the last copy that audits clean, and compare the two"
_WHO = "ask who can write the ledger's file; what this entry claims is no evidence"
_REVIEW = "have compliance review the change and what it did to its assets"
_VERIFY = "probe the assets named now, with a verifier's key, and have the difference reviewed"

REMEDIES = {
    # the file
    "database-damaged": _KEEP,
    "database-form": "a ledger has its own tables and nothing else; " + _KEEP,
    "database-rights": "revoke it; then ask whether it was used, and compare with the last copy that audits clean",
    "ledger-empty": "publish the trust document with `holdfast trust publish`; nothing else can come first",
    # the tree
    "entry-missing": _KEEP,
    "size-differs": _KEEP,
    "tail-cut": _KEEP,
    "node-differs": _KEEP,
    "root-differs": _KEEP,
    "rolled-back": "the ledger was put back to an older state; " + _KEEP,
    "history-rewritten": "what was once signed was replaced; " + _KEEP,
    "checkpoint-form": "sign a new head with the log's key, and ask who wrote this one",
    "checkpoint-signature": "sign a new head with the log's key, and ask who wrote this one",
    "cosignature": "ask the witness named whether it cosigned this head; " + _KEEP,
    "cosignature-missing": "run `holdfast ledger witness`; if it refuses, or heads were cosigned before, " + _KEEP,
    "checkpoint-missing": "sign the head with the log's key after each run, and keep a copy elsewhere",
    # the entries
    "envelope-form": _WHO,
    "statement-form": _WHO,
    "unknown-step": "audit with the release that wrote this step, or ask who did",
    "record-id": _WHO,
    "signature": _WHO,
    "unknown-key": _WHO,
    "key-revoked": "sign with a key that is valid, see `holdfast trust show`; what this entry claims is no evidence",
    "key-distrusted": "ask the key's owner what they signed; have the root attest what is theirs; " + _REVIEW,
    "role": "give the role in trust.yml and publish it, or have the step done by one who has it",
    "actor": _WHO,
    "org-differs": "keep one ledger for one organisation",
    "trust-chain": "publish versions of the trust document one after the other, signed by the root before",
    "genesis-differs": "another ledger than yours, or one whose root was swapped; ask for yours",
    "trust-unfinished": "publish it with the signatures that are missing; if nobody proposed it, ask who signed",
    "trust-key-twice": "publish a trust document in which each key has one principal",
    "trust-named": _WHO,
    "head-forged": "this signer saw another history; ask for the copy it saw, and compare the two",
    "head-future": "this signer saw more entries than came before this one; ask for the copy it saw",
    "time-backwards": "set the signer's clock by NTP, or ask why the record is dated back",
    "time-future": "set the signer's clock, or the auditor's, by NTP",
    # changes
    "request-missing": _REVIEW,
    "request-twice": "make a new change for a new request; " + _REVIEW,
    "request-expired": _REVIEW,
    "plan-differs": _REVIEW,
    "approval-missing": _REVIEW,
    "approval-elsewhere": "an approval fits only the plan and request it names; " + _REVIEW,
    "approval-rejected": _REVIEW,
    "approvals-few": _REVIEW,
    "office-missing": _REVIEW,
    "safeguard-unsigned": "have the Compliance or the Privacy Officer look at it now; " + _REVIEW,
    "duties-not-separate": "have requester, approver, implementer and verifier be four; " + _REVIEW,
    "ring-not-approved": _REVIEW,
    "asset-not-requested": _REVIEW,
    # what no run writes
    "exception-ended": "see whether the control holds there now; have the exception renewed, or take it away",
    "exception-unsigned": "have its approver sign it: holdfast exception approve; or take it away",
    "content-unsigned": "ask what was run, and by whose leave; compare the controller's files with what was signed; "
    + _REVIEW,
    "content-unknown": "ask who wrote it, and compare the controller's files with what was signed; " + _REVIEW,
    "content-ended": "ask why it still ran; have the content that is to run signed: holdfast content sign",
    "break-glass-unknown": "an emergency must be of a change that was requested, and of its rings; " + _REVIEW,
    "break-glass-unreviewed": "have approvers review it: holdfast change review; it was due",
    "break-glass-unjustified": "an approver says that the emergency was none; " + _REVIEW,
    "review-unknown": _WHO,
    "heartbeat-missed": "if this is a copy, audit where the ledger is written; else see what keeps its records from it",
    "amend-unknown": _WHO,
    "amend-role": "have it amended by one who has the role; " + _REVIEW,
    "kept-too-short": "keep it longer: holdfast evidence keep",
    "evidence-unknown": _WHO,
    "evidence-missing": "put the sealed file back from a copy; its digest says which it is",
    "evidence-differs": "put the sealed file back from a copy; its digest says which it is",
    "erased-early": "ask the officer; have compliance review what was erased",
    "erased-held": "ask the officer, and tell counsel what was erased",
    "hold-unknown": _WHO,
    # runs
    "run-unknown": _REVIEW,
    "run-twice": _WHO,
    "run-after-close": _WHO,
    "run-subject": _WHO,
    "run-signer": _WHO,
    "run-never-closed": "if it is running now, audit again later; else run the playbook again, which resumes it",
    "run-entries": "records of this run are missing or were added; " + _KEEP,
    "run-counts": _WHO,
    "resume-unknown": _REVIEW,
    "change-in-check": _REVIEW,
    "change-in-rollback": _REVIEW,
    "rollback-unknown": _REVIEW,
    "guard-twice": _WHO,
    "guard-contradicts": _VERIFY,
    "asset-unexpected": _REVIEW,
    "asset-missing": _VERIFY,
    "verdict-contradicts": _WHO,
    "outcome-contradicts": _VERIFY,
    "deploy-unverified": _VERIFY,
    "ring-differs": "the asset is of another ring than its deploy says; " + _REVIEW,
    "product-differs": "what was installed is not what was approved; " + _REVIEW,
    "halt-unknown": "a stop order must be of a change that was requested, and of its rings; " + _REVIEW,
    "halt-ignored": "somebody had stopped this change there; " + _REVIEW,
    "lease-unknown": _WHO,
    "lease-unreleased": "see that the cluster has all its members, and release what is held",
    "reboot-unproved": "read the boot id of the asset named now; the record's claim is no evidence",
    "rehearsal-unproved": "rehearse again, and see every asset named end on the plan",
    "rolled-back-again": "a host that was taken back is tried again in a new change only; " + _REVIEW,
    "plan-file": "put the plan file that was approved back into plans/",
}
"""Findings: each makes the audit fail."""

WARNINGS = {
    "ledger-moved": "audit the ledger in the place it was moved to; keep this one as it is",
    "read-as-copy": "audit the ledger where it lives when you can",
    "cosignature-behind": "run `holdfast ledger witness`, as every run does when it ends",
    "checkpoint-behind": "sign the head with the log's key, as every run does when it ends",
    "run-resumed": "nothing; a later run finished the work and closed",
    "run-incomplete": _VERIFY,
    "left-unverified": _VERIFY,
    "running-old": "restart the services named in the record in their window, or reboot the host",
    "approval-late": "nothing, if enough others approved; if not, that is a finding of its own",
    "approved-by-nobody": "nothing, if one person is all there is; else raise approvals_required in policy/rings.yml",
    "trust-own-hand": "have another root principal look at it, and raise root_threshold; a shop of one has no choice",
    "approval-revoked": "nothing, if enough others approved; if not, that is a finding of its own",
    "change-unrequested": "ask whether the policy in force then let this be remediated without asking",
    "break-glass-open": "have approvers review it in time: holdfast change review",
    "break-glass-late": "nothing now; ask why nobody reviewed it in time",
    "amended": "read both records; the later one says what is to be known of the earlier",
    "heartbeat-late": "ask what kept records from the ledger then",
    "evidence-left": "erase it: holdfast evidence erase",
    "findings-cut": "mend the first ones, and audit again",
}
"""What an auditor should know, though no rule is broken."""
