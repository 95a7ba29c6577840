# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts' images: bootstrapped from the Debian archive once, kept in podman under their recipe's digest."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from . import mirrors, toy
from .errors import LabError
from .mirrors import Mirrors
from .places import Places
from .process import run

REPOSITORY = "localhost/holdfast-lab"
_HOOK = Path(__file__).parent / "image_hook.sh"

_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "chrony", "cron", "nftables", "iproute2",
    "procps", "kmod", "python3", "python3-apt", "ca-certificates", "nginx", "postgresql",
    # What the roles configure. Bringing a host to a baseline is timed without the download of packages.
    "aide", "aide-common", "auditd", "clamav", "clamav-daemon", "cracklib-runtime", "cryptsetup-bin", "dconf-cli",
    "libpam-google-authenticator", "libpam-pwquality", "openssl", "restic", "rsyslog", "rsyslog-gnutls",
    "unattended-upgrades", "wireguard-tools",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Everything an image is made from. Two equal recipes give images that may stand for each other."""

    release: str
    mirror: str
    security: str
    packages: tuple[str, ...]
    hook: str
    toy: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def tag(self) -> str:
        return f"{REPOSITORY}:{self.release}-{self.digest[:16]}"


def recipe(release: str, source: Mirrors) -> Recipe:
    """The recipe of `release`, from this file, the hook, the toy package and the machine's mirrors."""
    return Recipe(
        release=release,
        mirror=source.main,
        security=source.security,
        packages=tuple(sorted(_PACKAGES)),
        hook=hashlib.sha256(_HOOK.read_bytes()).hexdigest(),
        toy=toy.source_digest(),
    )


def present(tag: str) -> bool:
    return run(["podman", "image", "exists", tag], check=False).returncode == 0


def ensure_all(releases: Iterable[str], say: Callable[[str], None]) -> dict[str, str]:
    """Return release -> image tag for `releases`, building what podman has not, side by side.

    Raises MissingError when no Debian archive is known, LabError when a bootstrap fails.
    """
    found = mirrors.find()
    recipes = [recipe(release, found) for release in dict.fromkeys(releases)]
    with ThreadPoolExecutor() as pool:
        tags = list(pool.map(lambda wanted: ensure(wanted, found, say), recipes))
    return {wanted.release: tag for wanted, tag in zip(recipes, tags, strict=True)}


def remove_unused(say: Callable[[str], None]) -> None:
    """Remove the lab's images that no container uses."""
    for tag in run(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY]).stdout.split():
        if run(["podman", "rmi", tag], check=False).returncode == 0:
            say(f"removed {tag}")


def ensure(wanted: Recipe, source: Mirrors, say: Callable[[str], None]) -> str:
    """Return the tag of the image made from `wanted`, building it when podman has none.

    Raises LabError when the bootstrap fails; nothing half-made stays behind.
    """
    if present(wanted.tag):
        return wanted.tag
    with Places("images").locked(f"image-{wanted.release}"):
        if not present(wanted.tag):
            _build(wanted, source, say)
    return wanted.tag


def _build(wanted: Recipe, source: Mirrors, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    say(f"image {wanted.release}: bootstrapping {len(wanted.packages)} packages and what they need "
        f"from {wanted.mirror} (once; about a minute)")  # fmt: skip
    scratch_parent = Places("images").all_fleets
    scratch_parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_parent, prefix=".image-") as scratch:
        Path(scratch).chmod(0o755)  # the bootstrap may run under another user id
        tar = Path(scratch) / "root.tar"
        deb = toy.build(toy.VERSIONS[0], Path(scratch)).path
        security = f"deb {wanted.security} {wanted.release}-security main"
        hook = f'sh "{_HOOK}" "$1" "{security}" "{deb}"'
        argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(wanted.packages)}"]
        argv += [f"--aptopt={option}" for option in source.apt_options]
        argv += ["--skip=cleanup/apt/lists", f"--customize-hook={hook}", wanted.release, str(tar)]
        argv += [f"deb {wanted.mirror} {wanted.release} main"]
        try:
            run(argv, timeout=900)
        except LabError as exc:
            raise LabError(
                f"image {wanted.release}: the bootstrap failed: {exc}\n"
                f"is {wanted.mirror} reachable? LAB_MIRROR and LAB_SECURITY_MIRROR name other archives"
            ) from exc
        label = f"LABEL holdfast.lab.recipe={wanted.digest}"
        run(["podman", "import", "--quiet", "--change", label, str(tar), wanted.tag], timeout=300)
    say(f"image {wanted.release}: made in {time.monotonic() - started:.0f} s, kept as {wanted.tag}")
