# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the SSH server's answers for several visitors, and how those visitors are found in its files."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _sshd_files as files
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import sshd
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

PASSWD = """root:x:0:0:root:/root:/bin/bash
backup:x:34:34::/var/backups:/usr/sbin/nologin
nobody:x:65534:65534::/:/usr/sbin/nologin
lena:x:1000:1000::/home/lena:/bin/bash
omar:x:1001:1001::/home/omar:/bin/bash
""".splitlines()
GROUP = "root:x:0:\nlena:x:1000:\nomar:x:1001:\nsftp:x:990:omar\nempty:x:991:\n".splitlines()
PEOPLE = files.People.parse(PASSWD, GROUP)


def actual(answer):
    status, value, _why = answer
    assert status == "observed"
    return value


def view(text, label="root from anywhere", user="root"):
    return sshd.View(label, user, sshd.parse(text))


def state(*views, lines=(), keys=()):
    return sshd.State(list(views), list(lines), list(keys))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("permitrootlogin", "prohibit-password"),
        ("PermitRootLogin", "prohibit-password"),
        ("port", ["22", "2222"]),
        ("macs", ["a", "b"]),
        ("banner", "none"),
    ],
)
def test_settings_are_words_or_lists(keyword, value):
    seen = state(view("permitrootlogin without-password\nport 22\nport 2222\nmacs a,b\nbanner none\n"))
    assert actual(sshd.answer(keyword, seen)) == value


def test_an_unknown_setting_and_a_missing_server_are_not_applicable():
    assert sshd.answer("teleport", state(view("port 22\n")))[0] == "not_applicable"
    assert sshd.answer("macs", state())[0] == "not_applicable"


def test_a_visitor_who_gets_something_else_is_named_with_file_and_line():
    line = files.Setting("/etc/ssh/sshd_config", 7, "Group sftp", "x11forwarding", "yes")
    seen = state(view("x11forwarding no\n"), view("x11forwarding yes\n", "Match Group sftp", "omar"), lines=[line])
    status, value, why = sshd.answer("x11forwarding", seen)
    assert (status, value) == ("observed", ["no for root from anywhere", "yes for Match Group sftp"])
    assert why == "set in /etc/ssh/sshd_config:7 (Match Group sftp)"


@pytest.mark.parametrize(("values", "weakest"), [(("4", "20"), "20"), (("4", "2"), "4"), (("300", "0"), "0")])
def test_of_several_numbers_the_weakest_counts_and_zero_is_no_limit(values, weakest):
    seen = state(*(view(f"maxauthtries {value}\n") for value in values))
    assert actual(sshd.answer("maxauthtries", seen)) == weakest


def test_how_root_logs_in_is_asked_for_root_alone():
    seen = state(view("permitrootlogin no\n"), view("permitrootlogin yes\n", "lena", "lena"))
    assert actual(sshd.answer("permitrootlogin", seen)) == "no"


BOTH = "kbdinteractiveauthentication yes\nauthenticationmethods publickey,keyboard-interactive\n"


@pytest.mark.parametrize(
    ("methods", "value"),
    [
        ("publickey,keyboard-interactive", "no"),
        ("publickey,keyboard-interactive publickey,password", "no"),
        ("publickey,keyboard-interactive keyboard-interactive", "yes"),
        ("any", "yes"),
    ],
)
def test_questions_after_a_key_are_no_way_in_of_their_own(methods, value):
    text = f"kbdinteractiveauthentication yes\nauthenticationmethods {methods}\n"
    assert actual(sshd.answer("kbdinteractiveauthentication", state(view(text)))) == value


def test_a_visitor_without_the_key_is_still_judged():
    plain = "kbdinteractiveauthentication no\nauthenticationmethods any\n"
    assert actual(sshd.answer("kbdinteractiveauthentication", state(view(plain), view(BOTH)))) == "no"


def test_visitors_are_root_a_person_and_one_of_each_match_block():
    lines = [
        files.Setting("/c", 1, match, "x11forwarding", "yes")
        for match in ("User omar", "Group sftp", "Group empty", "Address 192.0.2.0/24,!192.0.2.9", "all", "User gone")
    ]
    found = [(label, visitor["user"], visitor["addr"]) for label, visitor in sshd.visitors(lines, PEOPLE)]
    assert found == [
        ("root from anywhere", "root", "192.0.2.1"),
        ("lena", "lena", "192.0.2.1"),
        ("Match User omar", "omar", "192.0.2.1"),
        ("Match Address 192.0.2.0/24,!192.0.2.9", "root", "192.0.2.0"),
    ]


