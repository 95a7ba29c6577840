# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machine's disks: bootstrapped from the Debian archive once, kept under their recipe's digest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import mirrors
from .errors import LabError, MissingError
from .mirrors import Mirrors
from .places import Places
from .process import run

RELEASE = "bookworm"
HOST = "machine"
_HOOK = Path(__file__).parent / "vm_hook.sh"
_PACKAGES = (
    "linux-image-cloud-amd64", "systemd", "systemd-sysv", "udev", "dbus", "openssh-server", "sudo", "chrony", "cron",
    "nftables", "iproute2", "procps", "kmod", "python3", "python3-apt", "ca-certificates", "auditd", "cryptsetup",
    "libpam-pwquality", "rsyslog", "e2fsprogs", "apparmor", "wireguard-tools",
)  # fmt: skip
_ROOT_MIB = 2048
# What a baseline wants apart: each is a drive of its own.
_MOUNTED = {"/home": 64, "/var/tmp": 64, "/var/log": 128, "/var/log/audit": 64}  # noqa: S108 -- the machine's, not ours
_BLANK_MIB = 256


@dataclass(frozen=True)
class Disks:
    """The folder with a machine's disks as they are before its first boot, and the keys it knows."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def drives(self) -> tuple[Path, ...]:
        """The drives in the order of their letters: the root's, the mounted ones, one that is blank."""
        names = ["root", *(_name(point) for point in _MOUNTED), "blank"]
        return tuple(self.folder / f"{name}.img" for name in names)

    @property
    def keys(self) -> Path:
        return self.folder / "keys"


@dataclass(frozen=True)
class Recipe:
    """Everything the disks are made from."""

    mirror: str
    hook: str
    maker: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def recipe(source: Mirrors) -> Recipe:
    """The recipe, from this file, the hook and the machine's mirrors."""
    hook, maker = (hashlib.sha256(file.read_bytes()).hexdigest() for file in (_HOOK, Path(__file__)))
    return Recipe(source.main, hook, maker)


def ensure(say: Callable[[str], None]) -> Disks:
    """Return the disks, making them when no earlier call did.

    Raises MissingError when no archive is known or this user cannot make a file system with other owners' files,
    LabError when the bootstrap fails; nothing half-made stays behind.
    """
    found = mirrors.find()
    wanted = recipe(found)
    disks = Disks(_folder() / wanted.digest[:16])
    with Places("machine").locked("machine-disks"):
        if not disks.folder.exists():
            if os.geteuid() != 0:
                raise MissingError("the virtual machine's disks are made by root; as root: python3 -m lab vm image")
            _build(wanted, found, disks, say)
    return disks


def remove() -> None:
    """Remove all disks that were made."""
    shutil.rmtree(_folder(), ignore_errors=True)


def _folder() -> Path:
    return Places("machine").all_fleets / ".machine-disks"


def _name(point: str) -> str:
    return point.strip("/").replace("/", "-")


def _fstab() -> str:
    lines = ["/dev/vda / ext4 errors=remount-ro 0 1"]
    letters = "bcdefghij"
    lines += [f"/dev/vd{letters[i]} {point} ext4 defaults 0 2" for i, point in enumerate(_MOUNTED)]
    return "\n".join(lines) + "\n"


def _build(wanted: Recipe, source: Mirrors, disks: Disks, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    say(f"machine {RELEASE}: bootstrapping {len(_PACKAGES)} packages and what they need "
        f"from {wanted.mirror} (once; about a minute)")  # fmt: skip
    _folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_folder(), prefix=".new-") as scratch:
        new, root = Disks(Path(scratch) / "new"), Path(scratch) / "root"
        new.folder.mkdir()
        fstab = Path(scratch) / "fstab"
        fstab.write_text(_fstab(), encoding="utf-8")
        argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
        argv += [f"--aptopt={option}" for option in source.apt_options]
        argv += [f'--customize-hook=sh "{_HOOK}" "$1" "{fstab}"', RELEASE, str(root)]
        argv += [f"deb {wanted.mirror} {RELEASE} main"]
        try:
            run(argv, timeout=900)
        except LabError as exc:
            raise LabError(f"machine {RELEASE}: the bootstrap failed: {exc}") from exc
        _add_keys(root, new.keys)
        (kernel,), (initrd,) = root.glob("boot/vmlinuz-*"), root.glob("boot/initrd.img-*")
        shutil.copyfile(kernel, new.kernel)
        shutil.copyfile(initrd, new.initrd)
        first, *mounted, blank = new.drives
        # The innermost first: what lies on a drive of its own does not lie on the one below.
        for point, drive in sorted(zip(_MOUNTED, mounted, strict=True), reverse=True):
            below = root / point.lstrip("/")
            _file_system(drive, below, _MOUNTED[point])
            for entry in below.iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        _file_system(first, root, _ROOT_MIB)
        with blank.open("wb") as stream:
            stream.truncate(_BLANK_MIB << 20)
        new.folder.rename(disks.folder)
    say(f"machine {RELEASE}: made in {time.monotonic() - started:.0f} s, kept in {disks.folder}")


def _add_keys(root: Path, folder: Path) -> None:
    """Let the machine know its own key, and the one that opens it."""
    folder.mkdir(mode=0o700)
    for name in ("login", "host"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab-machine-{name}", "-f", str(folder / name)])
    mine = root / "root" / ".ssh"
    mine.mkdir(mode=0o700, exist_ok=True)
    (mine / "authorized_keys").write_bytes((folder / "login.pub").read_bytes())
    (mine / "authorized_keys").chmod(0o600)
    there = root / "etc" / "ssh" / "ssh_host_ed25519_key"
    for ending, source, mode in (("", "host", 0o600), (".pub", "host.pub", 0o644)):
        target = there.with_name(there.name + ending)
        target.write_bytes((folder / source).read_bytes())
        target.chmod(mode)


def _file_system(drive: Path, content: Path, mib: int) -> None:
    run(["mke2fs", "-q", "-t", "ext4", "-d", str(content), str(drive), f"{mib}M"], timeout=300)
    # It copies the rights of all but the topmost folder.
    mode = f"04{stat.S_IMODE(content.stat().st_mode):04o}"
    run(["debugfs", "-w", "-R", f"set_inode_field <2> mode {mode}", str(drive)])
