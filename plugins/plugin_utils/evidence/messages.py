# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages about a change for those who feel it: end users, executives, clinics, payers, vendors; stage by stage.

Each is told only what it needs (45 CFR 164.502(b) is the measure, though nothing of it is ePHI): times, and what of its
own does not work meanwhile. No host, address, package, flaw, title or reason of a change is a fact of any message:
people write those freely, and they are not for outsiders.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..change.impact import SERVICES, Hit, Impact, impact
from ..change.state import ChangeState
from ..policy.forecast import Forecast, PlannedWave
from ..site.problems import Fault, Problem
from ..site.site import Site
from ..site.structure import nearest
from .message_templates import MessageError, Template, read_template

STAGES = ("before", "start", "delay", "done", "rolled-back")
USERS, EXECUTIVES, CLINICS, PAYERS, VENDORS = "users", "executives", "clinics", "payers", "vendors"
AUDIENCES = (USERS, EXECUTIVES, CLINICS, PAYERS, VENDORS)
TEMPLATES = Path(__file__).resolve().parent / "templates" / "notices"
FOLDER = "notices"
"""The folder of a site that holds its own templates."""
FACTS = (
    "org", "change", "stage", "party", "begins", "ends", "announced", "services", "clinics", "functions", "payers",
    "counts", "approved", "emergency", "contact",
)  # fmt: skip
"""The names of all facts of a text; HTML has `subject` and `paragraphs` besides."""
NAMES = ("message.html.j2", *(f"{audience}.{form}.j2" for audience in AUDIENCES for form in ("txt", "html")))
"""The templates that a site may have of its own."""
LATE = timedelta(hours=1)
"""By how much a beginning must be later than was told before anybody is told so."""
MOST = 50
"""Names in a list of facts; how many there are stands in `counts`."""

_NAMES = uuid.UUID("b6b1a7c4-1d0e-5c1c-8a55-5a1d0f2e7c33")
"""The name space of our messages' ids (RFC 9562, version 5)."""


@dataclass(frozen=True)
class Message:
    """One message to one party. `id` is the same whenever that party is told the same stage of the same change."""

    id: str
    change: str
    stage: str
    audience: str
    party: str
    """A clinic, payer or vendor by its name in the register; '' for users and executives."""
    subject: str
    text: str
    html: str
    begins: datetime | None

    @property
    def name(self) -> str:
        """A file's name for it, without an ending."""
        party = re.sub(r"[^a-z0-9]+", "-", self.party.lower()).strip("-")
        return "-".join(part for part in (self.change, self.stage, self.audience, party) if part)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, what a webhook is sent; `text` is what chat programs show."""
        return {
            "schema": "holdfast/change-notice/v1",
            "id": self.id,
            "change": self.change,
            "stage": self.stage,
            "audience": self.audience,
            "party": self.party or None,
            "subject": self.subject,
            "text": self.text,
            "begins": self.begins.isoformat(timespec="minutes") if self.begins else None,
        }


@dataclass(frozen=True)
class Occasion:
    """One change at one stage, and all that messages about it are made from."""

    site: Site
    change: ChangeState
    stage: str
    forecast: Forecast
    now: datetime
    announced: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """By audience and party: when it was told to begin."""
    contact: str = ""

    @property
    def felt(self) -> tuple[tuple[Impact, PlannedWave | None], ...]:
        """What is hit, with the wave that does it for as long as it lies ahead."""
        waves, change = self.forecast.waves, self.change
        if self.stage == "before" or (self.stage == "delay" and waves):
            return tuple((impact(self.site, wave.assets), wave) for wave in waves)
        if self.stage == "rolled-back":
            return ((impact(self.site, change.rolled_back), None),)
        touched = {one.asset for one in change.progress.values() if one.deployed is not None}
        if self.stage == "start" and waves:
            touched |= {*waves[0].assets}
        return ((impact(self.site, touched if self.stage == "start" else change.assets), None),)


def messages(
    occasion: Occasion, parties: Mapping[str, Sequence[str]], audiences: Iterable[str] = AUDIENCES
) -> tuple[Message, ...]:
    """Return the messages for all of these audiences that feel the change.

    `parties` names, for clinics, payers and vendors, those that can be told. Whoever was told another beginning, and
    for whom it is late by now, is told of the delay, and nobody else is. Raises MessageError for a template that cannot
    be filled in.
    """
    found = []
    for audience in (one for one in AUDIENCES if one in audiences):
        for party in parties.get(audience, ()) if audience in _PARTIES else ("",):
            facts = _facts(occasion, audience, party)
            here = occasion if facts is None else _late(occasion, audience, party, facts)
            if facts is not None and here is not None:
                found.append(_message(here, audience, party, facts))
    return tuple(found)


def _late(occasion: Occasion, audience: str, party: str, facts: dict[str, Any]) -> Occasion | None:
    """Return the occasion as this party sees it, its facts brought in line; None where it is told of no delay."""
    if occasion.stage not in ("before", "delay"):
        return occasion
    told, begins = occasion.announced.get((audience, party)), facts["_begins"]
    if told is None or (begins is not None and begins <= told + LATE):
        return occasion if occasion.stage == "before" else None
    if begins is not None and begins <= occasion.now:
        # It may begin at any time, and waits for people: there is no new date to be told, and no other each time.
        facts.update(begins="", ends="", _begins=None)
    facts.update(stage="delay", announced=_clock(told))
    return replace(occasion, stage="delay")


def _clinic(hit: Impact, party: str) -> list[str]:
    return _names(hit.serving("clinics", party))


def _payer(hit: Impact, party: str) -> list[str]:
    return [flow.carries for flow in hit.flows_of(payer=party)]


def _vendor(hit: Impact, party: str) -> list[str]:
    return [*_names(hit.items_of(party)), *(flow.carries for flow in hit.flows_of(vendor=party))]


def _services(hit: Impact) -> list[str]:
    return _names(one for one in hit.hits if one.item.kind in SERVICES or one.item.functions or one.item.clinics)


_PARTIES: Mapping[str, Callable[[Impact, str], list[str]]] = {CLINICS: _clinic, PAYERS: _payer, VENDORS: _vendor}
"""What of an impact is one party's own."""


