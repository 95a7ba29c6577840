# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks dnf's own Python interface one question; runs in dnf's interpreter, as a program of its own (see dnf_ask.py).

The question is JSON, the first argument; the answer is JSON, on the last line that begins with MARK. Everything else
that is written is for people. dnf 4 is a Python program, so what is imported here is wherever dnf is.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

MARK = "holdfast-answer: "

PLUGINS = ["versionlock", "subscription-manager", "spacewalk"]
"""The plugins that say what a host may take and from where; others act for the command line, or add sources."""


def main(argv: list[str]) -> None:
    """Answer the question; what dnf refuses is an answer with error, what breaks is one with broken."""
    asked = json.loads(argv[0])
    try:
        said = {"offers": offers, "resolve": resolve, "download": download, "change": change}[asked["ask"]](asked)
    except Exception as problem:  # noqa: BLE001 - dnf raises several families; each is an answer here, and none may be lost
        kind = "error" if type(problem).__module__ == "dnf.exceptions" else "broken"
        if kind == "broken":
            traceback.print_exc()
        said = {kind: " ".join(str(problem).split())[:1500] or type(problem).__name__}
    _say(MARK + json.dumps(said))


def _say(line: str) -> None:
    """Write a line at once: whoever reads it waits for it, and this process may be killed after it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def offers(asked: dict[str, Any]) -> dict[str, Any]:
    """Return every later version of what is installed, from the verified cache, and the repositories it is from."""
    import hawkey

    base = _base(asked)
    base.fill_sack_from_repos_in_cache()
    hidden = base.sack.query(flags=hawkey.IGNORE_EXCLUDES)
    allowed = {str(package) for package in base.sack.query().available()}
    packages = []
    beside = {package.name for package in base._get_installonly_query(hidden.installed())}
    unsupported = []
    for installed in sorted(hidden.installed()):
        if not hidden.available().filter(name=installed.name, arch=installed.arch):
            unsupported.append([installed.name, installed.arch, _evr(installed)])
        later = [one for one in hidden.available().filter(name=installed.name, arch=installed.arch) if one > installed]
        if later:
            packages.append(
                {
                    "name": installed.name,
                    "arch": installed.arch,
                    "before": _evr(installed),
                    "beside": installed.name in beside,
                    "offers": [{**_said(one), "allowed": str(one) in allowed} for one in sorted(later)],
                }
            )
    return {
        "packages": packages,
        "locked": sorted(f"{one.name}:{one.arch}" for one in _locked(base, hidden.installed())),
        "unsupported": unsupported,
        "repositories": [_repository(repo) for repo in base.repos.iter_enabled()],
    }


def resolve(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the exact transaction that brings the wanted versions, each with its file and its way back.

    What cannot come with its dependencies is left out, as dnf does without `best`.
    """
    import hawkey

    base = _base(asked)
    base.conf.best = False
    base.fill_sack_from_repos_in_cache()
    for name, arch, evr in asked["wanted"]:
        one = _first(base.sack.query().available(), name=name, arch=arch, evr=evr)
        if one is not None:
            base.package_upgrade(one)
    base.resolve(allow_erasing=False)
    would = _transaction(base)
    every = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).available()
    for line in would["changes"]:
        named = {"name": line["name"], "arch": line["arch"]}
        back = None if line["before"] is None else _first(every, evr=line["before"], **named)
        line.update(_said(_first(every, evr=line["evr"], **named)), rollback=None if back is None else _said(back))
    return would


def download(asked: dict[str, Any]) -> dict[str, Any]:
    """Fetch exactly these versions into a folder, as dnf verifies them; return each file, null for a missing one."""
    import hawkey

    base = _base(asked)
    for repo in base.repos.iter_enabled():
        repo.pkgdir = asked["folder"]
    base.fill_sack_from_repos_in_cache()
    every = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).available()
    found = {}
    for name, arch, evr in asked["packages"]:
        found[f"{name} {arch} {evr}"] = _first(every, name=name, arch=arch, evr=evr)
    wanted = [package for package in found.values() if package is not None]
    if asked["fetch"]:
        base.download_packages(wanted)
    return {
        "files": {
            key: None if package is None else {**_said(package), "path": package.localPkg()}
            for key, package in found.items()
        }
    }


