# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages tell each party what it needs and nothing else; templates fill in facts and can do nothing more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.message_templates import MessageError, Template
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.messages import (
    AUDIENCES,
    FACTS,
    NAMES,
    STAGES,
    Message,
    Occasion,
    messages,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.stages import refusal, stage_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.forecast import Forecast, forecast
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.standing import standing
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site

from tests.billing_site import billing_site
from tests.change_cases import Book, plan, when

NOW = when("2026-11-24 15:00")
PARTIES = {
    "clinics": ("North Clinic", "East Clinic"),
    "payers": ("First Payer", "Second Payer", "Third Payer"),
    "vendors": ("portal-maker", "clearinghouse"),
}
SECRETS = ("prod-1", "prod-2", "edi-secret-host", "192.0.2.1", "nginx", "CVE-2026", "canary-title", "canary-reason",
           "ana", "controller")  # fmt: skip


@pytest.fixture(scope="module", name="site")
def a_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return billing_site(tmp_path_factory.mktemp("billing"))


def told_of(site: Site, stage: str, told: Book | None = None, **more: Any) -> tuple[Message, ...]:
    book = told or Book(plan(title="canary-title", reason="canary-reason"))
    if told is None:
        book.request(until="2026-12-20 00:00")
        book.approve("ana")
    state = book.state()
    assert state is not None
    seen = forecast(state, book.plan, site.policy, book.records, NOW, until=when("2027-02-20 00:00"))
    occasion = Occasion(site, state, stage, more.pop("forecast", seen), more.pop("now", NOW), **more)
    return messages(occasion, PARTIES)


@pytest.mark.parametrize("stage", STAGES)
def test_no_message_betrays_hosts_packages_flaws_people_or_free_text(site: Site, stage: str) -> None:
    book = Book(plan(title="canary-title", reason="canary-reason"))
    book.request(until="2026-12-20 00:00")
    book.approve("ana")
    book.open("run_1")
    book.deploy("run_1", ["prod-1", "prod-2"])
    if stage == "rolled-back":
        book.roll_back("run_1", ["prod-1", "prod-2"])
    told = {(one, party): when("2026-11-20 20:00") for one in AUDIENCES for party in PARTIES.get(one, ("",))}
    announced = told if stage == "delay" else {}
    found = told_of(site, stage, book, announced=announced, contact="help desk, extension 7")
    assert {one.audience for one in found} == set(AUDIENCES)
    for one in found:
        for text in (one.subject, one.text, one.html, str(one.to_dict())):
            assert [word for word in SECRETS if word in text] == [], one.name
        assert "help desk, extension 7" in one.text
        assert "{" not in one.text


def test_each_party_is_told_of_its_own_alone_and_when(site: Site) -> None:
    found = {(one.audience, one.party): one for one in told_of(site, "before")}
    assert set(found) == {
        ("users", ""), ("executives", ""), ("clinics", "North Clinic"), ("payers", "First Payer"),
        ("payers", "Second Payer"), ("vendors", "portal-maker"), ("vendors", "clearinghouse"),
    }  # fmt: skip
    first = found["payers", "First Payer"]
    assert first.subject == "Planned maintenance at org-demo: Tuesday 24 November 2026, 23:00 EST"
    assert "It may interrupt: 837P claims." in first.text
    for others in ("Second Payer", "835", "Clinic", "scrub"):
        assert others not in first.text + first.html
    # Production's waves alone reach a payer; the company's own people hear of the first wave that is felt.
    assert first.begins is not None
    assert first.begins > NOW
    clinic = found["clinics", "North Clinic"]
    assert "Clinic portal" in clinic.text
    assert "South Clinic" not in clinic.text
    executives = found["executives", ""].text
    assert "Services: Claim scrubber, Clinic portal, an integration." in executives
    payers = "First Payer, No Payer of Claims, Second Payer"
    for words in (payers, "North Clinic, South Clinic", "5 systems", "not yet approved"):
        assert words in executives
    assert "To Portal Maker Inc:" in found["vendors", "portal-maker"].text


def test_an_id_is_the_same_each_time_and_another_for_each_stage_party_and_new_date(site: Site) -> None:
    again = [[one.id for one in told_of(site, "before")] for _twice in (0, 1)]
    assert again[0] == again[1]
    told = {("payers", "First Payer"): when("2026-11-20 20:00"), ("users", ""): when("2026-11-20 20:00")}
    ids = [one.id for stage in ("before", "start", "done") for one in told_of(site, stage)]
    ids += [one.id for one in told_of(site, "delay", announced=told)]
    ids += [one.id for one in told_of(site, "delay", announced=told, forecast=Forecast())]
    assert len(set(ids)) == len(ids)


def test_who_was_told_an_earlier_time_is_told_of_the_delay_and_nobody_else(site: Site) -> None:
    payer = ("payers", "First Payer")
    tonight = when("2026-11-25 04:00")

    def said(told: str, **more: Any) -> list[tuple[str, str, bool]]:
        found = told_of(site, "before", announced={payer: when(told)}, **more)
        return [(one.audience, one.stage, one.begins is not None) for one in found if one.party == payer[1]]

    assert said("2026-11-25 04:00") == [("payers", "before", True)]
    # Less than an hour is no delay.
    assert said("2026-11-25 03:01") == [("payers", "before", True)]
    assert said("2026-11-25 02:59") == [("payers", "delay", True)]
    # It may begin at any moment, and waits for people: no new date, however often that is asked.
    assert said("2026-11-25 02:00", now=tonight) == [("payers", "delay", False)]
    others = [one for one in told_of(site, "before", announced={payer: NOW}) if one.party != payer[1]]
    assert {one.stage for one in others} == {"before"}
    delayed = told_of(site, "delay", announced={payer: NOW})
    assert [(one.party, one.stage) for one in delayed] == [("First Payer", "delay")]
    assert "was planned for Tuesday 24 November 2026, 15:00 UTC begins later: from" in delayed[0].text


def test_a_shop_edits_its_templates_and_html_escapes_facts(site: Site, tmp_path: Path) -> None:
    own = tmp_path / "notices"
    own.mkdir()
    (own / "users.txt.j2").write_text("Subject: {{ stage | upper }}\n\n{{ contact }}, {{ counts.services }}\n")
    (own / "users.html.j2").write_text("<b>{{ contact }}</b>{{ paragraphs | join }}")
    here = replace(site, root=tmp_path)
    found = next(one for one in told_of(here, "before", contact="<i>& co") if one.audience == "users")
    assert (found.subject, found.text) == ("BEFORE", "<i>& co, 3\n")
    assert found.html.startswith("<b>&lt;i&gt;&amp; co</b>&lt;i&gt;")


@pytest.mark.parametrize("audience", ["users", "clinics", "payers", "vendors"])
def test_a_template_that_asks_whom_else_a_change_hits_is_not_told(site: Site, tmp_path: Path, audience: str) -> None:
    (tmp_path / "notices").mkdir()
    asks = "Subject: x\n\n{{ clinics | join }}|{{ payers | join }}|{{ counts.services }}\n"
    (tmp_path / "notices" / f"{audience}.txt.j2").write_text(asks)
    found = [one for one in told_of(replace(site, root=tmp_path), "before") if one.audience == audience]
    assert found
    assert all(one.text.startswith("||") for one in found)
    (tmp_path / "notices" / f"{audience}.txt.j2").write_text("Subject: x\n\n{{ counts.clinics }}\n")
    with pytest.raises(MessageError, match="clinics"):
        told_of(replace(site, root=tmp_path), "before")


def test_every_fact_that_is_named_is_there_and_the_reference_names_it(site: Site, tmp_path: Path) -> None:
    (tmp_path / "notices").mkdir()
    whole = "Subject: x\n\n" + "".join(f"{{{{ {name} }}}}|" for name in FACTS)
    (tmp_path / "notices" / "users.txt.j2").write_text(whole)
    assert any(one.audience == "users" for one in told_of(replace(site, root=tmp_path), "before"))
    page = Path(__file__).resolve().parents[5] / "docs" / "reference" / "calendar.md"
    if page.exists():  # the built collection carries its tests, but not docs/
        text = page.read_text(encoding="utf-8")
        assert [name for name in (*FACTS, *STAGES, *NAMES[:1]) if f"`{name}`" not in text] == []


def test_no_fact_writes_a_header_or_a_paragraph(site: Site) -> None:
    found = next(iter(told_of(site, "before", contact="x\r\nBcc: all@example.org\n\nSubject: y")))
    assert "\nBcc" not in found.text
    assert "x Bcc: all@example.org Subject: y" in found.text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}", "{{ change.__class__.__mro__ }}", "{{ counts.__init__ }}", "{{ counts['x'] }}",
        "{{ self }}", "{{ self.__init__.__globals__ }}", "{{ cycler.__init__ }}", "{{ lipsum() }}", "{{ range(9) }}",
        "{{ 'x' * 99999999 }}", "{{ 9 ** 9 ** 9 }}", "{{ 'x' ~ 'y' }}", "{{ '%999999999d' % 1 }}", "{{ 'a' + 'b' }}",
        "{{ change.format(change) }}", "{{ services.append('x') }}", "{% set x = 1 %}", "{% macro m() %}{% endmacro %}",
        "{% include '/etc/passwd' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% block b %}{% endblock %}",
        "{{ change | attr('__class__') }}", "{{ change | map('upper') }}", "{{ change | format('x') }}",
        "{{ change | center(99999999) }}", "{{ unknown }}", "{% if unknown %}x{% endif %}", "{{ loop.__class__ }}",
        "{% for a in services %}{% for b in services %}{% for c in services %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in services recursive %}{{ loop(a) }}{% endfor %}", "{{ [1, 2] }}", "{{ {'a': 1} }}",
        "{{ services[0:1] }}", "{% filter upper %}x{% endfilter %}", "{% call x() %}{% endcall %}", "{{ -counts.a }}",
        "{{ services is mapping }}", "{% raw %}x{% endraw %}{{", "{% with a = 1 %}{% endwith %}", "{{ _begins }}",
        "{% for a in services %}{{ a }}", "{{ " + "(" * 400 + "1" + ")" * 400 + " }}",
    ],
)  # fmt: skip
def test_a_template_that_wants_more_than_facts_is_refused(source: str) -> None:
    facts = {"change": "chg_1", "services": ["a", "b"], "counts": {"services": 2}}
    with pytest.raises(MessageError, match=r"^notices/users\.txt\.j2:1: ") as caught:
        Template("notices/users.txt.j2", source).filled(facts)
    assert len(str(caught.value)) < 600


