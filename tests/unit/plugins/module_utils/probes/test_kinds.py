# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind makes of what its source says; the sources' own words, as Debian 12 and 13 print them."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import (
    accounts,
    apt_config,
    apt_sources,
    chrony,
    file,
    login_defs,
    manager,
    package,
    pam_wheel,
    shell_profile,
    systemd_config,
    unit,
)


def actual(answer):
    status, value, _why = answer
    assert status == "observed"
    return value


# --- file


def test_files_that_agree_give_one_mode_and_others_are_named(tmp_path):
    for name in ("a_key", "b_key"):
        (tmp_path / name).touch(mode=0o600)
    question = {"path": f"{tmp_path}/*_key", "ask": "mode"}
    assert actual(file.answer(question, file.collect([question]))) == "0600"
    (tmp_path / "b_key").chmod(0o640)
    both = [f"0600 {tmp_path}/a_key", f"0640 {tmp_path}/b_key"]
    assert actual(file.answer(question, file.collect([question]))) == both


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "real").touch(mode=0o600)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    question = {"path": f"{tmp_path}/link", "ask": "mode"}
    assert actual(file.answer(question, file.collect([question]))) == "link"


def test_an_owner_without_a_name_is_a_number(tmp_path):
    path = tmp_path / "file"
    path.touch()
    status = os.stat_result((0o100600, 0, 0, 1, 4000000000, 4000000001, 0, 0, 0, 0))
    assert file.owner_of(status) == "4000000000:4000000001"


def test_a_file_that_is_not_there_is_not_applicable(tmp_path):
    question = {"path": f"{tmp_path}/none", "ask": "owner"}
    assert file.answer(question, file.collect([question]))[0] == "not_applicable"


# --- unit


SHOWN = """LoadState=loaded
ActiveState=active
UnitFileState=enabled
ConditionResult=yes
ConditionTimestampMonotonic=5

LoadState=not-found
ActiveState=inactive
UnitFileState=
ConditionResult=no
ConditionTimestampMonotonic=0

LoadState=masked
ActiveState=inactive
UnitFileState=masked
ConditionResult=no
ConditionTimestampMonotonic=0

LoadState=loaded
ActiveState=inactive
UnitFileState=enabled
ConditionResult=no
ConditionTimestampMonotonic=7
"""
UNITS = unit.parse(SHOWN, ["up.service", "gone.service", "masked.service", "held.service"])


@pytest.mark.parametrize(
    ("name", "ask", "value"),
    [
        ("up.service", "live", "running"),
        ("up.service", "boot", "enabled"),
        ("up.service", "runs", "running"),
        ("gone.service", "live", "stopped"),
        ("gone.service", "boot", "disabled"),
        ("gone.service", "runs", "stopped"),
        ("masked.service", "boot", "masked"),
        ("masked.service", "runs", "stopped"),
        ("held.service", "runs", "stopped and enabled"),
        ("gone.service masked.service", "runs", "stopped"),
        ("gone.service up.service", "runs", ["gone.service stopped", "up.service running"]),
    ],
)
def test_units_now_and_after_a_boot(name, ask, value):
    assert actual(unit.answer({"name": name, "ask": ask}, unit.State(UNITS, container=False))) == value


def test_a_start_condition_that_a_container_does_not_meet_is_not_measured():
    state = unit.State(UNITS, container=True)
    status, _value, why = unit.answer({"name": "held.service", "ask": "live"}, state)
    assert (status, why) == ("not_measured", "held.service has a start condition that this container does not meet")
    assert actual(unit.answer({"name": "held.service", "ask": "boot"}, state)) == "enabled"
    assert actual(unit.answer({"name": "gone.service", "ask": "live"}, state)) == "stopped"


