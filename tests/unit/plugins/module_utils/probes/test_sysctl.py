# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored kernel settings follow sysctl.d(5); live and stored must agree on every interface."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import sysctl

KEY = "net.ipv4.conf.*.rp_filter"


def write(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def stored(tmp_path, key):
    return sysctl.stored_value(key, sysctl.read_stored((str(tmp_path / "etc"), str(tmp_path / "usr"))))


def test_the_last_file_by_name_wins_whatever_its_folder(tmp_path):
    write(tmp_path / "etc", "10-a.conf", "net.ipv4.ip_forward = 1\n")
    write(tmp_path / "usr", "90-b.conf", "net.ipv4.ip_forward=0\n")
    assert stored(tmp_path, "net/ipv4/ip_forward") == "0"


def test_a_file_of_an_earlier_folder_replaces_its_namesake(tmp_path):
    write(tmp_path / "etc", "50-x.conf", "# nothing\n")
    write(tmp_path / "usr", "50-x.conf", "net.ipv4.ip_forward = 1\n")
    assert stored(tmp_path, "net/ipv4/ip_forward") is None


def test_a_file_linked_to_nothing_stores_nothing(tmp_path):
    write(tmp_path / "usr", "50-x.conf", "net.ipv4.ip_forward = 1\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "50-x.conf").symlink_to("/dev/null")
    (tmp_path / "etc" / "60-y.conf").symlink_to(tmp_path / "missing")
    assert stored(tmp_path, "net/ipv4/ip_forward") is None


def test_a_name_beats_a_pattern_that_comes_later(tmp_path):
    write(tmp_path / "etc", "10.conf", "net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.*.rp_filter = 1\n")
    assert stored(tmp_path, "net/ipv4/conf/all/rp_filter") == "2"
    assert stored(tmp_path, "net/ipv4/conf/eth0/rp_filter") == "1"


def test_a_name_without_value_is_left_out_of_patterns(tmp_path):
    write(tmp_path / "etc", "10.conf", "net.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\n")
    assert stored(tmp_path, "net/ipv4/conf/all/rp_filter") is None


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("net.ipv4.conf.eth0.rp_filter=1", "net/ipv4/conf/eth0/rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter=1", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.eth0/100.rp_filter = 1", "net/ipv4/conf/eth0.100/rp_filter"),
        ("  - net.ipv4.ip_forward =  1", "net/ipv4/ip_forward"),
    ],
)
def test_dots_and_slashes_are_told_apart_by_the_first(line, path):
    assert sysctl.parse([line]) == [sysctl.Stored(path, "1")]


def test_comments_and_lines_without_a_value_are_passed_over():
    assert sysctl.parse(["# a = 1", "; b = 1", "", "net.ipv4.ip_forward"]) == []


def state(live, lines, container=False):
    return sysctl.State({KEY: live}, sysctl.parse(lines), container)


BOTH = {"net/ipv4/conf/all/rp_filter": "1", "net/ipv4/conf/eth0/rp_filter": "1"}


def test_one_value_when_live_and_stored_agree_everywhere():
    assert sysctl.answer(KEY, state(BOTH, ["net.ipv4.conf.*.rp_filter = 1"])) == ("observed", "1", "")


def test_both_are_told_when_only_the_live_value_is_right():
    assert sysctl.answer(KEY, state(BOTH, []))[1] == ["live 1", "stored unset"]


def test_one_interface_that_differs_is_named():
    live = {**BOTH, "net/ipv4/conf/eth0/rp_filter": "0"}
    _status, actual, _why = sysctl.answer(KEY, state(live, ["net.ipv4.conf.*.rp_filter = 1"]))
    assert actual == ["live all=1, eth0=0", "stored 1"]


def test_live_and_stored_that_differ_in_the_same_way_are_still_two_values():
    live = {**BOTH, "net/ipv4/conf/eth0/rp_filter": "0"}
    lines = ["net.ipv4.conf.all.rp_filter = 1", "net.ipv4.conf.eth0.rp_filter = 0"]
    assert isinstance(sysctl.answer(KEY, state(live, lines))[1], list)


def test_a_setting_of_the_machine_is_not_measured_in_a_container():
    answer = sysctl.answer("kernel.dmesg_restrict", sysctl.State({"kernel.dmesg_restrict": {}}, [], True))
    assert answer == ("not_measured", None, "kernel.dmesg_restrict belongs to the machine that runs this container")


def test_a_setting_this_kernel_has_not_is_not_applicable():
    assert sysctl.answer(KEY, state({}, []))[0] == "not_applicable"


def test_the_live_value_comes_from_this_kernel():
    observed = sysctl.collect(["net.ipv4.ip_forward"]).live["net.ipv4.ip_forward"]
    assert set(observed) == {"net/ipv4/ip_forward"}
    assert observed["net/ipv4/ip_forward"] in ("0", "1")
