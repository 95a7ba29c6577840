# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real plays in a ring that wants signed content: what was signed runs, and nothing else does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.content_cases import PLAY, Place, copied, lay_out

MARK = """
    - name: Leave a mark
      ansible.builtin.file:
        path: "{{ playbook_dir }}/reports/mark"
        state: touch
        mode: "0600"
"""


@pytest.fixture(name="base", scope="module")
def a_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place in which all is as signed."""
    return lay_out(tmp_path_factory.mktemp("content") / "base")


@pytest.fixture(name="place")
def a_copy(base: Place, tmp_path: Path) -> Place:
    """A copy of it."""
    return copied(base, tmp_path / "copy")


def stopped(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that a run was stopped with these words, before any task."""
    assert done.returncode == 3, done.stdout + done.stderr
    assert [word for word in words if word not in done.stderr] == []
    assert "TASK [Probe" not in done.stdout


def test_what_was_signed_runs_and_the_record_says_by_whom(place: Place) -> None:
    done = place.play("play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = place.runs()
    (signed,) = [one for one in place.records if one.step == "content"]
    assert run.body["content"] == {
        "manifest": signed.subject_sha256, "index": signed.index, "sha256": signed.sha256,
    }  # fmt: skip
    assert "content  of 1 of 1 runs was signed: release (1)" in place.command("audit", "--site", "site")


PLAYBOOK = ("play.yml: sha256 ", "expected sha256")
SITE: dict[str, tuple[Callable[[Place], None], tuple[str, ...]]] = {
    "a byte of the playbook": (lambda p: p.edit(p.site / "play.yml"), PLAYBOOK),
    "a byte of a role": (
        lambda p: p.edit(p.site / "roles/own/tasks/main.yml"),
        ("roles/own/tasks/main.yml: sha256 ",),
    ),
    "a byte of a module": (lambda p: p.edit(p.site / "library/look.sh"), ("library/look.sh: sha256 ",)),
    "a byte of policy": (lambda p: p.edit(p.site / "policy/patching.yml"), ("policy/patching.yml: sha256 ",)),
    "policy that wants nothing signed any more": (
        lambda p: replaced(p.site / "policy/rings.yml", "content: signed", "content: any"),
        ("policy/rings.yml: sha256 ",),
    ),
    "the host in a ring that wants nothing signed": (
        lambda p: replaced(p.site / "holdfast.yml", '"ring": "lab"', '"ring": "pilot"'),
        ("holdfast.yml: sha256 ",),
    ),
    "an added module": (
        lambda p: p.edit(p.site / "library/ping.py"),
        ("library/ping.py: not covered; expected no such file",),
    ),
    "an added action": (
        lambda p: p.edit(p.site / "action_plugins/debug.py"),
        ("action_plugins/debug.py: not covered",),
    ),
    "variables beside the inventory": (
        lambda p: p.edit(p.site / "group_vars/all.yml", "ansible_become: true\n"),
        ("group_vars/all.yml: not covered",),
    ),
    "a link": (lambda p: (p.site / "roles/more").symlink_to(p.folder / "home"), ("roles/more: a link",)),
    "a line less in the manifest": (
        lambda p: replaced(p.site / ".ansible-sign/sha256sum.txt", "play.yml\n", "play.yml\n", drop=True),
        ("play.yml: not covered", "was signed by nobody"),
    ),
    "no manifest": (lambda p: (p.site / ".ansible-sign/sha256sum.txt").unlink(), (".ansible-sign/sha256sum.txt",)),
    "a byte of the product's role": (
        lambda p: p.edit(p.product / "roles/ssh/tasks/main.yml"),
        ("holdfast.hipaa: roles/ssh/tasks/main.yml: sha256 ",),
    ),
    "a byte of the product's module": (
        lambda p: p.edit(p.product / "plugins/modules/probe.py"),
        ("holdfast.hipaa: plugins/modules/probe.py: sha256 ",),
    ),
    "a module added to the product": (
        lambda p: p.edit(p.product / "plugins/modules/aptly.py"),
        ("holdfast.hipaa: plugins/modules/aptly.py: not covered",),
    ),
}


def replaced(path: Path, old: str, new: str, *, drop: bool = False) -> None:
    """Put other words into a file; with `drop`, leave out the line that ends in them."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    lines = text.splitlines(keepends=True)
    changed = "".join(line for line in lines if not line.endswith(f"  {old}")) if drop else text.replace(old, new)
    path.write_text(changed, encoding="utf-8")


@pytest.mark.parametrize("what", SITE)
def test_what_differs_stops_the_run_before_any_task(place: Place, what: str) -> None:
    alter, words = SITE[what]
    alter(place)
    stopped(place.play("play.yml"), *words)
    assert place.runs() == []


def test_what_editors_and_runs_leave_stops_nothing(place: Place) -> None:
    for name in ("play.yml~", "policy/.rings.yml.swp", "roles/own/tasks/#main.yml#", ".DS_Store", "reports/page.html"):
        place.edit(place.site / name)
    (place.site / ".#play.yml").symlink_to("somebody@example.org.4711")
    assert place.play("play.yml").returncode == 0
    assert place.play("play.yml").returncode == 0


def test_ansible_loads_from_no_place_that_nobody_signed(place: Place) -> None:
    elsewhere = place.folder / "elsewhere"
    empty = place.folder / "empty"
    empty.mkdir()
    place.edit(elsewhere / "ping.py")
    assert place.play("play.yml", ANSIBLE_LIBRARY=str(empty)).returncode == 0
    for setting in ("ANSIBLE_LIBRARY", "ANSIBLE_FILTER_PLUGINS", "ANSIBLE_ROLES_PATH", "ANSIBLE_MODULE_UTILS"):
        stopped(place.play("play.yml", **{setting: str(elsewhere)}), f"{elsewhere}/ping.py: not covered")
    assert len(place.runs()) == 1


def test_settings_and_inventory_are_those_that_were_signed(place: Place) -> None:
    own = place.folder / "own.cfg"
    text = (place.site / "ansible.cfg").read_text().replace("site = .", f"site = {place.site}")
    own.write_text(text.replace("= holdfast.yml", f"= {place.site}/holdfast.yml"), encoding="utf-8")
    stopped(place.play("play.yml", ANSIBLE_CONFIG=str(own)), f"{own}: not covered, and Ansible takes settings")
    hosts = place.folder / "hosts.ini"
    hosts.write_text("billing-1 ansible_connection=local\n", encoding="utf-8")
    done = place.play("play.yml", "-i", str(hosts), ANSIBLE_INVENTORY_ENABLED="ini")
    stopped(done, f"{hosts}: not covered, and Ansible takes inventory")
    (place.folder / "play.yml").write_text(PLAY, encoding="utf-8")
    stopped(place.play("../play.yml"), "play.yml: not covered, and Ansible takes a playbook")
    assert place.runs() == []


def test_a_folder_that_the_signed_site_allows_may_be_loaded_from(place: Place) -> None:
    place.edit(place.folder / "elsewhere/ping.py")
    place.edit(place.site / "site.yml", f"content_outside: [{place.folder}/elsewhere]\n")
    stopped(place.play("play.yml", ANSIBLE_LIBRARY=f"{place.folder}/elsewhere"), "site.yml: sha256 ")
    place.sign()
    assert place.play("play.yml", ANSIBLE_LIBRARY=f"{place.folder}/elsewhere").returncode == 0


CHANGE = """    - name: Change what is signed
      ansible.builtin.copy:
        dest: "{{ playbook_dir }}/%s"
        content: '[{name: Steal, ansible.builtin.debug: {msg: stolen}}]'
        mode: "0600"
"""


def test_a_task_file_from_elsewhere_does_not_run(place: Place) -> None:
    outside = place.folder / "more.yml"
    outside.write_text("- name: Steal\n  ansible.builtin.debug:\n    msg: stolen\n", encoding="utf-8")
    place.edit(place.site / "play.yml", f"    - name: Go on\n      ansible.builtin.include_tasks: {outside}\n")
    place.sign()
    done = place.play("play.yml")
    assert done.returncode == 3
    assert f"{outside}: is not covered by the signed manifest" in done.stderr
    assert "stolen" not in done.stdout


def test_a_task_file_changed_during_the_run_does_not_run(place: Place) -> None:
    more = "    - name: Go on\n      ansible.builtin.include_role:\n        name: own\n"
    place.edit(place.site / "play.yml", CHANGE % "roles/own/tasks/main.yml" + more)
    place.sign()
    done = place.play("play.yml")
    assert done.returncode == 3, done.stdout
    assert "roles/own/tasks/main.yml: was changed after the run was opened" in done.stderr
    assert "stolen" not in done.stdout


def test_a_template_changed_during_the_run_is_seen_by_the_next_gate(place: Place) -> None:
    place.edit(place.site / "greeting.j2", "hello\n")
    more = "    - name: Ask the gate again\n      holdfast.hipaa.gate:\n"
    place.edit(place.site / "play.yml", CHANGE % "greeting.j2" + more)
    place.sign()
    done = place.play("play.yml")
    assert done.returncode == 2, done.stdout
    assert "content was changed after the run was opened:" in done.stdout + done.stderr
    assert "greeting.j2" in done.stdout + done.stderr


def test_byte_code_in_the_place_of_a_source_stops_the_run(place: Place) -> None:
    source = place.site / "filter_plugins/shout.py"
    place.edit(source, "class FilterModule:\n    def filters(self):\n        return {'shout': str.upper}\n")
    place.edit(
        place.site / "play.yml", "    - name: Shout\n      ansible.builtin.debug:\n        msg: \"{{ 'a' | shout }}\"\n"
    )
    place.sign()
    assert place.play("play.yml").returncode == 0
    assert place.play("play.yml").returncode == 0  # with what Python has cached of it meanwhile
    (cached,) = (source.parent / "__pycache__").glob("shout.*.pyc")
    data = cached.read_bytes()
    cached.write_bytes(data.replace(b"upper", b"lower"))
    stopped(place.play("play.yml"), "shout", "is not what shout.py compiles to")


def test_where_nobody_wants_it_nothing_is_looked_at(place: Place) -> None:
    replaced(place.site / "policy/rings.yml", "content: signed", "content: any")
    place.sign()
    place.edit(place.site / "roles/own/tasks/main.yml")
    done = place.play("play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "content" not in place.runs()[0].body