def test_systemd_is_asked_only_about_units_it_could_know(tmp_path):
    for name in ("lib/a.service", "lib/b@.service", "group/gone.service/cgroup.procs"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "masked.service").symlink_to("/dev/null")
    (tmp_path / "etc" / "alias.service").symlink_to(tmp_path / "nowhere")
    places = (str(tmp_path / "etc"), str(tmp_path / "lib")), (str(tmp_path / "group"),)
    for name in ("a.service", "b@1.service", "b@.service", "masked.service", "alias.service", "gone.service"):
        assert unit.there(name, *places), name
    for name in ("c.service", "b.service", "a.socket", "c@1.service"):
        assert not unit.there(name, *places), name


def test_a_unit_that_systemd_could_not_know_is_stopped_and_disabled():
    question = {"name": "no-such-thing.service", "ask": "runs"}
    assert actual(unit.answer(question, unit.collect([question]))) == "stopped"


# --- systemd_config, manager


def test_systemd_reads_the_first_main_file_and_then_all_drop_ins_by_name(tmp_path):
    for path, text in {
        "etc/j.conf": "[Journal]\nStorage=volatile\n#SystemMaxUse=1G\n",
        "usr/j.conf": "[Journal]\nStorage=none\nSystemMaxUse=9G\n",
        "usr/j.conf.d/10-a.conf": "[Journal]\nStorage=auto\n",
        "usr/j.conf.d/20-b.conf": "[Journal]\nStorage=none\n",
        "etc/j.conf.d/20-b.conf": "[Other]\nStorage=persistent\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    values = systemd_config.read("j.conf", (str(tmp_path / "etc"), str(tmp_path / "usr")))
    question = {"file": "j.conf", "section": "Journal", "key": "Storage"}
    assert actual(systemd_config.answer(question, {"j.conf": values})) == "auto"
    unset = systemd_config.answer({**question, "key": "SystemMaxUse"}, {"j.conf": values})
    assert unset == ("observed", None, "SystemMaxUse is not set")


def test_an_unknown_property_of_the_manager_is_not_applicable():
    assert manager.answer("DefaultMagic", {"DefaultLimitCORE": "0"})[0] == "not_applicable"
    assert actual(manager.answer("DefaultLimitCORE", {"DefaultLimitCORE": "0"})) == "0"


# --- package


PACKAGES = package.parse(
    "a installed\nb config-files\nc installed\nc half-configured\nd unpacked\ne config-files\ne installed\n"
)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("a", "installed"),
        ("b", "absent"),
        ("nowhere", "absent"),
        ("c", "half-configured"),
        ("e", "installed"),
        ({"ask": "unfinished"}, ["c", "d"]),
    ],
)
def test_packages_are_installed_absent_or_unfinished(argument, value):
    assert actual(package.answer(argument, PACKAGES)) == value


# --- login_defs, accounts, pam_wheel, shell_profile


def test_login_settings_that_readers_would_disagree_on_are_both_told():
    lines = ["# UMASK 077", "UMASK\t\t022", "PASS_MAX_DAYS 365", "UMASK 027", "PASS_MAX_DAYS 365", "X"]
    state = login_defs.parse(lines)
    assert actual(login_defs.answer("UMASK", state)) == ["022", "027"]
    assert actual(login_defs.answer("PASS_MAX_DAYS", state)) == "365"
    assert login_defs.answer("X", state) == ("observed", None, "X is not set")


ACCOUNTS = accounts.parse(
    [
        "root:x:0:0:root:/root:/bin/bash",
        "toor:x:0:0::/root:/bin/sh",
        "ghost:x:0:0::/:/usr/sbin/nologin",
        "daemon:x:1:1::/:/usr/sbin/nologin",
        "postgres:x:101:1::/:/bin/bash",
        "implied:x:102:1::/:",
        "ana:x:1000:1000::/home/ana:/bin/bash",
        "open::1001:1001::/:/bin/bash",
        "+::::::",
        "broken line",
    ],
    ["root:*:1::::::", "toor::1::::::", "ana:$y$secret:1::::::", "open:!:1::::::"],
)


@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("superusers", ["root", "toor"]),
        ("system_shells", ["implied", "postgres"]),
        ("without_password", ["open", "toor"]),
    ],
)
def test_accounts_are_counted_by_what_they_can_do(argument, names):
    assert actual(accounts.answer(argument, ACCOUNTS)) == names