def change(asked: dict[str, Any]) -> dict[str, Any]:
    """Resolve a transaction of local files and removals alone; carry it out when told to and it is the one expected.

    No repository is read. `told` is what dnf's history says of it. Return what dnf would do, whether it was done, and
    every error of a script.
    """
    base = _base(asked, repositories=False)
    conf = base.conf
    conf.clean_requirements_on_remove = False
    conf.install_weak_deps = False
    conf.exit_on_lock = True
    conf.best = True  # what cannot come is an error that says what it lacks; else dnf leaves it out in silence
    base.args = asked["told"]
    base.fill_sack(load_available_repos=False)
    installed = base.sack.query().installed()
    brought_in = set()
    named = base.add_remote_rpms(asked["files"])
    for package in named:
        present = _first(installed, name=package.name, arch=package.arch)
        if present is None:
            brought_in.add((package.name, package.arch))
            base.package_install(package)
        elif package > present:
            base.package_upgrade(package)
        else:
            base.package_downgrade(package)
    for name, arch in asked["remove"]:
        for package in installed.filter(name=name, arch=arch):
            base.package_remove(package)
    base.resolve(allow_erasing=False)
    would = _transaction(base)
    expected = {(name, arch): evr for name, arch, evr in asked["expected"]}
    same = {(line["name"], line["arch"]): line["evr"] for line in would["changes"]} == expected
    same = same and sorted([line["name"], line["arch"]] for line in would["removals"]) == sorted(asked["remove"])
    locked = [f"{one.name} ({one.arch})" for one in _locked_out(base, named)]
    answer = {**would, "locked": locked, "done": False, "errors": []}
    if asked["commit"] and same and not locked:
        _mark_dependencies(base, brought_in)
        display = _display()
        base.do_transaction(display)
        answer.update(done=True, errors=display.errors)
    return answer


def _base(asked: dict[str, Any], *, repositories: bool = True) -> Any:
    """Return dnf as the host's administrator has set it up, with Holdfast's own cache and log."""
    import dnf
    import dnf.rpm

    base = dnf.Base()
    conf = base.conf
    conf.read()
    conf.substitutions.update_from_etc(conf.installroot, varsdir=conf.varsdir)
    conf.releasever = dnf.rpm.detect_releasever(conf.installroot)
    conf.cachedir, conf.logdir = asked["cachedir"], asked["logdir"]
    conf.assumeyes = True
    base.init_plugins(disabled_glob=["*"], enable_plugins=PLUGINS)
    base.pre_configure_plugins()
    if repositories:
        base.read_all_repos()
    base.configure_plugins()
    for repo in base.repos.iter_enabled():
        repo.skip_if_unavailable = False
    return base


def _first(query: Any, **named: str) -> Any:
    """Return one package of exactly that name, architecture and version; None when there is none."""
    return next(iter(query.filter(**named)), None)


def _said(package: Any) -> dict[str, Any]:
    """Return what the verified metadata says of one package."""
    import hawkey

    kind, digest = package.chksum
    advisories = list(package.get_advisories(hawkey.EQ))
    return {
        "evr": _evr(package),
        "repository": package.reponame,
        "sha256": digest.hex() if hawkey.chksum_name(kind) == "sha256" else None,
        "size": package.downloadsize,
        "installed_size": package.installsize,
        "path": package.location,
        "source": package.sourcerpm,
        "security": any(one.type == hawkey.ADVISORY_SECURITY for one in advisories),
        "advisories": sorted(one.id for one in advisories),
        "cves": sorted({said.id for one in advisories for said in one.references if said.type == hawkey.REFERENCE_CVE}),
    }


def _evr(package: Any) -> str:
    """Return epoch:version-release, without the epoch where it is 0."""
    return f"{package.epoch}:{package.v}-{package.r}" if package.epoch else f"{package.v}-{package.r}"


