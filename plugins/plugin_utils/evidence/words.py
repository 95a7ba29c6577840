# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's words for the model's names, and what each verdict and result means, in one place."""

from __future__ import annotations

WORDS = {
    # verdicts on a control
    "pass": "pass",
    "fail": "fail",
    "waived": "waived",
    "not_applicable": "not applicable",
    "not_measured": "not measured",
    # an asset's standing
    "compliant": "compliant",
    "non_compliant": "non-compliant",
    "waived_in_part": "waived in part",
    "not_shown": "not shown",
    # a turn in a wave
    "verified": "verified",
    "unchanged": "unchanged",
    "unproved": "changed, not verified",
    "skipped": "skipped",
    "undone": "undone",
    "rolled_back": "rolled back",
    "unhealthy": "failed verification",
    "failed": "failed",
    "stuck": "rollback incomplete",
    # a ring
    "stopped": "stopped",
    "in_part": "in part",
    "not_started": "not started",
    # a change, in the words of `holdfast change list`
    "requested": "requested",
    "approved": "approved",
    "running": "running",
    "closed": "closed",
    "rolled-back": "rolled back",
    "rejected": "rejected",
    "halted": "halted by a stop order",
    "expired": "expired",
    # runs
    "interrupted": "interrupted",
    "open": "never closed",
    "ok": "ok",
    "denied": "denied",
    "drift": "drift found",
    "check": "drift check",
    "plan": "planning",
    "observe": "observation",
    "stage": "staging",
    "rehearse": "rehearsal",
    "patch": "patch",
    "rollback": "taking back",
    "remediate": "remediation",
    "config": "configuration",
    # what an asset's data are
    "ephi": "ePHI",
    "internal": "internal data",
    "none": "no ePHI",
    # severity
    "": "unknown",
    # duty under the rule
    "R": "required",
    "A": "addressable",
}

EXPLAINED = {
    "pass": "measured, and as the baseline wants it",
    "fail": "measured, and different",
    "waived": "an approved, dated exception lets it stand",
    "not_applicable": "the host has nothing this control could be about",
    "not_measured": "no answer, or none recent enough; never counted as good",
    "verified": "the verifier, another principal, found the planned state",
    "unchanged": "nothing to change; not verified in this wave",
    "unproved": "the implementer says changed; no verification on record",
    "skipped": "left out of the wave",
    "undone": "what was done to a host before it was rolled back",
    "rolled_back": "returned to the versions before the wave",
    "unhealthy": "the verifier found it unhealthy or not as planned",
    "failed": "the change failed, or the host was not reached",
    "stuck": "the rollback did not restore everything",
}

SIGNS = {
    "tick": "M3 8.6l3.4 3.4L13 4.6",
    "cross": "M4 4l8 8M12 4l-8 8",
    "dash": "M3.5 8h9",
    "equals": "M3.5 5.8h9M3.5 10.2h9",
    "question": "M5.3 5.6a2.7 2.7 0 1 1 3.9 2.4C8.3 8.5 8 9 8 9.9M8 13v.1",
    "bang": "M8 2.8v6.6M8 13v.1",
    "pause": "M5.6 4v8M10.4 4v8",
    "dots": "M3.6 8h.1M8 8h.1M12.4 8h.1",
    "back": "M4 6.6h5.6a3.1 3.1 0 0 1 0 6.2H6.6M4 6.6l2.9-2.9M4 6.6l2.9 2.9",
}
"""The signs that stand beside every colour, as paths in a box of 16 by 16."""

_SIGN_OF = {
    "tick": ("pass", "compliant", "verified", "closed", "ok"),
    "cross": ("fail", "non_compliant", "failed", "rejected"),
    "bang": ("unhealthy", "stuck", "stopped", "open", "drift"),
    "pause": ("waived", "waived_in_part", "denied", "halted"),
    "equals": ("unchanged",),
    "question": ("not_measured", "not_shown", "unproved"),
    "dots": ("in_part", "requested", "approved", "running", "expired", "interrupted"),
    "back": ("rolled_back", "rolled-back"),
}
SIGN = {name: sign for sign, names in _SIGN_OF.items() for name in names}
"""Which sign a name has; any other has a dash."""

TONE = {
    "ok": "pass",
    "closed": "pass",
    "rolled-back": "rolled_back",
    "requested": "plain-word",
    "approved": "plain-word",
    "denied": "plain-word",
    "halted": "plain-word",
    "open": "fail",
    "drift": "not_measured",
}
"""The style class of names that have none of their own."""
