# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab host with an RPM database of its own: Debian's dnf and rpm, toys, and a signed repository on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.bare import BareHost
from tests.integration.patched import plan

PORT = 8099
REPO = "/etc/yum.repos.d/lab-rpms.repo"
_SCRIPT = Path(__file__).with_name("rpm_repository.py")
_PACKAGES = "dnf rpm createrepo-c dnf-plugins-core gpg gpg-agent"

_MAKE = f"""
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends {_PACKAGES} >/dev/null
mkdir -p /etc/rpm /etc/yum.repos.d
echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros  # Debian's default is a database in the home of whoever asks
cd /srv
python3 rpm_repository.py build
python3 rpm_repository.py publish
cat > /etc/systemd/system/lab-rpms.service <<END
[Service]
WorkingDirectory=/srv/rpms
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 {PORT}
END
systemctl daemon-reload
systemctl start lab-rpms
rpmkeys --import /etc/pki/rpm-gpg/lab.asc
cat > {REPO} <<END
[lab-rpms]
name=Toy RPMs of the Holdfast lab
baseurl=http://127.0.0.1:{PORT}/www/
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/lab.asc
END
dnf --quiet --assumeyes --disablerepo='*' install /srv/rpms/pool/*-1.0-1.noarch.rpm 2>/dev/null
"""

_RESET = """
rm -rf /run/toy-* /var/lib/holdfast/stage /var/lib/holdfast/dnf /etc/clinic
systemctl start lab-rpms
: > /etc/dnf/plugins/versionlock.list
sed -i '/^excludepkgs=/d' /etc/dnf/dnf.conf
sed -i 's/^gpgcheck=.*/gpgcheck=1/' /etc/yum.repos.d/lab-rpms.repo
rpmkeys --import /etc/pki/rpm-gpg/lab.asc
cd /srv && python3 rpm_repository.py publish
rpm --upgrade --force /srv/rpms/pool/*-1.0-1.noarch.rpm 2>/dev/null
dnf --quiet --assumeyes --disablerepo='*' reinstall /srv/rpms/pool/labbase-1.0-1.noarch.rpm >/dev/null 2>&1
"""
# The last line ends what a killed transaction left in dnf's history.


def make(host: BareHost) -> None:
    """Give a host its RPM database, its repository and every toy at 1.0; this needs the Debian archive."""
    host.send(_SCRIPT, "/srv/rpm_repository.py")
    host.fleet.exec(host.name, ["sh", "-eu", "-c", _MAKE], timeout=900, check=True)


def reset(host: BareHost) -> None:
    """Bring such a host back to what make left: every toy at 1.0, everything on offer."""
    host.sh(_RESET)


def publish(host: BareHost, *limits: str) -> None:
    """Publish every package, of those named as NAME=VERSION only the versions up to that."""
    host.sh("cd /srv && python3 rpm_repository.py publish " + " ".join(limits))


def installed(host: BareHost) -> dict[str, str]:
    """What RPM itself says: name to version, or versions, without the keys."""
    found: dict[str, str] = {}
    for line in sorted(host.sh("rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n'").splitlines()):
        name, version = line.split()
        if name != "gpg-pubkey":
            found[name] = " and ".join(filter(None, (found.get(name), version.removeprefix("0:"))))
    return found


def plan_lines(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines a plan would have of package_state's answer."""
    return [{name: value for name, value in line.items() if name != "cves"} for line in state["updates"]]


def state(host: BareHost, *only: str, **asked: Any) -> dict[str, Any]:
    """Ask what is pending of these packages."""
    answer = host.module("package_state", manager="dnf", refresh=True, only=list(only), **asked)
    assert not answer["failed"], answer
    return answer


def locked(host: BareHost, *only: str) -> dict[str, Any]:
    """Plan these packages and stage them; return the arguments of the modules that act on the plan."""
    found = {"manager": "dnf", **plan(plan_lines(state(host, *only)))}
    assert found["packages"]
    staged = host.module("package_stage", **found)
    assert not staged["failed"], staged
    return found


def obstacles(host: BareHost, *only: str) -> dict[str, str]:
    """What is in the way: kind and subject, to what was found."""
    return {f"{one['kind']} {one['subject']}": one["found"] for one in state(host, *only, obstacles=True)["obstacles"]}