def _repository(repo: Any) -> dict[str, Any]:
    return {
        "id": repo.id,
        "uri": next(iter(repo.baseurl), "") or repo.metalink or repo.mirrorlist or "",
        "packages_signed": bool(repo.gpgcheck),
        "metadata_signed": bool(repo.repo_gpgcheck),
        "keys": list(repo.gpgkey),
        "date": repo._repo.getMaxTimestamp(),
    }


def _locked(base: Any, installed: Any) -> list[Any]:
    """Return the installed packages that dnf's versionlock names, in either of its forms."""
    names: set[str] = set()
    for pattern in _lock_list():
        for nevra in _meanings(pattern):
            names.update(one.name for one in installed.filter(name__glob=nevra.name))
    return list(installed.filter(name=sorted(names))) if names else []


def _locked_out(base: Any, packages: list[Any]) -> list[Any]:
    """Return those of the packages that versionlock would not let in; named files go past the plugin itself."""
    named: set[str] = set()
    let_in: set[str] = set()
    kept_out: set[str] = set()
    for pattern in _lock_list():
        for nevra in _meanings(pattern):
            matched = {str(one) for one in nevra.to_query(base.sack)}
            if pattern.startswith("!"):
                kept_out |= matched
            else:
                let_in |= matched
                named.update(one.name for one in base.sack.query().filter(name__glob=nevra.name))
    return [one for one in packages if str(one) in kept_out or (one.name in named and str(one) not in let_in)]


def _meanings(pattern: str) -> list[Any]:
    import dnf.subject

    return list(dnf.subject.Subject(pattern.lstrip("!")).get_nevra_possibilities())


def _lock_list(folder: str = "/etc/dnf/plugins") -> list[str]:
    try:
        with open(os.path.join(folder, "versionlock.list"), encoding="utf-8", errors="replace") as lines:
            said = [line.partition("#")[0].strip() for line in lines]
    except FileNotFoundError:
        return []
    return [line for line in said if line]


def _transaction(base: Any) -> dict[str, Any]:
    """Return what dnf has resolved to: every package that comes, and every one that goes for good."""
    comes = {(one.name, one.arch): one for one in base.transaction.install_set}
    goes = {(one.name, one.arch): one for one in base.transaction.remove_set}
    return {
        "changes": [
            {
                "name": name,
                "arch": arch,
                "before": _evr(goes[name, arch]) if (name, arch) in goes else None,
                "evr": _evr(one),
            }
            for (name, arch), one in sorted(comes.items())
        ],
        "removals": [
            {"name": name, "arch": arch, "version": _evr(one)}
            for (name, arch), one in sorted(goes.items())
            if (name, arch) not in comes
        ],
    }


def _mark_dependencies(base: Any, brought_in: set[tuple[str, str]]) -> None:
    """Let dnf remember what a plan brought in as somebody's dependency, though its file was named."""
    import libdnf.transaction

    for item in base.transaction:
        if (item.name, item.arch) in brought_in:
            item.reason = libdnf.transaction.TransactionItemReason_DEPENDENCY


def _display() -> Any:
    import dnf.callback
    import dnf.transaction
    import dnf.yum.rpmtrans

    class Display(dnf.yum.rpmtrans.TransactionDisplay):  # type: ignore[misc]  # dnf ships no type information
        """Writes what happens for the log, and keeps every error."""

        def __init__(self) -> None:
            super().__init__()
            self.errors: list[str] = []
            self.last = ""

        def progress(self, package: Any, action: Any, done: int, total: int, step: int, steps: int) -> None:
            line = f"{dnf.transaction.ACTIONS.get(action, action)}: {package} ({step}/{steps})"
            if line != self.last:
                _say(line)
            self.last = line

        def scriptout(self, msgs: Any) -> None:
            if msgs:
                _say(str(msgs).rstrip())

        def error(self, message: str) -> None:
            self.errors.append(" ".join(str(message).split())[:500])
            _say(f"error: {message}")

    return Display()


if __name__ == "__main__":
    main(sys.argv[1:])