def _names(hits: Iterable[Hit]) -> list[str]:
    """Return what people call these items; an id may be a host's name, and is for nobody outside."""
    return [one.item.title or _unnamed(one.item.kind.replace("-", " ")) for one in hits]


def _unnamed(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _facts(occasion: Occasion, audience: str, party: str) -> dict[str, Any] | None:
    """Return the facts for one party; None where it feels nothing of it."""
    own = _PARTIES.get(audience)
    felt = [(own(hit, party) if own else _services(hit), hit, wave) for hit, wave in occasion.felt]
    mine = [one for one in felt if one[0] or audience == EXECUTIVES]
    if not mine:
        return None
    waves = [wave for _names_, _hit, wave in mine if wave is not None]
    services = _plain(name for names, _hit, _wave in mine for name in names)
    vendors = {name: one.title for name, one in occasion.site.vendors.items()}
    inside = audience == EXECUTIVES
    hits = [hit for _names_, hit, _wave in mine]
    lists = {
        "clinics": _plain(name for hit in hits for name in hit.clinics),
        "functions": _plain(name for hit in hits for name in hit.functions),
        "payers": _plain(name for hit in hits for name in hit.payers),
    }
    counts = {"services": len(services), **{name: len(each) for name, each in lists.items()}}
    counts["systems"] = len({one.item.id for hit in hits for one in hit.changed})
    begins, ends = (min(w.begins for w in waves), max(w.ends for w in waves)) if waves else (None, None)
    return {
        "org": _one(occasion.site.org),
        "change": occasion.change.change_id,
        "stage": occasion.stage,
        "party": _one(vendors.get(party, party) if audience == VENDORS else party),
        "begins": _clock(begins),
        "ends": _clock(ends),
        "announced": "",
        "services": services[:MOST],
        # Who else is hit is nobody's business but the company's own.
        "clinics": lists["clinics"][:MOST] if inside else [],
        "functions": lists["functions"][:MOST] if inside or audience == USERS else [],
        "payers": lists["payers"][:MOST] if inside else [],
        "counts": counts if inside else {"services": counts["services"]},
        "approved": all(wave.sure for wave in waves),
        "emergency": bool(occasion.change.emergencies),
        "contact": _one(occasion.contact),
        "_begins": begins,
    }


def _message(occasion: Occasion, audience: str, party: str, facts: dict[str, Any]) -> Message:
    begins = facts.pop("_begins")
    text = template_of(occasion.site.root, f"{audience}.txt.j2").filled(facts)
    head, _break, body = text.strip().partition("\n")
    label, colon, subject = head.partition(":")
    if label.strip().lower() != "subject" or not colon or not subject.strip():
        raise MessageError(f"{FOLDER}/{audience}.txt.j2:1: {head[:60]!a}; expected `Subject: ...` in the first line")
    body = re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"
    paragraphs = [" ".join(one.split()) for one in body.split("\n\n") if one.strip()]
    own = _own(occasion.site.root, f"{audience}.html.j2")
    page = own or template_of(occasion.site.root, "message.html.j2")
    html = page.filled({**facts, "subject": _one(subject), "paragraphs": paragraphs}, html=True)
    change = occasion.change.change_id
    again = _clock(begins) if occasion.stage == "delay" else ""
    told = "\x1f".join([occasion.site.org, occasion.site.name, change, occasion.stage, audience, party, again])
    name = str(uuid.uuid5(_NAMES, told))
    return Message(name, change, occasion.stage, audience, party, _one(subject), body, html, begins)


def template_problems(root: Path) -> list[Problem]:
    """Return what is wrong with the templates in a site's folder: names that nobody reads, and what none may say."""
    found: list[Problem] = []
    for path in sorted((root / FOLDER).glob("*.j2")):
        where = f"{FOLDER}/{path.name}"
        if path.name not in NAMES:
            do = nearest(path.name, NAMES) or "rename it, or take it away"
            strange = Fault((), "a template that nobody is told by", f"one of {', '.join(NAMES)}", do)
            found.append(Problem(where, 1, strange))
            continue
        try:
            more = ("subject", "paragraphs") if ".html." in path.name else ()
            wrong = read_template(path, where).problem((*FACTS, *more))
        except MessageError as error:
            wrong = Problem(where, 1, Fault((), str(error), "a template of Jinja2", "correct it, or take it away"))
        found += [wrong] if wrong else []
    return found


def template_of(root: Path, name: str) -> Template:
    """Return a template: the site's own where it has one, else the product's."""
    return _own(root, name) or read_template(TEMPLATES / name, name)


def _own(root: Path, name: str) -> Template | None:
    path = root / FOLDER / name
    return read_template(path, f"{FOLDER}/{name}") if path.exists() else None


def _plain(texts: Iterable[str]) -> list[str]:
    """Return each text once, on one line."""
    return [*dict.fromkeys(_one(text) for text in texts)]


def _one(text: str) -> str:
    """Return text without line breaks and control characters, so that no fact writes a header or a paragraph."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()


def _clock(moment: datetime | None) -> str:
    """Return a moment for people, in its own zone: `Friday 4 December 2026, 22:00 EST`; empty where there is none."""
    return f"{moment:%A} {moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or 'UTC'}" if moment else ""
