# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control is broken on a real host: its probe must see it, no other may, and its role must mend it.

On both releases, one host each; what only the virtual machine can show is drilled in tests/vm.
"""

from __future__ import annotations

import pytest

from tests import events, tally
from tests.drilling import FOLDER, Prober, apply, controls, drills, roles, with_result
from tests.host_digest import difference, digest

KNOWN = {control.id for control in controls()}
DRILLS = [drill for some in drills().values() for drill in some if drill.control in KNOWN]
HERE = [drill for drill in DRILLS if drill.place == "container"]
CARRIED = [control for control in controls() if control.role]
DRILLED = [control for control in controls() if control.role or control.id in {drill.control for drill in DRILLS}]
RELEASES = pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)


def prepare(host, subsystem):
    """Make a host one that the controls of a subsystem have something to say about; `*` is all of them."""
    for script in sorted(FOLDER.glob(f"prepare-{subsystem}")):
        host.exec(["sh", "-eu"], stdin=script.read_text(encoding="utf-8"), timeout=300, check=True)


class Subject:
    """A host under drill. Looking at it is proved to change nothing each time."""

    def __init__(self, host, folder):
        self.host, self.folder = host, folder
        prepare(host, "*")
        self.prober = Prober(host.fleet.ssh_config, host.name, DRILLED)

    def digest(self):
        return digest(self.host.fleet.ssh_config, self.host.name)

    def apply(self, *options):
        return apply(self.host.fleet, self.host.name, self.folder, roles(), *options)

    def checked(self):
        """Run all roles in check mode; return the verdicts and the run, after seeing that neither changed a thing."""
        before, verdicts = self.digest(), self.prober.now()
        run = self.apply("--check")
        assert run.check
        assert difference(before, self.digest()) == []
        assert self.prober.now() == verdicts
        return verdicts, run


@RELEASES
def test_each_broken_control_is_named_alone_and_mended(fresh_host, tmp_path):
    subject = Subject(fresh_host, tmp_path)
    release = fresh_host.name.removesuffix("-1")
    tally.forget(release)

    # Fresh: what check mode says would change is what changes.
    untouched, predicted = subject.checked()
    assert len(with_result(untouched, "fail")) >= 15
    first = subject.apply()
    assert predicted.changed == first.changed
    hardened = subject.prober.now()
    # What does not apply yet is drilled all the same: the drill makes what it is about.
    open_ = with_result(hardened, "fail", "not_measured") & {control.id for control in CARRIED}
    open_ -= {drill.control for drill in DRILLS if drill.place == "vm"}
    assert {name: (hardened[name].actual, hardened[name].why) for name in open_} == {}

    # Hardened: a second run changes nothing.
    before = subject.digest()
    assert events.not_idempotent(first, subject.apply()) == []
    assert difference(before, subject.digest()) == []
    assert subject.checked()[1].changed == ()

    # Damaged, one control after the other.
    to_break = [drill for drill in HERE if not drill.needs]
    wrong, broken = subject.prober.drill(to_break, with_result(hardened, "fail"))
    bad = {one.drill.control for one in wrong}
    asked = [drill.control for drill in to_break]
    tally.write(tally.Tally(release, "container", release, tuple(asked), tuple(c for c in asked if c not in bad)))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    damaged, predicted = subject.checked()
    assert with_result(damaged, "fail") == broken

    # Mended, and a clean second check.
    assert subject.apply().changed == predicted.changed
    assert with_result(subject.prober.now(), "fail") == with_result(hardened, "fail")

    # What holds must hold after a restart, and the host must still take software and let us in.
    fresh_host.exec(["/root/drill-package", "drill-afterwards", "install"], check=True)
    fresh_host.exec(["apt-get", "check"], check=True)
    fresh_host.fleet.reboot(fresh_host.name)
    assert with_result(subject.prober.now(), "fail") == with_result(hardened, "fail")


@RELEASES
@pytest.mark.archive
def test_what_a_role_takes_from_the_archive_comes_back(fresh_host, tmp_path):
    from_archive = [drill for drill in HERE if drill.needs == "archive"]
    asked, release = [drill.control for drill in from_archive], fresh_host.name.removesuffix("-1")
    tally.forget(f"{release}-archive")
    of = {control.id: control.role for control in controls()}
    wanted = sorted({of[drill.control] for drill in from_archive})
    for role in wanted:
        prepare(fresh_host, role)
    prober = Prober(fresh_host.fleet.ssh_config, fresh_host.name, [c for c in CARRIED if c.role in wanted])
    apply(fresh_host.fleet, fresh_host.name, tmp_path, wanted)
    hardened = with_result(prober.now(), "fail")
    for drill, answer in zip(from_archive, prober.after([drill.run for drill in from_archive]), strict=True):
        assert answer.code == 0, answer.said
        # Without the package other controls of its subsystem cannot hold either.
        assert drill.control in with_result(answer.verdicts, "fail") - hardened
    apply(fresh_host.fleet, fresh_host.name, tmp_path, wanted, "--check")
    apply(fresh_host.fleet, fresh_host.name, tmp_path, wanted)
    assert with_result(prober.now(), "fail") == hardened
    tally.write(tally.Tally(f"{release}-archive", "container", release, tuple(asked), tuple(asked)))
