# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard changes: what fits a template was agreed to by those who signed the template, within its bounds.

Their signatures count as approvals of the change that names the template's record. Everything else that is asked of a
change is asked of it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from ..ledger import canonical
from ..ledger.reading import Record
from ..site.standard import Template
from .plan import Plan
from .state import ChangeState
from .traces import Consent


def digest_of(template: Template) -> str:
    """Return the SHA-256 of what a template says, as canonical JSON."""
    return canonical.digest(canonical.encode(template.to_dict()))


def signatures(template: Template, records: Iterable[Record]) -> dict[str, Record]:
    """Return the signature of each person on what a template says now; withdrawn, or signed as another text, none."""
    signed: dict[str, Record] = {}
    text = ""
    for one in records:
        if one.step != "standard" or one.body["template"] != template.id or one.doubted:
            continue
        if one.body["decision"] == "withdraw" or one.subject_sha256 != text:
            signed, text = {}, one.subject_sha256
        if one.body["decision"] == "approve":
            signed[one.principal] = one
    return signed if text == digest_of(template) else {}


def unfit(template: Template, plan: Plan, rings: Iterable[str], now: datetime) -> Iterator[str]:
    """Yield why a plan, asked for in these rings, is no change of the template at `now`."""
    if now >= template.expires:
        yield f"the template ended at {template.expires.isoformat()}"
    if plan.kind != template.kind:
        yield f"the plan is of kind {plan.kind}, the template of {template.kind}"
    if strange := [ring for ring in rings if ring not in template.rings]:
        yield f"the template is not for {', '.join(strange)}"
    assets = [asset for ring in rings for asset in plan.of_ring(ring)]
    if len(assets) > template.assets_most:
        yield f"{len(assets)} assets, and the template allows {template.assets_most}"
    packages = {package.name: package for asset in assets for package in asset.packages}
    foreign = sorted(name for name in packages if not any(fnmatchcase(name, one) for one in template.packages))
    if foreign:
        yield f"not in the template: {', '.join(foreign)}"
    plain = sorted(name for name, package in packages.items() if template.security_only and not package.security)
    if plain:
        yield f"no security updates: {', '.join(plain)}"
    if restarted := [asset.asset for asset in assets if asset.reboot and not template.reboot]:
        yield f"restarts {', '.join(restarted)}, by forecast"
    if kept := [asset.asset for asset in assets if any(one.decision == "replace" for one in asset.conffiles)]:
        yield f"replaces changed settings of {', '.join(kept)}"


def agreements(
    state: ChangeState, plan: Plan | None, templates: Iterable[Template], records: Iterable[Record], now: datetime
) -> tuple[Consent, ...]:
    """Return the consents that come with the template a change was made from; none where it does not fit it now.

    The record that the request names must be one of them: what was withdrawn since is no consent any more.
    """
    if state.template is None or plan is None or plan.digest != state.plan:
        return ()
    listed = [one for one in records if one.step == "standard"]
    for template in templates:
        signed = signatures(template, listed)
        named = (state.template["index"], state.template["sha256"])
        if named in {(one.index, one.sha256) for one in signed.values()} and not any(
            unfit(template, plan, state.rings, now)
        ):
            return tuple(_consent(state, template, one) for one in signed.values())
    return ()


def _consent(state: ChangeState, template: Template, record: Record) -> Consent:
    return Consent(
        index=record.index,
        sha256=record.sha256,
        principal=record.principal,
        decision="approve",
        request=state.request,
        plan=state.plan,
        rings=state.rings,
        recorded_at=record.recorded_at,
        not_after=template.expires,
        template=template.id,
    )