def test_what_a_template_makes_is_bounded() -> None:
    facts = {"services": ["x" * 100] * 50}
    source = "{% for a in services %}{% for b in services %}{{ services | join }}{% endfor %}{% endfor %}"
    with pytest.raises(MessageError, match="makes more than 200000 characters"):
        Template("t", source).filled(facts)


def test_a_first_line_that_is_no_subject_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "payers.txt.j2").write_text("Hello\n")
    with pytest.raises(MessageError, match=r"payers\.txt\.j2:1: 'Hello'; expected `Subject"):
        told_of(replace(site, root=tmp_path), "before")


def test_the_stage_is_what_the_records_bear_out(site: Site) -> None:
    book = Book(plan())
    book.request(until="2026-12-20 00:00")

    def now(told: bool = False) -> tuple[str | None, str]:
        state = book.state()
        assert state is not None
        word = standing(state, book.plan, site.policy, NOW)
        seen = forecast(state, book.plan, site.policy, book.records, NOW, until=when("2027-02-20 00:00"))
        return stage_of(state, word, seen, told), word

    assert now() == (None, "requested")
    # Whoever was told, and then an approval lapsed: it is late, without a date.
    assert now(told=True)[0] == "delay"
    book.approve("ana")
    book.approve("ben")
    assert now() == ("before", "approved")
    book.halt("ana", rings=["lab"])
    assert now() == (None, "halted")
    assert now(told=True)[0] == "delay"
    book.halt("ana", "go", rings=["lab"])
    book.open("run_1", at="2026-11-24 14:55")
    assert now(told=True)[0] == "start"
    for ring, hosts in (("lab", ["lab-1"]), ("pilot", ["pilot-1"]), ("production", ["prod-1", "prod-2", "prod-3"])):
        book.done(run=f"run_{ring}", assets=hosts)
    book.close("run_1")
    assert now(told=True)[0] == "done"
    state = book.state()
    assert state is not None
    for stage in ("before", "start", "delay", "rolled-back"):
        assert refusal(stage, state, "closed", Forecast(), told=True) != "", stage
