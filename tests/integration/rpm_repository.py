# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a lab host: builds toy RPMs, signs them with a throw-away key, and publishes them as a real repository.

    python3 rpm_repository.py build | publish [NAME=VERSION...]

build makes everything once; publish puts every package up to the named version (without: all) into the served folder,
with createrepo_c, advisories and a signed repomd.xml.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path("/srv/rpms")
POOL = HOME / "pool"
GNUPG = HOME / "gnupg"
SERVED = HOME / "www"
KEY = Path("/etc/pki/rpm-gpg/lab.asc")
USER = "Holdfast lab rpms (throw-away) <lab@example.org>"

PROGRAM = """#!/usr/bin/python3
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

RATES = json.load(open("/usr/share/claimedit/rates.json"))


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"version": "@VERSION@", "total": @TOTAL@, "rates": RATES["version"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said):
        pass


HTTPServer(("127.0.0.1", 8091), Answer).serve_forever()
"""
UNIT = """[Unit]
Description=Claim edits of the Holdfast lab, from an RPM

[Service]
ExecStart=/usr/bin/claimedit
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
WAIT = "while [ -e /run/toy-wait ]; do touch /run/toy-reached; sleep 0.1; done"
START = "systemctl daemon-reload; systemctl enable -q claimedit.service; systemctl restart claimedit.service"
STOP = "if [ $1 -eq 0 ]; then systemctl disable -q --now claimedit.service; fi"


def spec(
    name: str, version: str, *more: str, files: dict[str, str], flags: dict[str, str], scripts: dict[str, str]
) -> str:
    """Return a spec file; flags maps a path to its %files attribute, scripts a section to its text."""
    lines = [
        f"Name: {name}", f"Version: {version.partition('-')[0]}", f"Release: {version.partition('-')[2]}",
        f"Summary: toy {name}", "License: GPL-3.0-or-later", "BuildArch: noarch", "AutoReqProv: no", *more,
        "%description", f"Toy {version}.", "%install",
    ]  # fmt: skip
    for path, content in files.items():
        lines += [f"mkdir -p %{{buildroot}}{os.path.dirname(path)}", f"cat > %{{buildroot}}{path} <<'TOYEND'"]
        lines += [content.rstrip("\n"), "TOYEND"]
    for section, body in scripts.items():
        lines += [f"%{section}", body]
    lines += ["%files", *(f"{flags.get(path, '')} {path}".strip() for path in files)]
    return "\n".join(lines) + "\n"


def specs() -> list[str]:
    """Return every package that the tests use."""
    made = [
        spec(
            "labbase", "1.0-1", "Provides: /bin/sh", "Provides: /usr/bin/python3", "Provides: systemd",
            files={"/usr/share/labbase/release": "lab\n"}, flags={}, scripts={},
        )
    ]  # fmt: skip
    for version in ("1.0-1", "1.1-1", "1.2-1"):
        number = version.partition("-")[0]
        program = PROGRAM.replace("@VERSION@", number).replace("@TOTAL@", "999" if number == "1.2" else "1000")
        made.append(
            spec(
                "claimedit", version, "Requires: /usr/bin/python3", "Requires: systemd",
                f"Requires: claimedit-rates >= {'1.0' if number == '1.0' else '1.1'}",
                files={"/usr/bin/claimedit": program, "/usr/lib/systemd/system/claimedit.service": UNIT},
                flags={"/usr/bin/claimedit": "%attr(0755,root,root)"}, scripts={"post": START, "preun": STOP},
            )
        )  # fmt: skip
    for version in ("1.0-1", "1.1-1"):
        number = version.partition("-")[0]
        rates = json.dumps({"version": number}) + "\n"
        made.append(
            spec("claimedit-rates", version, files={"/usr/share/claimedit/rates.json": rates}, flags={}, scripts={})
        )
        conf = {"/etc/clinic/keep.conf": f"made by {number}\n", "/etc/clinic/plain.conf": f"made by {number}\n"}
        kinds = {"/etc/clinic/keep.conf": "%config(noreplace)", "/etc/clinic/plain.conf": "%config"}
        made.append(spec("clinic-settings", version, files=conf, flags=kinds, scripts={}))
        for name, script in (("toy-post", "exit 1"), ("toy-slow", WAIT), ("toy-plain", ""), ("toy-unsigned", "")):
            later = script and number == "1.1"
            made.append(
                spec(
                    name, version, files={f"/usr/share/{name}/version": number}, flags={},
                    scripts={"post": script} if later else {},
                )
            )  # fmt: skip
        heir = ("Obsoletes: toy-victim",) if number == "1.1" else ()
        made.append(spec("toy-heir", version, *heir, files={"/usr/share/toy-heir": number}, flags={}, scripts={}))
    made.append(spec("toy-victim", "1.0-1", files={"/usr/share/toy-victim": "1.0"}, flags={}, scripts={}))
    made.append(
        spec("toy-epoch", "1.0-1", files={"/usr/share/toy-epoch/version": "1.0"}, flags={}, scripts={}),
    )
    made.append(
        spec("toy-epoch", "0.9~rc1-2", "Epoch: 1", files={"/usr/share/toy-epoch/version": "0.9"}, flags={}, scripts={}),
    )
    return made


ADVISORIES = (
    ("LAB-2026:1", "security", "CVE-2026-1001", ("claimedit-1.1-1", "claimedit-rates-1.1-1")),
    ("LAB-2026:2", "security", "CVE-2026-1002", ("clinic-settings-1.1-1",)),
    ("LAB-2026:3", "security", "CVE-2026-1003", ("toy-post-1.1-1",)),
    ("LAB-2026:4", "security", "CVE-2026-1004", ("toy-slow-1.1-1",)),
    ("LAB-2026:5", "enhancement", "", ("toy-plain-1.1-1",)),
    ("LAB-2026:6", "security", "CVE-2026-1006", ("toy-unsigned-1.1-1",)),
    ("LAB-2026:7", "security", "CVE-2026-1007", ("claimedit-1.2-1",)),
    ("LAB-2026:9", "security", "CVE-2026-1009", ("toy-heir-1.1-1",)),
    ("LAB-2026:8", "security", "CVE-2026-1008", ("toy-epoch-1:0.9~rc1-2",)),
)


def updateinfo(present: set[str]) -> str:
    """Return updateinfo.xml for the advisories whose packages are all on offer."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<updates>"]
    for advisory, kind, cve, packages in ADVISORIES:
        if not all(package.replace("1:", "") in present for package in packages):
            continue
        lines += [
            f'<update from="lab@example.org" status="final" type="{kind}" version="1">',
            f"<id>{advisory}</id><title>{advisory}</title><severity>Important</severity>",
            '<issued date="2026-11-20 00:00:00"/><references>',
            f'<reference href="https://example.org/{cve}" id="{cve}" type="cve" title="{cve}"/>' if cve else "",
            '</references><pkglist><collection short="lab"><name>lab</name>',
        ]
        for package in packages:
            name, version, release = package.rsplit("-", 2)
            epoch, _colon, plain = version.rpartition(":")
            file = f"{name}-{plain}-{release}.noarch.rpm"
            lines.append(
                f'<package name="{name}" version="{plain}" release="{release}" epoch="{epoch or 0}" arch="noarch">'
                f"<filename>{file}</filename></package>"
            )
        lines.append("</collection></pkglist></update>")
    return "\n".join([*lines, "</updates>"]) + "\n"


