# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSAF 2.0 documents, advisories and VEX: the schema, the rules a decision hangs on, the normal form.

The rules are those of section 6.1 of CSAF 2.0 that say which product is meant and in which state; the others (spelling
of versions, order of the history) change nothing that is decided here. A score is computed again from its vector later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import csaf_products, csaf_schema, reading
from .bounds import shown
from .csaf_products import Products
from .model import CvssVector, ProductRemediation, VendorAdvisory, VendorFlaw, Vulnerability
from .parts import Options, Part, documents, each
from .reading import BadRecordError, Contents

_SCORES = (("cvss_v2", "2.0"), ("cvss_v3", ""))
_EXCLUSIVE = (
    {"first_affected", "known_affected", "last_affected"},
    {"known_not_affected"},
    {"first_fixed", "fixed"},
    {"under_investigation"},
)
_STATES = {state for group in _EXCLUSIVE for state in group} | {"recommended"}
_VEX_STATES = {"fixed", "known_affected", "known_not_affected", "under_investigation"}


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read all documents; the later version of one that stands twice counts."""
    taken: dict[str, VendorAdvisory] = {}

    def take(record: Any) -> None:
        document = reading.mapping(record, "the document")
        _refuse_other_versions(document)
        wrong = None if options.checked else csaf_schema.fault(document)
        if wrong:
            raise BadRecordError(wrong)
        advisory = _advisory(document, contents.feed)
        older = taken.get(advisory.id)
        if older is None or older.modified <= advisory.modified:
            taken[advisory.id] = advisory
            contents.newest(advisory.modified)

    each(documents(contents.feed, parts, contents), contents, take)
    contents.vendor.extend(taken.values())
    for advisory in taken.values():
        _score(contents, advisory, options)


def _refuse_other_versions(document: Mapping[str, Any]) -> None:
    about = document.get("document")
    stated = about.get("csaf_version") if isinstance(about, dict) else None
    named = str(document.get("$schema", ""))
    if stated == "2.1" or "/csaf/v2.1/" in named:
        raise BadRecordError("is CSAF 2.1, which is not read yet; expected CSAF 2.0; ask its publisher for that")
    if stated != "2.0":
        raise BadRecordError(f"document.csaf_version: found {shown(stated)}; expected 2.0")


def _advisory(whole: Mapping[str, Any], feed: str) -> VendorAdvisory:
    document, tracking = whole["document"], whole["document"]["tracking"]
    category = reading.text(document["category"], "document.category", 100)
    products = csaf_products.products(whole.get("product_tree", {}))
    flaws = tuple(
        _flaw(one, f"vulnerabilities[{index}]", products, category)
        for index, one in enumerate(reading.sequence(whole.get("vulnerabilities"), "vulnerabilities", 10_000))
    )
    if category in ("csaf_vex", "csaf_security_advisory") and (not flaws or not products.all):
        raise BadRecordError(f"document.category: {category} without products or vulnerabilities (6.1.27)")
    cves = [flaw.cve for flaw in flaws if flaw.cve]
    if len(set(cves)) != len(cves):
        raise BadRecordError("vulnerabilities: one CVE stands twice (6.1.23)")
    word = document.get("aggregate_severity", {}).get("text")
    tlp = document.get("distribution", {}).get("tlp", {}).get("label")
    return VendorAdvisory(
        id=reading.identifier(tracking["id"], "document.tracking.id"),
        feed=feed,
        category=category,
        publisher=reading.words(document["publisher"]["name"], "document.publisher.name") or "",
        title=reading.words(document["title"], "document.title") or "",
        status=tracking["status"],
        version=reading.text(tracking["version"], "document.tracking.version", 100),
        published=reading.moment(tracking["initial_release_date"], "document.tracking.initial_release_date"),
        modified=reading.moment(tracking["current_release_date"], "document.tracking.current_release_date"),
        products=products.all,
        flaws=flaws,
        severity_word=(reading.words(word, "document.aggregate_severity.text", 40) or "").lower() or None,
        tlp=tlp,
    )


def _flaw(one: Mapping[str, Any], where: str, products: Products, category: str) -> VendorFlaw:
    states: list[tuple[str, str]] = []
    for state, names in one.get("product_status", {}).items():
        if state not in _STATES:
            raise BadRecordError(f"{where}.product_status: found the unknown state {shown(state)}")
        states += [(products.known(name, f"{where}.product_status.{state}"), state) for name in names]
    flaw = VendorFlaw(
        cve=reading.cve(one["cve"], f"{where}.cve") if "cve" in one else None,
        ids=tuple(reading.words(member["text"], f"{where}.ids", 100) or "" for member in one.get("ids", ())),
        title=reading.words(one.get("title"), f"{where}.title"),
        states=tuple(sorted(set(states))),
        remediations=tuple(
            _remediation(member, f"{where}.remediations[{index}]", products)
            for index, member in enumerate(one.get("remediations", ()))
        ),
        cvss=_scores(one, where, products),
        justifications=tuple(
            (product, flag["label"])
            for index, flag in enumerate(one.get("flags", ()))
            for product in products.meant(flag, f"{where}.flags[{index}]")
        ),
        cwe=one.get("cwe", {}).get("id"),
    )
    _refuse_contradictions(flaw, where)
    if category == "csaf_security_advisory" and not flaw.states:
        raise BadRecordError(
            f"{where}: no product_status; expected one, for the document calls itself {category} (4.4)"
        )
    if category == "csaf_vex":
        _refuse_incomplete_vex(flaw, one, where, products)
    return flaw


def _refuse_contradictions(flaw: VendorFlaw, where: str) -> None:
    """No product may be in two groups of states that exclude each other (6.1.6)."""
    by_product: dict[str, set[str]] = {}
    for product, state in flaw.states:
        by_product.setdefault(product, set()).add(state)
    for product, states in by_product.items():
        if sum(not states.isdisjoint(group) for group in _EXCLUSIVE) > 1:
            raise BadRecordError(
                f"{where}.product_status: {shown(product)} is {' and '.join(sorted(states))}, which exclude each other "
                "(6.1.6)"
            )


def _refuse_incomplete_vex(flaw: VendorFlaw, one: Mapping[str, Any], where: str, products: Products) -> None:
    """VEX says of each flaw which it is, of which product, and why one is not affected or what to do (6.1.27.7-10)."""
    if not flaw.cve and not flaw.ids:
        raise BadRecordError(f"{where}: neither cve nor ids; expected either (6.1.27.8)")
    if not any(state in _VEX_STATES for _product, state in flaw.states):
        raise BadRecordError(f"{where}: no product has a state that VEX knows (6.1.27.7)")
    explained = {product for product, _label in flaw.justifications}
    for index, threat in enumerate(one.get("threats", ())):
        if threat.get("category") == "impact":
            explained.update(products.meant(threat, f"{where}.threats[{index}]"))
    helped = {product for remediation in flaw.remediations for product in remediation.products}
    for product, state in flaw.states:
        if state == "known_not_affected" and product not in explained:
            raise BadRecordError(f"{where}: {shown(product)} is not affected, and nothing says why (6.1.27.9)")
        if state == "known_affected" and product not in helped:
            raise BadRecordError(f"{where}: {shown(product)} is affected, and nothing says what to do (6.1.27.10)")


def _remediation(one: Mapping[str, Any], where: str, products: Products) -> ProductRemediation:
    return ProductRemediation(
        category=one["category"],
        products=products.meant(one, where),
        date=reading.optional_moment(one.get("date"), f"{where}.date"),
        text=reading.words(one.get("details"), f"{where}.details", 500),
        url=reading.words(one.get("url"), f"{where}.url", 500),
    )


def _scores(one: Mapping[str, Any], where: str, products: Products) -> tuple[tuple[CvssVector, tuple[str, ...]], ...]:
    found: list[tuple[CvssVector, tuple[str, ...]]] = []
    seen: set[tuple[str, str]] = set()
    for index, score in enumerate(one.get("scores", ())):
        here = f"{where}.scores[{index}]"
        meant = tuple(products.known(name, f"{here}.products") for name in score["products"])
        for key, _version in _SCORES:
            if key not in score:
                continue
            version, vector = reading.vector(score[key]["vectorString"], f"{here}.{key}.vectorString")
            published = reading.number(score[key]["baseScore"], f"{here}.{key}.baseScore", 0, 10)
            for product in meant:
                if (product, version) in seen:
                    raise BadRecordError(f"{here}: {shown(product)} is scored twice in CVSS {version} (6.1.7)")
                seen.add((product, version))
            found.append((CvssVector(version, vector, published, "csaf"), meant))
    return tuple(found)


def _score(contents: Contents, advisory: VendorAdvisory, options: Options) -> None:
    """What a vendor's coordinator scored is known of the CVE wherever else it is met."""
    for flaw in advisory.flaws:
        if flaw.cve and flaw.cvss and options.wants(flaw.cve):
            known = contents.vulnerabilities.get(flaw.cve, Vulnerability(flaw.cve))
            scores = (
                CvssVector(score.version, score.vector, score.published_score, f"csaf:{advisory.id}")
                for score, _products in flaw.cvss
            )
            cwes = reading.cwes((*known.cwes, flaw.cwe))
            contents.vulnerabilities[flaw.cve] = Vulnerability(
                flaw.cve, cvss=tuple(dict.fromkeys((*known.cvss, *scores))), cwes=cwes
            )
