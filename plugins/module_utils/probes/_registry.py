# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds of probe there are, and how all controls of a host are answered in one go."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from . import (
    accounts,
    apt_config,
    apt_sources,
    audit,
    backup,
    banner,
    certificates,
    chrony,
    controller,
    desktop,
    elevation,
    encryption,
    endpoint,
    file,
    firewall,
    interaction,
    limits,
    login_defs,
    manager,
    mfa,
    module,
    mount,
    nginx,
    nginx_answers,
    package,
    pam,
    pam_wheel,
    postgresql,
    programs,
    rsyslog,
    shell_profile,
    sockets,
    sshd,
    sudoers,
    sysctl,
    systemd_config,
    time_zone,
    unit,
    unit_setting,
    wireguard,
    workstation,
)
from ._common import Answer, BadArgumentError, Kind, not_measured

KINDS: dict[str, Kind] = {
    "accounts": Kind(accounts.check, accounts.collect, accounts.answer),
    "apt_config": Kind(apt_config.check, apt_config.collect, apt_config.answer),
    "apt_sources": Kind(apt_sources.check, apt_sources.collect, apt_sources.answer),
    "audit": Kind(audit.check, audit.collect, audit.answer),
    "backup": Kind(backup.check, backup.collect, backup.answer),
    "banner": Kind(banner.check, banner.collect, banner.answer),
    "certificates": Kind(certificates.check, certificates.collect, certificates.answer),
    "chrony": Kind(chrony.check, chrony.collect, chrony.answer),
    "controller": Kind(controller.check, controller.collect, controller.answer),
    "desktop": Kind(desktop.check, desktop.collect, desktop.answer),
    "elevation": Kind(elevation.check, elevation.collect, elevation.answer),
    "encryption": Kind(encryption.check, encryption.collect, encryption.answer),
    "endpoint": Kind(endpoint.check, endpoint.collect, endpoint.answer),
    "file": Kind(file.check, file.collect, file.answer),
    "firewall": Kind(firewall.check, firewall.collect, firewall.answer),
    "interaction": Kind(interaction.check, interaction.collect, interaction.answer),
    "limits": Kind(limits.check, limits.collect, limits.answer),
    "login_defs": Kind(login_defs.check, login_defs.collect, login_defs.answer),
    "manager": Kind(manager.check, manager.collect, manager.answer),
    "mfa": Kind(mfa.check, mfa.collect, mfa.answer),
    "module": Kind(module.check, module.collect, module.answer),
    "mount": Kind(mount.check, mount.collect, mount.answer),
    "nginx": Kind(nginx.check, nginx.collect, nginx.answer),
    "nginx_answers": Kind(nginx_answers.check, nginx_answers.collect, nginx_answers.answer),
    "package": Kind(package.check, package.collect, package.answer),
    "pam": Kind(pam.check, pam.collect, pam.answer),
    "pam_wheel": Kind(pam_wheel.check, pam_wheel.collect, pam_wheel.answer),
    "postgresql": Kind(postgresql.check, postgresql.collect, postgresql.answer),
    "programs": Kind(programs.check, programs.collect, programs.answer),
    "rsyslog": Kind(rsyslog.check, rsyslog.collect, rsyslog.answer),
    "shell_profile": Kind(shell_profile.check, shell_profile.collect, shell_profile.answer),
    "sockets": Kind(sockets.check, sockets.collect, sockets.answer),
    "sshd": Kind(sshd.check, sshd.collect, sshd.answer),
    "sudoers": Kind(sudoers.check, sudoers.collect, sudoers.answer),
    "sysctl": Kind(sysctl.check, sysctl.collect, sysctl.answer),
    "systemd_config": Kind(systemd_config.check, systemd_config.collect, systemd_config.answer),
    "time_zone": Kind(time_zone.check, time_zone.collect, time_zone.answer),
    "unit": Kind(unit.check, unit.collect, unit.answer),
    "wireguard": Kind(wireguard.check, wireguard.collect, wireguard.answer),
    "unit_setting": Kind(unit_setting.check, unit_setting.collect, unit_setting.answer),
    "workstation": Kind(workstation.check, workstation.collect, workstation.answer),
}

LONGEST_WHY = 200  # characters of an error that are worth carrying home


def check_question(control_id: str, probe: Any) -> tuple[str, Any]:
    """The kind and argument of one control's probe. Raises BadArgumentError, naming the control."""
    if not isinstance(probe, dict) or len(probe) != 1:
        raise BadArgumentError(f"{control_id}: probe must be one {{kind: argument}}, found {probe!r}")
    kind, argument = next(iter(probe.items()))
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise BadArgumentError(f"{control_id}: there is no probe kind {kind!r}; expected one of {known}")
    try:
        KINDS[kind].check(argument)
    except BadArgumentError as error:
        raise BadArgumentError(f"{control_id}: {kind}: {error}") from error
    return kind, argument


def describe(error: Exception) -> str:
    """An error's class and short text: enough to look for it, and no more."""
    if isinstance(error, subprocess.TimeoutExpired):
        program = error.cmd[0] if isinstance(error.cmd, (list, tuple)) else error.cmd
        return f"TimeoutExpired: {program} gave no answer within {error.timeout:g} seconds"
    text = " ".join(str(error).split())
    return (f"{type(error).__name__}: {text}")[:LONGEST_WHY]


def observe(controls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One observation for every control {id, probe}, in the same order.

    A source that cannot be read makes only the controls that need it "not measured". Raises BadArgumentError
    for a probe that no host could answer: that is a fault of the baseline, not of the host.
    """
    questions = []
    for control in controls:
        kind, argument = check_question(control["id"], control["probe"])
        questions.append((control["id"], kind, argument))

    states: dict[str, Any] = {}
    failures: dict[str, str] = {}
    for kind in sorted({kind for _control_id, kind, _argument in questions}):
        try:
            states[kind] = KINDS[kind].collect([a for _i, k, a in questions if k == kind])
        except Exception as error:  # noqa: BLE001 -- whatever fails makes its own controls not measured, and is named
            failures[kind] = describe(error)

    observations = []
    for control_id, kind, argument in questions:
        status, actual, why = one_answer(kind, argument, states, failures)
        observations.append({"id": control_id, "status": status, "actual": actual, "why": why})
    return observations


def one_answer(kind: str, argument: Any, states: dict[str, Any], failures: dict[str, str]) -> Answer:
    """The answer to one question, not measured when its source or the answer itself failed."""
    if kind in failures:
        return not_measured(failures[kind])
    try:
        answer: Answer = KINDS[kind].answer(argument, states[kind])
    except Exception as error:  # noqa: BLE001 -- as above
        return not_measured(describe(error))
    return answer
