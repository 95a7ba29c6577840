# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit shares nothing with the writer, knows the same forms, and documents every code it can find."""

from __future__ import annotations

import ast
import base64
import copy
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import envelopes, forms, quick
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import steps as audit_steps
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.codes import REMEDIES, WARNINGS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.facts import Facts, facts
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import statements
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.bodies import BODIES
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger_cases import Shop, statement_of

PRODUCT = Path(__file__).resolve().parents[5]
AUDIT = PRODUCT / "plugins/plugin_utils/audit"
ALLOWED = sys.stdlib_module_names | {"cryptography", "psycopg"}
OPTIONAL = {
    "expected_sha256", "observed_sha256", "baselines", "images", "guards", "files", "role", "ms",
    "detail_sha256", "steps", "restarted", "reboot", "obstacles",
    "valid_from", "revoked_from", "reason", "distrust_from", "attested", "right", "file", "content",
    "policy", "case", "template", "duties", "done_at", "first_due",
}  # fmt: skip
"""Members that may be absent where they stand in these stories; of a guard they may not."""
OURS = {path.stem for path in AUDIT.glob("*.py")}


def foreign_imports(source: str) -> list[str]:
    """Return every import that is not the audit's own, the errors', the standard library's or cryptography's."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] not in ALLOWED]
        elif isinstance(node, ast.ImportFrom):
            names = [name.name for name in node.names]
            module = node.module or ""
            own = node.level == 1 and (module in OURS or (not module and set(names) <= OURS))
            errors = node.level == 2 and module == "errors"
            outside = node.level == 0 and module.split(".")[0] in ALLOWED
            if not (own or errors or outside):
                found.append(f"{'.' * node.level}{module}: {', '.join(names)}")
        elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    "source",
    [
        "from ..ledger.merkle import leaf_hash",
        "from ..ledger import merkle",
        "from .. import ledger",
        "from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import merkle",
        "import ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.merkle",
        "import securesystemslib",
        "from sqlalchemy import select",
        "def f():\n    from ..ledger.trust import Trust",
        "import importlib\nimportlib.import_module('x')",
        "__import__('x')",
    ],
)
def test_guard_sees_what_it_guards_against(source: str) -> None:
    assert foreign_imports(source)


def test_audit_imports_nothing_of_the_writer() -> None:
    assert len(OURS) > 10
    found = {path.name: foreign_imports(path.read_text()) for path in sorted(AUDIT.glob("*.py"))}
    assert {name: imports for name, imports in found.items() if imports} == {}


def test_every_code_is_used_and_documented() -> None:
    sources = "".join(path.read_text() for path in AUDIT.glob("*.py") if path.stem != "codes")
    unused = [code for code in (*REMEDIES, *WARNINGS) if f'"{code}"' not in sources]
    assert unused == []
    page = (PRODUCT / "docs/explanation/ledger.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) >= {*REMEDIES, *WARNINGS}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every place inside a value with what stands there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key), member
        yield from places(member, (*path, key))


def without(value: Any, path: tuple[str | int, ...], *new: Any) -> Any:
    """Return a copy of a value in which one place is gone, or holds something new."""
    value = copy.deepcopy(value)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    if new:
        inner[path[-1]] = new[0]
    else:
        del inner[path[-1]]
    return value


def mutants(statement: Any) -> Iterator[tuple[str, Any]]:
    """Yield statements with one thing wrong: a member gone, one too many, or of a type no member has."""
    for path, member in places(statement):
        name = ".".join(map(str, path))
        if isinstance(path[-1], str) and (path[-1] not in OPTIONAL or {"guards", "actor"} & set(path[:-1])):
            yield f"{name} is gone", without(statement, path)
        yield f"{name} is a fraction", without(statement, path, 1.5)
        if isinstance(member, dict):
            yield f"{name} has one more", without(statement, path, {**member, "comment": "free text"})
        if isinstance(member, str):
            yield f"{name} is free text", without(statement, path, "rm -rf / # says the task")
            yield f"{name} ends in a new line", without(statement, path, member + "\n")
            yield f"{name} is a number", without(statement, path, 7)
        if isinstance(member, int):
            yield f"{name} is negative", without(statement, path, -1)
            yield f"{name} is text", without(statement, path, "1")
            yield f"{name} is beyond", without(statement, path, 2**53)
        if isinstance(member, int) and not isinstance(member, bool):
            yield f"{name} is true", without(statement, path, True)
        if isinstance(member, list):
            yield f"{name} is a mapping", without(statement, path, {})


def writer_refuses(statement: Any) -> bool:
    """Say whether the writer would seal a statement."""
    try:
        statements.check(statement)
    except LedgerError:
        return True
    return False


def spelt(value: Any) -> bytes:
    """Return a value as canonical JSON spells it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def is_only_for_the_slow_look(statement: Any) -> bool:
    """Say whether a statement holds names of units, which may have a backslash: no pattern of bytes is made of them."""
    return any("restarted" in result for result in statement["predicate"]["step"].get("results", ()))


def test_an_entry_has_the_facts_of_its_statement_in_their_order() -> None:
    # `take_apart` makes it of them by place, where only their number would be noticed.
    assert [*get_type_hints(envelopes.Entry).items()][3:-2] == [*get_type_hints(Facts).items()]