def test_no_password_hash_is_kept():
    assert "secret" not in repr(ACCOUNTS)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([], None),
        (["# auth required pam_wheel.so"], None),
        (["auth required pam_wheel.so use_uid group=sudo"], "sudo"),
        (["auth\trequisite\tpam_wheel.so group=admins use_uid"], "admins"),
        (["auth required pam_wheel.so group=sudo"], ["auth required pam_wheel.so group=sudo"]),
        (["auth sufficient pam_wheel.so trust"], ["auth sufficient pam_wheel.so trust"]),
        (["auth required pam_wheel.so use_uid deny group=x"], ["auth required pam_wheel.so use_uid deny group=x"]),
        (["auth optional pam_wheel.so use_uid group=x"], ["auth optional pam_wheel.so use_uid group=x"]),
    ],
)
def test_only_a_binding_line_restricts_su(lines, value):
    assert actual(pam_wheel.answer("su", {"su": pam_wheel.parse(lines)})) == value


def test_su_that_is_not_there_is_not_applicable():
    assert pam_wheel.answer("su", {})[0] == "not_applicable"


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["TMOUT=900"], "900"),
        (["  *i*) readonly TMOUT=900; export TMOUT ;;"], "900"),
        (["# TMOUT=900"], None),
        (["export TMOUT='600'"], "600"),
        (["TMOUT=900", "TMOUT=0"], ["900", "0"]),
        (["MYTMOUT=1"], None),
        (["TMOUT=$(id)"], ""),
    ],
)
def test_profiles_are_read_and_never_run(lines, value):
    assert actual(shell_profile.answer("TMOUT", {"TMOUT": shell_profile.assigned("TMOUT", lines)})) == value


# --- apt, chrony


APT = apt_config.parse('APT "";\nAPT::Get::AllowUnauthenticated "Yes";\nAPT::Periodic::Update-Package-Lists "1";\n')


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("APT::Get::AllowUnauthenticated", "true"),
        ("apt::get::allowunauthenticated", "true"),
        ("Acquire::AllowInsecureRepositories", "false"),
        ("Acquire::Check-Valid-Until", "true"),
        ("APT::Periodic::Update-Package-Lists", "1"),
        ("APT::Periodic::Unattended-Upgrade", "0"),
        ("APT::Unknown", None),
    ],
)
def test_apt_options_are_those_in_force(option, value):
    assert actual(apt_config.answer(option, APT)) == value


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("deb [trusted=yes] http://archive.example.org ./", ["trusted"]),
        ("deb [ arch=amd64 Allow-Insecure = yes ] http://archive.example.org ./", ["allow-insecure"]),
        ("deb [trusted=no signed-by=/k] http://archive.example.org ./", []),
        ("# deb [trusted=yes] http://archive.example.org ./", []),
        ("deb http://archive.example.org/trusted=yes ./", []),
    ],
)
def test_one_line_sources_believed_unverified(line, found):
    assert apt_sources.scan_list([line]) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [("Trusted: yes", ["trusted"]), ("trusted:no", []), ("#Trusted: yes", []), ("Allow-Weak:  true", ["allow-weak"])],
)
def test_stanza_sources_believed_unverified(line, found):
    assert apt_sources.scan_stanzas([line]) == found


CHRONY = chrony.parse(
    "pool b.example.org iburst\nserver a.example.org\nsourcedir /run/x\nminsources 2\nrtcsync\ncmdport 0\n"
)


def test_every_way_to_a_clock_counts_as_a_source():
    assert actual(chrony.answer("sources", CHRONY)) == ["/run/x", "a.example.org", "b.example.org"]


def test_chrony_directives_and_what_is_not_set():
    assert actual(chrony.answer("cmdport", CHRONY)) == "0"
    assert chrony.answer("logchange", CHRONY) == ("observed", None, "logchange is not set")
    assert chrony.answer("cmdport", {})[2] == "chronyd is not installed, or has no configuration"
