# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` on the collection as it is shipped: built from HEAD, installed in build/.

`--prime` only makes the environments of the tests, the one part that uses the network; all other arguments go
to ansible-test, such as `--test validate-modules`. README.md here says how this runs, and what it leaves out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "sanity"
INSTALLED = BUILD / "ansible_collections" / "holdfast" / "hipaa"
HOME = BUILD / "home"
REPORTS = INSTALLED / "tests" / "output" / "junit"

sys.path.insert(0, str(ROOT))
from tests.artefacts import build_collection, export_head  # noqa: E402 (the path must be set first)


def install() -> None:
    """Build the tarball from HEAD and unpack it, in place of what lay there, where ansible-test wants it."""
    for folder in (BUILD / "head", BUILD / "ansible_collections", BUILD / "artefact"):
        shutil.rmtree(folder, ignore_errors=True)
    tarball = build_collection(export_head(BUILD / "head"), BUILD / "artefact")
    INSTALLED.mkdir(parents=True)
    subprocess.run(["tar", "--extract", "--gzip", "--file", str(tarball), "--directory", str(INSTALLED)], check=True)
    # ansible-test tests what git lists. Without a repository here it asks ours, which ignores build/.
    subprocess.run(["git", "init", "--quiet", str(INSTALLED)], check=True)
    (INSTALLED / ".git" / "info").mkdir(exist_ok=True)
    (INSTALLED / ".git" / "info" / "exclude").write_text("__pycache__/\ntests/output/\n", encoding="utf-8")


def make_home() -> dict[str, str]:
    """Return the environment for ansible-test, which keeps the environments of its tests in its home.

    pip's settings and cache are linked into it, since ansible-test hands its children HOME and little else.
    """
    real = Path.home()
    for name in (".config/pip", ".pip", ".cache/pip"):
        link = HOME / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if (real / name).is_dir() and not link.is_symlink():
            link.symlink_to(real / name)
    _provide_pip(HOME / ".ansible" / "test" / "cache")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**kept, "HOME": str(HOME), "PATH": path, "LC_ALL": "C.UTF-8"}


def _provide_pip(cache: Path) -> None:
    """Lay into ansible-test's cache the wheel of the pip it asks for, and the script that installs it."""
    try:
        from ansible_test._internal.host_configs import VirtualPythonConfig
        from ansible_test._internal.python_requirements import get_venv_packages
    except ImportError as error:
        raise SystemExit(
            f"sanity: {error}; expected ansible-core's ansible-test in this environment; run `make setup`"
        ) from error
    version = get_venv_packages(VirtualPythonConfig(version=_python()))["pip"]
    cache.mkdir(parents=True, exist_ok=True)
    if not list(cache.glob(f"pip-{version}-*.whl")):
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-qq",
                "--no-deps",
                "--dest",
                str(cache),
                f"pip=={version}",
            ],
            check=True,
        )
    shutil.copyfile(ROOT / "tests" / "sanity" / "get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    """Install, then test with this interpreter's version of Python; the exit code is ansible-test's."""
    arguments = ["--prime-venvs" if word == "--prime" else word for word in sys.argv[1:]]
    install()
    argv = ["ansible-test", "sanity", "--python", _python(), "--color", "no", "--junit", *arguments]
    return subprocess.run(argv, cwd=INSTALLED, env=make_home(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