def test_quick_look_takes_no_second_spelling(shop: Shop) -> None:
    shop.story()
    taken = 0
    for _, envelope in shop.ledger.entries():
        payload = Envelope.from_bytes(envelope).payload
        assert quick.read(payload) == facts(statement_of(envelope))
        for old, new in (
            (b":", b": "), (b",", b", "), (b"{", b"{ "), (b"}", b"}\n"), (b'"_type"', b'"\\u005ftype"'),
            (b"0", b"00"), (b"1", b"1.0"), (b"1", b"1e0"), (b"T", b"t"), (b"Z", b"+00:00"), (b"plan", b"pl\xc3\xa4n"),
            (b'"role"', b'"role":"root","role"'),
        ):  # fmt: skip
            for at in (payload.find(old), payload.rfind(old)):
                if at < 0:
                    continue
                bad = payload[:at] + new + payload[at + len(old) :]
                taken += 1
                if (found := quick.read(bad)) is not None:  # a digit of a digest, say, may be another
                    said = json.loads(bad)
                    assert (spelt(said), forms.problem_of(said), facts(said)) == (bad, None, found)
    assert taken > 200


@given(st.binary(max_size=40), st.binary(max_size=3), st.integers(0, 60))
def test_quick_look_takes_no_second_spelling_of_base64(data: bytes, noise: bytes, at: int) -> None:
    good = base64.b64encode(data)
    assert envelopes.of_base64(good) == data
    for text in (good[:at] + noise + good[at:], good[:at] + noise + good[at + len(noise) :], good + noise):
        found = envelopes.of_base64(text)
        assert found is None or base64.b64encode(found) == text


@pytest.mark.parametrize(
    "text", [b"AB==", b"AAB=", b"AAA", b"A===", b"AA=A", b"AAAA=", b"AA==AAAA", b"AA\nAA", b"-_-_"]
)
def test_quick_look_takes_base64_in_the_standards_spelling_alone(text: bytes) -> None:
    assert envelopes.of_base64(text) is None


def test_rules_see_checks_of_note_and_no_others(shop: Shop) -> None:
    shop.story()
    entries = [envelopes.take_apart(index, stored) for index, stored in shop.ledger.entries()]
    seen = [entry for entry in entries if entry.step == "verify"]
    for entry in seen:
        results = statement_of(shop.ledger.entry(entry.index))["predicate"]["step"]["results"]
        assert entry.checked == results
        of_note = any(check["result"] in ("fail", "waived") for result in results for check in result["checks"])
        assert all(("checks" in result) == of_note for result in entry.body["results"])
    assert {"checks" in entry.body["results"][0] for entry in seen} == {True, False}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[a-z][a-z0-9-]{0,62}", True),
        ("[0-9A-Za-z][0-9A-Za-z.+:~^_-]{0,127}", True),
        ("(0|[1-9][0-9]{0,8})\\.x", True),
        (".*", False),
        ("[^a]", False),
        ("\\d", False),
        ("\\w+", False),
        ("[+-_]", False),
        ("[!-~]", False),
        ('a"b', False),
        ("[a-z\\\\]", False),
        ("ä", False),
        ("^a", False),
        ("a$", False),
    ],
)
def test_pattern_goes_into_the_quick_look_only_where_json_spells_its_texts_as_they_are(text: str, plain: bool) -> None:
    assert (quick.of_pattern(text) is not None) == plain


def test_writer_and_audit_refuse_the_same_forms(shop: Shop, keys: dict[str, Signer]) -> None:
    shop.story()
    shop.way_back()
    shop.waves()
    shop.annals()
    shop.rekey()
    told: dict[Any, Any] = {}
    for _, envelope in shop.ledger.entries():
        statement = statement_of(envelope)
        body = statement["predicate"]["step"]
        # A record that lacks a member of another's cannot lose it: the last of each set of members is altered.
        members = frozenset(path[-1] for path, _ in places(body) if isinstance(path[-1], str))
        told[statements.step_of(statement), members] = statement
    named = {step for step, _ in told}
    assert named == set(audit_steps.STEPS) == set(BODIES) == set(statements.SIGNED_BY)
    count = repeated = 0
    for (step, _), statement in told.items():
        statements.check(statement)
        assert forms.problem_of(statement) is None
        assert quick.read(spelt(statement)) == (None if is_only_for_the_slow_look(statement) else facts(statement))
        for path, member in places(statement):
            if isinstance(member, list) and member:
                bad = without(statement, path, [*member, member[0]])
                repeated += forms.problem_of(bad) is not None
                assert quick.read(spelt(bad)) is None or not forms.problem_of(bad), (
                    f"the quick look takes {step}: {path}"
                )
        for name, bad in mutants(statement):
            count += 1
            refused = forms.unknown_step(bad) or forms.problem_of(bad)
            assert quick.read(spelt(bad)) is None, f"the quick look takes {step}: {name}"
            assert writer_refuses(bad), f"the writer takes {step}: {name}"
            assert refused, f"the audit takes {step}: {name}"
    assert count > 3000
    assert repeated > 10
