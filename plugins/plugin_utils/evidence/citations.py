# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Citations of the HIPAA Security Rule, and what the measured controls say in support of each.

Source of the table: 45 CFR Part 164 Subpart C as last amended in 2013 (Omnibus Rule), paragraph headings
shortened in our own words; R (required) and A (addressable) as in Appendix A to that subpart, empty where a
standard's duties lie in its specifications. Addressable is not optional: 164.306(d)(3) asks for the decision
in writing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .compliance import AssetStanding, ControlStanding, Counts

CITATIONS: dict[str, tuple[str, str]] = {
    "164.306(a)(1)": ("Confidentiality, integrity and availability of all ePHI", "R"),
    "164.306(a)(2)": ("Protect against reasonably anticipated threats or hazards", "R"),
    "164.306(a)(3)": ("Protect against reasonably anticipated impermissible uses or disclosures", "R"),
    "164.306(a)(4)": ("Workforce compliance", "R"),
    "164.306(b)(1)": ("Flexibility of approach", ""),
    "164.306(b)(2)(i)": ("Factor: size, complexity and capabilities", ""),
    "164.306(b)(2)(ii)": ("Factor: technical infrastructure and security capabilities", ""),
    "164.306(b)(2)(iii)": ("Factor: costs of security measures", ""),
    "164.306(b)(2)(iv)": ("Factor: probability and criticality of risks to ePHI", ""),
    "164.306(c)": ("Comply with the applicable standards", "R"),
    "164.306(d)(1)": ("Implementation specifications are required or addressable", ""),
    "164.306(d)(2)": ("Required specifications must be implemented", ""),
    "164.306(d)(3)": ("Addressable: assess, implement or document reason and equivalent measure", ""),
    "164.306(e)": ("Maintenance - review and modify measures", "R"),
    "164.308(a)(1)(i)": ("Security management process", ""),
    "164.308(a)(1)(ii)(A)": ("Risk analysis", "R"),
    "164.308(a)(1)(ii)(B)": ("Risk management", "R"),
    "164.308(a)(1)(ii)(C)": ("Sanction policy", "R"),
    "164.308(a)(1)(ii)(D)": ("Information system activity review", "R"),
    "164.308(a)(2)": ("Assigned security responsibility", "R"),
    "164.308(a)(3)(i)": ("Workforce security", ""),
    "164.308(a)(3)(ii)(A)": ("Authorization and/or supervision", "A"),
    "164.308(a)(3)(ii)(B)": ("Workforce clearance procedure", "A"),
    "164.308(a)(3)(ii)(C)": ("Termination procedures", "A"),
    "164.308(a)(4)(i)": ("Information access management", ""),
    "164.308(a)(4)(ii)(A)": ("Isolating health care clearinghouse functions", "R"),
    "164.308(a)(4)(ii)(B)": ("Access authorization", "A"),
    "164.308(a)(4)(ii)(C)": ("Access establishment and modification", "A"),
    "164.308(a)(5)(i)": ("Security awareness and training", ""),
    "164.308(a)(5)(ii)(A)": ("Security reminders", "A"),
    "164.308(a)(5)(ii)(B)": ("Protection from malicious software", "A"),
    "164.308(a)(5)(ii)(C)": ("Log-in monitoring", "A"),
    "164.308(a)(5)(ii)(D)": ("Password management", "A"),
    "164.308(a)(6)(i)": ("Security incident procedures", ""),
    "164.308(a)(6)(ii)": ("Response and reporting", "R"),
    "164.308(a)(7)(i)": ("Contingency plan", ""),
    "164.308(a)(7)(ii)(A)": ("Data backup plan", "R"),
    "164.308(a)(7)(ii)(B)": ("Disaster recovery plan", "R"),
    "164.308(a)(7)(ii)(C)": ("Emergency mode operation plan", "R"),
    "164.308(a)(7)(ii)(D)": ("Testing and revision procedures", "A"),
    "164.308(a)(7)(ii)(E)": ("Applications and data criticality analysis", "A"),
    "164.308(a)(8)": ("Evaluation (technical and nontechnical)", "R"),
    "164.308(b)(1)": ("Business associate contracts - of the covered entity", ""),
    "164.308(b)(2)": ("Business associate contracts - with subcontractors", ""),
    "164.308(b)(3)": ("Written contract or other arrangement", "R"),
    "164.310(a)(1)": ("Facility access controls", ""),
    "164.310(a)(2)(i)": ("Contingency operations", "A"),
    "164.310(a)(2)(ii)": ("Facility security plan", "A"),
    "164.310(a)(2)(iii)": ("Access control and validation procedures", "A"),
    "164.310(a)(2)(iv)": ("Maintenance records", "A"),
    "164.310(b)": ("Workstation use", "R"),
    "164.310(c)": ("Workstation security", "R"),
    "164.310(d)(1)": ("Device and media controls", ""),
    "164.310(d)(2)(i)": ("Disposal", "R"),
    "164.310(d)(2)(ii)": ("Media re-use", "R"),
    "164.310(d)(2)(iii)": ("Accountability", "A"),
    "164.310(d)(2)(iv)": ("Data backup and storage", "A"),
    "164.312(a)(1)": ("Access control", ""),
    "164.312(a)(2)(i)": ("Unique user identification", "R"),
    "164.312(a)(2)(ii)": ("Emergency access procedure", "R"),
    "164.312(a)(2)(iii)": ("Automatic logoff", "A"),
    "164.312(a)(2)(iv)": ("Encryption and decryption", "A"),
    "164.312(b)": ("Audit controls", "R"),
    "164.312(c)(1)": ("Integrity", ""),
    "164.312(c)(2)": ("Mechanism to authenticate ePHI", "A"),
    "164.312(d)": ("Person or entity authentication", "R"),
    "164.312(e)(1)": ("Transmission security", ""),
    "164.312(e)(2)(i)": ("Integrity controls (transmission)", "A"),
    "164.312(e)(2)(ii)": ("Encryption (transmission)", "A"),
    "164.314(a)(1)": ("Business associate contracts or other arrangements", ""),
    "164.314(a)(2)(i)": ("Business associate contracts", "R"),
    "164.314(a)(2)(i)(A)": ("Contract term: comply with this subpart", "R"),
    "164.314(a)(2)(i)(B)": ("Contract term: same duties for subcontractors", "R"),
    "164.314(a)(2)(i)(C)": ("Contract term: report security incidents, incl. breaches (164.410)", "R"),
    "164.314(a)(2)(ii)": ("Other arrangements (governmental entities)", "R"),
    "164.314(a)(2)(iii)": ("Business associate contracts with subcontractors", "R"),
    "164.314(b)(1)": ("Requirements for group health plans", ""),
    "164.314(b)(2)(i)": ("Plan document: plan sponsor safeguards", "R"),
    "164.314(b)(2)(ii)": ("Plan document: adequate separation", "R"),
    "164.314(b)(2)(iii)": ("Plan document: agents agree to safeguards", "R"),
    "164.314(b)(2)(iv)": ("Plan document: report security incidents", "R"),
    "164.316(a)": ("Policies and procedures", "R"),
    "164.316(b)(1)": ("Documentation", ""),
    "164.316(b)(1)(i)": ("Written policies and procedures", "R"),
    "164.316(b)(1)(ii)": ("Written record of required actions, activities and assessments", "R"),
    "164.316(b)(2)(i)": ("Time limit (retain 6 years)", "R"),
    "164.316(b)(2)(ii)": ("Availability of documentation", "R"),
    "164.316(b)(2)(iii)": ("Updates of documentation", "R"),
}

