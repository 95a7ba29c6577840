# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast policy` and `holdfast gate`, as pipelines and people use them: a real site, real keys, records."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main

from tests.change_cases import REGISTER, package, plan

ARTEFACT = b"a package that was built and tested\n"
SHA256 = hashlib.sha256(ARTEFACT).hexdigest()


def planned() -> Plan:
    """Return a plan that locks the one artefact on every host."""
    made = plan()
    one = package(sha256=SHA256, size=len(ARTEFACT), before=None)
    return plan(assets=tuple(type(asset)(**{**vars(asset), "packages": (one,)}) for asset in made.assets))


def junit(tested: str, failures: int = 0) -> str:
    """Return a report of three tests, some of them failures."""
    cases = ["<testcase name='a'/>", "<testcase name='b'/>", "<testcase name='c'><skipped/></testcase>"]
    for number in range(failures):
        cases[number] = f"<testcase name='f{number}'><failure message='no'/></testcase>"
    named = f"<properties><property name='holdfast.sha256' value='{tested}'/></properties>"
    return f"<testsuites><testsuite name='all'>{named}{''.join(cases)}</testsuite></testsuites>"


@dataclass
class Shop:
    """A site with two approvers, and the command in it."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: object) -> tuple[int, str, str]:
        """Run `holdfast` and return exit code, results, and the rest."""
        code = main([*map(str, words), "--site", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def ask(self) -> str:
        """Ask for the plan and return the change's id."""
        path = planned().save(self.root / "drafts")
        code, out, err = self.run("change", "request", "--plan", path, "--format", "json")
        assert code == 0, err
        return str(json.loads(out)["change"])

    def approve(self, change: str, *people: str) -> None:
        """Approve with each person's own SSH key."""
        for name in people:
            key = self.root.parent / name
            code, _out, err = self.run("change", "approve", change, "--as", name, "--ssh-key", key)
            assert code == 0, err

    def gate(self, change: str, *words: object) -> tuple[int, dict[str, Any]]:
        """Ask the gate as a pipeline does."""
        code, out, _err = self.run("gate", "--change", change, "--format", "json", *words)
        return code, json.loads(out)

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file beside the site."""
        path = self.root.parent / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


def rules_of(answer: dict[str, Any]) -> list[str]:
    """Return the rules that object."""
    return [reason["rule"] for reason in answer["reasons"]]


@pytest.fixture(scope="module", name="template")
def one_site_for_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out one site; each test works on a copy, for making keys is slow."""
    folder = tmp_path_factory.mktemp("shop")
    for name in ("ana", "ben"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    approvers = [word for name in ("ana", "ben") for word in ("--approver", f"{name}={folder / name}.pub")]
    assert main(["init", str(folder / "site"), "--name", "demo", *approvers]) == 0
    assets = [
        {
            "id": name, "kind": "server", "owner": "operations", "ring": ring, "address": "192.0.2.1",
            "environment": ring, "data_class": "ephi", "tier": 1, "baselines": ["debian-server"],
        }
        for name, ring in REGISTER.items()
    ]  # fmt: skip
    register = {"plugin": "holdfast.hipaa.register", "assets": assets}
    (folder / "site" / "holdfast.yml").write_text(json.dumps(register, indent=1), encoding="utf-8")
    return folder


@pytest.fixture(name="shop")
def a_shop(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """Return a fresh copy of the site."""
    shutil.copytree(template, tmp_path / "copy")
    capsys.readouterr()
    return Shop(tmp_path / "copy" / "site", capsys)


def test_a_pipeline_is_blocked_until_it_has_tests_approvals_and_its_files(shop: Shop) -> None:
    """Each is missing by name, and with all of them the same command lets the deploy through."""
    change = shop.ask()
    artefact = shop.write("built.deb", ARTEFACT)
    report = shop.write("report.xml", junit(planned().digest))
    code, answer = shop.gate(change)
    assert (code, rules_of(answer)) == (1, ["approvals-enough", "tests-passed", "artefacts-traced"])
    code, answer = shop.gate(change, "--tests", report, "--artefact", artefact)
    assert (code, rules_of(answer)) == (1, ["approvals-enough"])
    assert answer["reasons"][0]["who"] == ["ana", "ben"]
    shop.approve(change, "ana", "ben")
    assert rules_of(shop.gate(change, "--artefact", artefact)[1]) == ["tests-passed"]
    assert rules_of(shop.gate(change, "--tests", report)[1]) == ["artefacts-traced"]
    code, answer = shop.gate(change, "--tests", report, "--artefact", artefact)
    assert (code, answer["allowed"], answer["ring"]) == (0, True, "lab")
    assert answer["artefacts"] == [{"file": str(artefact), "sha256": SHA256}]


def test_duties_are_those_of_the_site_and_a_seat_that_nobody_fills_is_lacking(shop: Shop) -> None:
    code, out, _err = shop.run("policy", "duties")
    assert code == 0
    assert "carry out a patch change in production\n  responsible: controller\n  accountable: 2 of ana, ben\n" in out
    rings = shop.root / "policy" / "rings.yml"
    wanting = rings.read_text(encoding="utf-8").replace("approvals_required: 2", "approvals_required: 3")
    rings.write_text(wanting, encoding="utf-8")
    code, out, _err = shop.run("policy", "duties", "--format", "json")
    assert code == 1
    assert {one["what"]: one["lacking"] for one in json.loads(out) if one["lacking"]} == {
        f"carry out a {kind} change in production": "3 must agree, and 2 can" for kind in ("patch", "config")
    }


def test_what_is_handed_in_must_be_of_this_very_plan(shop: Shop) -> None:
    """Failed tests, tests of something else, none at all, and a file that nobody planned are each refused."""
    change = shop.ask()
    shop.approve(change, "ana", "ben")
    artefact = shop.write("built.deb", ARTEFACT)
    good = ("--artefact", artefact)
    for text, said in (
        (junit(planned().digest, failures=1), "1 of 2 tests"),
        (junit("0" * 64), "does not say that it tested"),
        ("<testsuites/>", "does not say that it tested"),
        (junit(SHA256).replace("<testcase", "<notestcase").replace("</testcase", "</notestcase"), "no test of this"),
        (junit(SHA256).replace("<properties>", "<error/><properties>"), "1 of 2 tests"),
    ):
        code, answer = shop.gate(change, "--tests", shop.write("report.xml", text), *good)
        assert (code, set(rules_of(answer))) == (1, {"tests-passed"})
        assert said in json.dumps(answer["reasons"])
    report = shop.write("report.xml", junit(SHA256))
    assert shop.gate(change, "--tests", report, *good)[0] == 0
    code, answer = shop.gate(change, "--tests", report, *good, "--artefact", shop.write("other.deb", b"other"))
    assert (code, rules_of(answer)) == (1, ["artefacts-traced"])
    assert "other.deb" in answer["reasons"][0]["message"]


def test_a_report_that_is_none_is_no_answer(shop: Shop) -> None:
    """It leaves with 3, or 2 where there is no such file: neither is a yes."""
    change = shop.ask()
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><testsuites>&b;</testsuites>"
    for text in (bomb, "no xml", "<html/>", junit("no digest"), bomb.encode("utf-16")):
        assert shop.run("gate", "--change", change, "--tests", shop.write("r.xml", text))[0] == 3
    code, _out, err = shop.run("gate", "--change", change, "--tests", shop.root / "absent.xml")
    assert (code, "absent.xml" in err) == (2, True)
    assert shop.run("gate", "--change", "chg_absent")[0] == 2
    assert shop.run("gate", "--change", change, "--ring", "nowhere")[0] == 2


def test_a_pull_request_sees_each_objection(shop: Shop) -> None:
    """SARIF 2.1.0: a result for each, its rule with the paragraph it serves, and none where the answer is yes."""
    change = shop.ask()
    code, out, _err = shop.run("gate", "--change", change, "--format", "sarif")
    (run,) = json.loads(out)["runs"]
    assert code == 1
    assert [one["ruleId"] for one in run["results"]] == ["approvals-enough", "tests-passed", "artefacts-traced"]
    assert [run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] for one in run["results"]] == [
        one["ruleId"] for one in run["results"]
    ]
    assert run["tool"]["driver"]["rules"][0]["properties"]["tags"] == ["HIPAA 164.308(a)(3)(ii)(A)"]
    shop.approve(change, "ana", "ben")
    words = ("--tests", shop.write("r.xml", junit(SHA256)), "--artefact", shop.write("b.deb", ARTEFACT))
    code, out, _err = shop.run("gate", "--change", change, "--format", "sarif", *words)
    assert (code, json.loads(out)["runs"][0]["results"]) == (0, [])


def test_explain_says_what_is_missing_and_who_can_give_it(shop: Shop) -> None:
    """From the same decision as the gate's, without what only a pipeline is asked."""
    assert shop.run("policy", "explain")[:2] == (0, "no change waits for anything\n")
    change = shop.ask()
    code, out, _err = shop.run("policy", "explain")
    assert code == 1
    assert "approvals-enough: 0 of 1 approvals for lab" in out
    assert "who: ana, ben" in out
    shop.approve(change, "ana")
    code, out, _err = shop.run("policy", "explain", "--change", change)
    assert (code, "may run" in out) == (0, True)
    code, out, _err = shop.run("policy", "explain", "--change", change, "--ring", "production", "--format", "json")
    (answer,) = json.loads(out)
    assert (code, rules_of(answer)) == (1, ["approvals-enough", "ring-before-verified"])
    assert answer["reasons"][0]["who"] == ["ben"]


def test_explain_of_another_moment(shop: Shop) -> None:
    """Later the request has ended; earlier nobody had asked for it yet."""
    change = shop.ask()
    shop.approve(change, "ana")
    _code, out, _err = shop.run("policy", "explain", "--change", change, "--at", "2099-01-01T00:00Z")
    assert "request-expired" in out
    code, _out, err = shop.run("policy", "explain", "--change", change, "--at", "2001-01-01T00:00Z")
    assert (code, "no request of that id" in err) == (2, True)
    with pytest.raises(SystemExit):
        shop.run("policy", "explain", "--at", "tomorrow")


def excepted(shop: Shop, approver: str = "ana") -> datetime:
    """Write down an exception for lab-1 that ends in an hour, and return when."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    one = {
        "id": "old-client", "control": "ssh-05", "scope": {"assets": ["lab-1"]}, "reason": "The client tries often.",
        "approver": approver, "compensating": {"none": "It is alone in its network."}, "expires": expires.isoformat(),
    }  # fmt: skip
    (shop.root / "exceptions.yml").write_text(json.dumps({"exceptions": [one]}), encoding="utf-8")
    return expires


def test_explain_names_what_keeps_a_run_from_being_opened(shop: Shop) -> None:
    """Unsigned content and unsigned exceptions stop a run before the gate is asked; to wait for the window is vain."""
    change = shop.ask()
    shop.approve(change, "ana")
    excepted(shop)
    with (shop.root / "site.yml").open("a", encoding="utf-8") as site:
        site.write("exceptions: signed\n")
    rings = shop.root / "policy" / "rings.yml"
    text = rings.read_text(encoding="utf-8")
    rings.write_text(text.replace("  - name: lab\n", "  - name: lab\n    content: signed\n"), encoding="utf-8")
    code, out, _err = shop.run("policy", "explain", "--change", change, "--format", "json")
    (answer,) = json.loads(out)
    assert (code, rules_of(answer)) == (1, ["exceptions-signed", "content-signed"])
    assert "exceptions.yml: old-client: is not signed as it is now" in answer["reasons"][0]["message"]
    assert "sha256sum.txt: No such file or directory" in answer["reasons"][1]["message"]
    code, blocked = shop.gate(change)
    assert (code, {"exceptions-signed", "content-signed"} <= {*rules_of(blocked)}) == (1, True)
    code, out, _err = shop.run("policy", "explain", "--change", change, "--ring", "pilot", "--format", "json")
    assert "content-signed" not in out


def test_explain_names_the_exception_that_has_lapsed_since_the_plan(shop: Shop) -> None:
    expires = excepted(shop)
    words = ("--kind", "config", "--title", "Baseline", "--reason", "Drift was found", "--asset", "lab-1")
    _code, out, _err = shop.run("change", "request", *words, "--format", "json")
    change = str(json.loads(out)["change"])
    shop.approve(change, "ana")
    assert shop.run("policy", "explain", "--change", change)[0] == 0
    later = f"{expires:%Y-%m-%dT%H:%M:%SZ}"
    code, out, _err = shop.run("policy", "explain", "--change", change, "--at", later, "--format", "json")
    (answer,) = json.loads(out)
    assert (code, rules_of(answer)) == (1, ["baseline-as-planned"])
    assert answer["reasons"][0]["message"].endswith(
        f"; exception old-client has lapsed since, at {expires.isoformat()}"
    )


RULES = """---
zone: America/New_York
rules:
  - id: quiet-month-end
    message: claims are closed at the end of the month
    citation: 164.308(a)(7)(ii)(E)
    rings: [production]
    deny: days_left < 2 and not emergency
"""
CASES = """---
cases:
  - name: the last evening of the month
    now: "2026-11-30T20:00:00-05:00"
    facts: {ring: production, emergency: false}
    expect: [quiet-month-end]
  - name: an emergency on that evening
    now: "2026-11-30T20:00:00-05:00"
    facts: {ring: production, emergency: true}
    expect: []
"""


def test_the_cases_beside_the_rules_are_run(shop: Shop) -> None:
    """A case that comes out otherwise fails, and says what objected."""
    assert shop.run("policy", "test")[0] == 0
    (shop.root / "policy" / "rules.yml").write_text(RULES, encoding="utf-8")
    (shop.root / "policy" / "rule_cases.yml").write_text(CASES, encoding="utf-8")
    code, out, _err = shop.run("policy", "test")
    assert (code, out.splitlines()[-1]) == (0, "1 rules, 2 cases, 0 failed, 0 faults of rules")
    (shop.root / "policy" / "rules.yml").write_text(RULES.replace("< 2", "< 0"), encoding="utf-8")
    code, out, _err = shop.run("policy", "test", "--format", "json")
    told = json.loads(out)
    assert (code, [one["passed"] for one in told["cases"]]) == (1, [False, True])
    assert [one["kind"] for one in told["remarks"]] == ["unreachable"]
    assert told["never_seen_to_object"] == ["quiet-month-end"]


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("rules", "days_left < 2", "days < 2", 'rules[0].deny: the unknown fact "days"'),
        ("rules", "days_left < 2", "emergency.x", "rules[0].deny: getattr, which rules have not"),
        ("rules", "[production]", "[prod]", 'the unknown ring "prod"'),
        ("rules", "New_York", "Gotham", "zone this controller does not know"),
        ("rule_cases", "emergency: true", "emergency: 1", "cases[1].facts.emergency: the number 1"),
        ("rule_cases", "emergency: true", "urgent: true", "cases[1].facts.urgent: an unknown fact"),
    ],
)
def test_a_mistake_in_rules_or_cases_is_named(shop: Shop, name: str, before: str, after: str, said: str) -> None:
    """With the file and the place in it."""
    (shop.root / "policy" / "rules.yml").write_text(RULES, encoding="utf-8")
    (shop.root / "policy" / "rule_cases.yml").write_text(CASES, encoding="utf-8")
    path = shop.root / "policy" / f"{name}.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    code, _out, err = shop.run("policy", "test")
    assert code == 2
    assert said in err


LEADERSHIP = """---
version: 1
owner: it-operations
approval: required
approved_by: [compliance-officer]
"""


def led_shop(shop: Shop, office: str = "compliance-officer") -> None:
    """Give ana an office, in a new version of the trust document, and want the policy approved."""
    path = shop.root / "trust.yml"
    trust = yaml.safe_load(path.read_text(encoding="utf-8"))
    for principal in trust["principals"]:
        if principal["id"] == "ana":
            principal["roles"] = [*principal["roles"], office]
    path.write_text(yaml.safe_dump({**trust, "version": trust["version"] + 1}), encoding="utf-8")
    code, _out, err = shop.run("trust", "publish")
    assert code == 0, err
    (shop.root / "policy" / "leadership.yml").write_text(LEADERSHIP, encoding="utf-8")


def as_leader(shop: Shop, action: str, name: str = "ana") -> tuple[int, str, str]:
    """Approve or withdraw the policy with a person's own SSH key."""
    return shop.run("policy", action, "--ssh-key", shop.root.parent / name)


def test_an_edited_policy_opens_nothing_until_a_leader_approves_it(shop: Shop) -> None:
    """Nor does turning that off in the file, for that approval is wanted is on record."""
    led_shop(shop)
    change = shop.ask()
    shop.approve(change, "ana")
    missing = ("policy", "explain", "--change", change, "--format", "json")
    assert rules_of(json.loads(shop.run(*missing)[1])[0]) == ["policy-approved"]
    assert shop.run("policy", "status")[0] == 1
    code, _out, err = as_leader(shop, "approve", "ben")
    assert (code, "ben, who approved it, is none of compliance-officer" in err) == (1, True)
    code, _out, err = as_leader(shop, "approve")
    assert code == 0, err
    assert shop.run(*missing)[0] == 0
    assert shop.run("policy", "status")[0] == 0
    path = shop.root / "policy" / "leadership.yml"
    path.write_text(LEADERSHIP + "# a comment is no part of what was approved\n", encoding="utf-8")
    assert shop.run(*missing)[0] == 0
    path.write_text(LEADERSHIP.replace("required", "none"), encoding="utf-8")
    assert rules_of(json.loads(shop.run(*missing)[1])[0]) == ["policy-approved"]
    code, _out, err = as_leader(shop, "approve")
    assert (code, "expected more than 1" in err) == (2, True)
    path.write_text(LEADERSHIP, encoding="utf-8")
    assert as_leader(shop, "withdraw")[0] == 0
    assert rules_of(json.loads(shop.run(*missing)[1])[0]) == ["policy-approved"]
    assert as_leader(shop, "withdraw")[0] == 1
