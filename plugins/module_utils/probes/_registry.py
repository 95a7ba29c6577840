# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds of probe there are, and how all controls of a host are answered in one go."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ._common import Answer, BadArgumentError, Kind, not_measured

if TYPE_CHECKING:
    from . import (  # noqa: F401 - never run: it tells Ansible which files to send along
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

NAMES = (
    "accounts", "apt_config", "apt_sources", "audit", "backup", "banner", "certificates", "chrony",
    "controller", "desktop", "elevation", "encryption", "endpoint", "file", "firewall", "interaction",
    "limits", "login_defs", "manager", "mfa", "module", "mount", "nginx", "nginx_answers", "package", "pam",
    "pam_wheel", "postgresql", "programs", "rsyslog", "shell_profile", "sockets", "sshd", "sudoers", "sysctl",
    "systemd_config", "time_zone", "unit", "unit_setting", "wireguard", "workstation",
)  # fmt: skip
"""Every kind of probe, which is a file of this name."""


class Kinds(Mapping[str, Kind]):
    """All kinds by name, each read when it is first asked for: compiling them all costs a host a tenth of a second."""

    def __init__(self) -> None:
        self.read: dict[str, Kind] = {}

    def __getitem__(self, name: str) -> Kind:
        if name not in self.read:
            if name not in NAMES:
                raise KeyError(name)
            file = importlib.import_module(f".{name}", __package__)
            self.read[name] = Kind(file.check, file.collect, file.answer)
        return self.read[name]

    def __contains__(self, name: object) -> bool:
        return name in self.read or name in NAMES  # without reading its file

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


KINDS = Kinds()

LONGEST_WHY = 200  # characters of an error that are worth carrying home
AT_ONCE = 4
"""Sources read side by side: as many as keep a small host busy, and no more."""


def read_question(control_id: str, probe: Any) -> tuple[str, Any]:
    """The kind and argument of one control's probe. Raises BadArgumentError, naming the control."""
    if not isinstance(probe, dict) or len(probe) != 1:
        raise BadArgumentError(f"{control_id}: probe must be one {{kind: argument}}, found {probe!r}")
    kind, argument = next(iter(probe.items()))
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise BadArgumentError(f"{control_id}: there is no probe kind {kind!r}; expected one of {known}")
    return kind, argument


def check_question(control_id: str, probe: Any) -> None:
    """Raises BadArgumentError, naming the control, for a question that its kind cannot answer."""
    kind, argument = read_question(control_id, probe)
    try:
        KINDS[kind].check(argument)
    except BadArgumentError as error:
        raise BadArgumentError(f"{control_id}: {kind}: {error}") from error


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
        if set(control) != {"id", "probe"} or not isinstance(control["id"], str):
            raise BadArgumentError(f"a control must be {{id, probe}}, found {control!r}")
        kind, argument = read_question(control["id"], control["probe"])
        questions.append((control["id"], kind, argument))

    asked: dict[str, list[tuple[str, Any]]] = {}
    for control_id, kind, argument in questions:
        asked.setdefault(kind, []).append((control_id, argument))
    states: dict[str, Any] = {}
    failures: dict[str, str] = {}

    def collect(kind: str) -> None:
        for control_id, argument in asked[kind]:
            check_question(control_id, {kind: argument})
        try:
            states[kind] = KINDS[kind].collect([argument for _control_id, argument in asked[kind]])
        except Exception as error:  # noqa: BLE001 -- whatever fails makes its own controls not measured, and is named
            failures[kind] = describe(error)

    # No kind knows of another's sources, so some files are compiled while programs that others asked make up an answer.
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        list(pool.map(collect, asked))

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