def test_no_more_visitors_are_asked_about_than_the_probe_has_time_for():
    lines = [files.Setting("/c", n, f"Address 198.51.100.{n}", "banner", "none") for n in range(1, 50)]
    assert len(sshd.visitors(lines, PEOPLE)) == sshd.MOST_CONNECTIONS


@pytest.mark.parametrize(
    ("patterns", "user"), [("omar", "omar"), ("o*", "omar"), ("*,!root,!backup,!nobody", "lena"), ("!root", "")]
)
def test_patterns_mean_accounts(patterns, user):
    assert PEOPLE.named(patterns) == user


def test_files_are_read_in_the_server_s_order_with_their_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAIN", str(tmp_path / "sshd_config"))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b.conf").write_text("# nothing\nMatch User omar\n  X11Forwarding=yes\n")
    (tmp_path / "d" / "a.conf").write_text('Banner "/etc/issue.net"\n')
    (tmp_path / "sshd_config").write_text(f"Include d/*.conf\nPort 22\nMatch all\nInclude {tmp_path}/d/a.conf\n")
    found = [(line.place.replace(str(tmp_path), ""), line.keyword, line.value) for line in files.read(files.MAIN)]
    assert found == [
        ("/d/a.conf:1", "banner", '"/etc/issue.net"'),
        ("/d/b.conf:3 (Match User omar)", "x11forwarding", "yes"),
        ("/sshd_config:2", "port", "22"),
        ("/d/a.conf:1 (Match all)", "banner", '"/etc/issue.net"'),
    ]


def test_a_file_that_includes_itself_comes_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAIN", str(tmp_path / "sshd_config"))
    (tmp_path / "sshd_config").write_text("Include sshd_config\nPort 22\n")
    assert len(files.read(files.MAIN)) == files.DEEPEST + 1


# Public halves made for this test with ssh-keygen; the private ones were thrown away.
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII8C+vy/HYIRlGiKKp4jsXRD2PeMpOfO/i4X1W3IrttU"
RSA = (
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQCzrKo2nPQhQvfjOAyxD3/TSSSNWYa2qFAcGoVjljXar6SVX6bF1GEIB3jfhv7Zp8tgarr5"
    "RzUW430GjDtkfgYzxhz6VGeJA5IZ2Dk4KQztK7+bdRuOmj3WChM5KwaSylxKEEavdizESpfAa2xxmeU9yzQA9E6avh7/N68N8R4y"
    "s5+ZNFniQLh9MMf/meJ7YIJ4RzMev7pOe+vgrBRsSGeY4VTd5mzoICW1IDrIxtBKjI+X59LN0QPYCVUs7qyuCTMxgvL0SkNreq8I"
    "M9YuF3Lw98U//wYOJQP//R+paXO9/cnuLdjz9j+OXK60cUDSba8+2gqNGTZH3LR61ERsevO5"
)
ECDSA = (
    "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPRVEpwlEYSBxdhQFxcBuvL1Rxryd/GDCTohUwO9G9Fr/L79"
    "+ePt364TdPTk+Du8l8k1X0DKDskTM+MRQe1SkRU="
)


@pytest.mark.parametrize(
    ("line", "strength"), [(ED25519, "ssh-ed25519 256"), (RSA, "ssh-rsa 2048"), (ECDSA, "ecdsa-sha2-nistp256 256")]
)
def test_the_strength_of_a_key_is_its_kind_and_bits(line, strength):
    assert sshd.strength(line) == strength


def test_a_host_key_without_a_readable_public_half_is_unknown_and_a_missing_one_is_none(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    (tmp_path / "b.pub").write_text(ED25519)
    paths = [str(tmp_path / name) for name in ("a", "b", "gone")]
    assert sshd.host_keys(paths) == ["ssh-ed25519 256", f"unknown {tmp_path}/a"]


def test_a_question_that_no_server_answers_is_refused():
    sshd.check({"ask": "host_keys"})
    with pytest.raises(BadArgumentError, match="ask: host_keys"):
        sshd.check({"ask": "teleport"})