_ORDER = {citation: number for number, citation in enumerate(CITATIONS)}


@dataclass(frozen=True)
class CitationSupport:
    """One citation and what supports it: the controls that name it and their verdicts, over all assets."""

    citation: str
    heading: str
    duty: str
    controls: tuple[str, ...]
    assets: int
    counts: Counts


@dataclass(frozen=True)
class ControlSummary:
    """One control over all assets it is registered for."""

    control_id: str
    title: str
    severity: str
    hipaa: tuple[str, ...]
    expected: str
    counts: Counts


def citation_support(standings: Iterable[AssetStanding]) -> tuple[CitationSupport, ...]:
    """Return the citations that registered controls name, in the rule's order, unknown ones last."""
    named: dict[str, list[tuple[str, ControlStanding]]] = {}
    for standing in standings:
        for control in standing.controls:
            for citation in control.hipaa:
                named.setdefault(citation, []).append((standing.asset, control))
    return tuple(
        CitationSupport(
            citation=citation,
            heading=CITATIONS.get(citation, ("", ""))[0],
            duty=CITATIONS.get(citation, ("", ""))[1],
            controls=tuple(sorted({control.control_id for _unused, control in named[citation]})),
            assets=len({asset for asset, _unused in named[citation]}),
            counts=Counts.of(control.result for _unused, control in named[citation]),
        )
        for citation in sorted(named, key=lambda one: (_ORDER.get(one, len(_ORDER)), one))
    )


def control_summaries(standings: Iterable[AssetStanding]) -> tuple[ControlSummary, ...]:
    """Return every registered control once, in the order the baselines have them."""
    met: dict[str, list[ControlStanding]] = {}
    for standing in standings:
        for control in standing.controls:
            met.setdefault(control.control_id, []).append(control)
    return tuple(_summary(found) for found in met.values())


def _summary(found: list[ControlStanding]) -> ControlSummary:
    one = found[0]
    counts = Counts.of(control.result for control in found)
    return ControlSummary(one.control_id, one.title, one.severity, one.hipaa, one.expected, counts)