def run(*argv: str) -> None:
    """Run a tool; its words are shown when it fails."""
    done = subprocess.run(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}")


def gpg(*argv: str) -> None:
    """Run gpg with the throw-away key's home."""
    run("gpg", "--homedir", str(GNUPG), "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", *argv)


def build() -> None:
    """Make the key and every package, once."""
    if POOL.exists():
        return
    GNUPG.mkdir(mode=0o700, parents=True)
    gpg("--quick-generate-key", USER, "rsa2048", "sign", "1y")
    KEY.parent.mkdir(parents=True, exist_ok=True)
    gpg("--armor", "--output", str(KEY), "--export", USER)
    top = HOME / "build"
    for number, text in enumerate(specs()):
        file = top / "SPECS" / f"{number}.spec"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        run("rpmbuild", "--quiet", "-bb", "--define", f"_topdir {top}", str(file))
    POOL.mkdir()
    for rpm in sorted((top / "RPMS").rglob("*.rpm")):
        if not rpm.name.startswith("toy-unsigned-1.1"):
            settings = (f"_gpg_path {GNUPG}", f"_gpg_name {USER}", "__gpg /usr/bin/gpg")
            run("rpmsign", *(f"--define={setting}" for setting in settings), "--addsign", str(rpm))
        shutil.move(rpm, POOL / rpm.name)


def publish(*limits: str) -> None:
    """Put the packages on offer: all, or of the named ones only versions up to the named."""
    upto = dict(limit.split("=", 1) for limit in limits)
    fresh = HOME / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    present = set()
    for rpm in sorted(POOL.iterdir()):
        nevr = rpm.name.removesuffix(".noarch.rpm")
        name, version, _release = nevr.rsplit("-", 2)
        if version <= upto.get(name, version):
            shutil.copy2(rpm, fresh / rpm.name)
            present.add(nevr)
    run("createrepo_c", "--quiet", str(fresh))
    (HOME / "updateinfo.xml").write_text(updateinfo(present), encoding="utf-8")
    run("modifyrepo_c", str(HOME / "updateinfo.xml"), str(fresh / "repodata"))
    index = fresh / "repodata" / "repomd.xml"
    gpg("--armor", "--detach-sign", "--output", f"{index}.asc", str(index))
    old = HOME / "old"
    shutil.rmtree(old, ignore_errors=True)
    if SERVED.exists():
        SERVED.rename(old)
    fresh.rename(SERVED)


if __name__ == "__main__":
    {"build": build, "publish": publish}[sys.argv[1]](*sys.argv[2:])
