# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sixteen things that a run may lack: for each of them alone it is refused by name, and no host hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.fleet import Fleet
from lab.process import run
from tests.faults.toyd import NAME, NEW, OLD
from tests.host_digest import QUICK, difference, digest
from tests.integration.conftest import _fleet, _up
from tests.integration.gated import CANARY, HOSTS, LAST, PILOT, Gated, strict_site
from tests.integration.lacking import LACKS, UNRECORDED, Lack
from tests.integration.shop import bodies, builds, equip, results, versions


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A pilot and two of production, with a new version on offer."""
    with _fleet("gate") as fleet:
        debs = builds(tmp_path_factory.mktemp("debs"))
        _up(fleet, [f"{host}=bookworm" for host in HOSTS])
        equip(fleet, HOSTS, debs[OLD])
        fleet.offer([debs[OLD], debs[NEW]])
        yield fleet


@pytest.fixture(scope="module")
def ready(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """A change that only lacks its approvals for production."""
    return strict_site(tmp_path_factory.mktemp("ready") / "site", fleet)


@pytest.fixture(scope="module")
def agreed(ready: Gated, tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """The same with everything in order."""
    return ready.copy(tmp_path_factory.mktemp("agreed") / "site").approve("security", "business")


@pytest.fixture(scope="module")
def before(ready: Gated) -> dict[str, list[str]]:
    """The hosts as they are when the pilot is done."""
    return states(ready.site.fleet)


def states(fleet: Fleet) -> dict[str, list[str]]:
    """Return the state of every host."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return dict(zip(HOSTS, pool.map(lambda host: digest(fleet.ssh_config, host, QUICK), HOSTS), strict=True))


def logins(fleet: Fleet) -> int:
    """Return how often anybody has logged in to the hosts, as their sshd says, asked without SSH."""
    journal = [["podman", "exec", fleet.places.container(host), "journalctl", "-q"] for host in HOSTS]
    for command in journal:
        run([*command, "--sync"])
    return sum(run([*command, "-o", "cat", "-u", "ssh"]).stdout.count("Accepted ") for command in journal)


def change(shop: Gated, playbook: str = "patch") -> tuple[int, str]:
    """Carry the change out over connections of its own; return the exit code and all that was said."""
    limit = ["--limit", CANARY] if playbook == "remediate" else []
    done = shop.site.play(playbook, "-e", f"change={shop.change}", *limit, ANSIBLE_SSH_ARGS="-o ControlMaster=no")
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("lack", LACKS.values(), ids=LACKS)
def test_what_lacks_one_thing_is_refused_by_name_and_no_host_is_touched(
    lack: Lack, ready: Gated, agreed: Gated, before: dict[str, list[str]], tmp_path: Path
) -> None:
    shop = lack.arrange((agreed if lack.agreed else ready).copy(tmp_path / "site"))
    (missing,) = shop.explained()
    assert (missing["rule"], lack.says in missing["message"]) == (lack.rule, True), missing
    opened, deployed = len(bodies(shop.site, "run-open")), len(bodies(shop.site, "deploy"))
    heard = logins(ready.site.fleet)

    code, said = change(shop, lack.playbook)

    assert logins(ready.site.fleet) == heard, "somebody logged in to a host"
    assert f"{lack.rule}: " in said, said
    assert lack.says in said
    assert len(bodies(shop.site, "deploy")) == deployed
    if lack.rule in UNRECORDED:
        assert code == 3
        assert len(bodies(shop.site, "run-open")) == opened
    else:
        assert code == 2
        assert said.count("\n  - ") == 1, "something else is lacking"
        assert len(bodies(shop.site, "run-open")) == opened + 1
        closed = bodies(shop.site, "run-close")[-1]
        assert (closed["outcome"], closed["denied_by"]) == ("denied", [lack.rule])
    after = states(ready.site.fleet)
    assert {host: difference(before[host], after[host]) for host in HOSTS} == {host: [] for host in HOSTS}


def test_with_everything_in_order_it_goes_through_until_its_budget_is_spent(agreed: Gated, fleet: Fleet) -> None:
    shop, heard = agreed, logins(fleet)
    assert shop.explained() == []
    code, said = change(shop)
    assert logins(fleet) > heard
    assert {host: versions(fleet, host)[f"{NAME}:all"] for host in HOSTS} == {PILOT: NEW, CANARY: NEW, LAST: OLD}
    assert (code, [one["asset"] for one in results(shop.site, "rollback")]) == (2, [LAST]), said

    # The last host went back for its health, of which production endures none.
    before = states(fleet)
    spent = shop.explained()
    assert [one["rule"] for one in spent] == ["change-stopped", "asset-taken-back"]
    assert f"{LAST} was rolled back in this change (unhealthy; none endured in production)" in spent[0]["message"]
    heard = logins(fleet)
    code, said = change(shop)
    assert (code, logins(fleet)) == (2, heard), said
    assert all(f"{one['rule']}: {one['message']}" in said for one in spent)
    assert bodies(shop.site, "run-close")[-1]["denied_by"] == ["change-stopped", "asset-taken-back"]
    after = states(fleet)
    assert {host: difference(before[host], after[host]) for host in HOSTS} == {host: [] for host in HOSTS}
    audit = shop.site.holdfast("audit")
    assert audit.returncode == 0, audit.stdout
