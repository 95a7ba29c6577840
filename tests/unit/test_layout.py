# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository keeps to its layout: links, strata, purity, headers, explained ignores, no machine words."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests import layout
from tests.artefacts import GIT

ROOT = Path(__file__).resolve().parents[2]
LINKS = ROOT / "collections" / "ansible_collections" / "holdfast" / "hipaa"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
TEXT = {".cfg", ".in", ".j2", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Every file under version control that is a file here, as its path from the root."""
    listing = subprocess.run([*GIT, "ls-files", "-z"], check=False, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("needs a git checkout: only there it is known which files are ours")
    return [name for name in listing.stdout.split("\0") if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def complaints(names: list[str], rule: Callable[[str, str], list[str]], pattern: str) -> list[str]:
    """Return what a rule has to say about all files whose path matches; none matching is a complaint too."""
    chosen = [name for name in names if re.fullmatch(pattern, name)]
    return [line for name in chosen for line in rule(name, read(name))] if chosen else [f"no file matches {pattern}"]


def texts(names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if Path(name).suffix in TEXT and name != "LICENSE":
            yield name, read(name)


def test_every_shipped_name_is_linked_for_the_plain_checkout() -> None:
    assert sorted(WHEEL["only-include"]) == sorted(path.name for path in LINKS.iterdir())


@pytest.mark.parametrize("name", sorted(WHEEL["only-include"]))
def test_link_is_relative_and_leads_to_its_namesake_at_the_root(name: str) -> None:
    link = LINKS / name
    assert link.is_symlink(), f"{link} is no link"
    assert not link.readlink().is_absolute()
    assert link.resolve() == ROOT / name
    assert link.exists(), f"{name} does not exist at the root"


def test_playbooks_have_names_ansible_can_spell_in_full(tracked: list[str]) -> None:
    names = [Path(name).stem for name in tracked if re.fullmatch(r"playbooks/[^/]+\.ya?ml", name)]
    assert names
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []


def test_no_package_marker_under_plugins(tracked: list[str]) -> None:
    assert [name for name in tracked if name.startswith("plugins/") and name.endswith("__init__.py")] == []


ENGINE = r"plugins/plugin_utils/.+\.py"


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        (layout.impurities, ENGINE),
        (layout.upward_imports, ENGINE),
        (layout.early_imports, r"plugins/.+\.py"),
        (layout.managed_host_imports, r"plugins/(modules|module_utils)/.+\.py"),
        (layout.header_faults, r"(plugins|lab|tests|molecule)/.+\.py"),
    ],
    ids=lambda value: getattr(value, "__name__", "").replace("_", "-"),
)
def test_rule_holds(tracked: list[str], rule: Callable[[str, str], list[str]], pattern: str) -> None:
    found = complaints(tracked, rule, pattern)
    assert not found, "\n".join(found)


def test_every_ignore_says_why(tracked: list[str]) -> None:
    # The rule's own words and their bad examples stand in these two.
    others = [name for name in tracked if name not in ("tests/layout.py", "tests/unit/test_layout.py")]
    found = [line for name, text in texts(others) for line in layout.silent_silencers(name, text)]
    for name in others:
        if re.fullmatch(r"tests/sanity/ignore-.+\.txt", name):
            found += layout.unexplained_ignores(name, read(name))
    assert not found, "\n".join(found)


def test_no_file_names_a_registry_host_or_a_path_of_one_machine(tracked: list[str]) -> None:
    found = [line for name, text in texts(tracked) for line in layout.machine_words(name, text)]
    assert not found, "\n".join(found)


def test_documents_name_only_targets_that_make_knows(tracked: list[str]) -> None:
    targets = layout.make_targets(read("Makefile"))
    found = [line for name, text in texts(tracked) if name.endswith(".md")
             for line in layout.unknown_make_words(name, text, targets)]  # fmt: skip
    assert found == []


def test_every_dependency_is_pinned_once_and_by_version_only() -> None:
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []
    pinned = [plain_name(line) for line in lines]
    assert len(pinned) == len(set(pinned))
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    assert [name for name in map(plain_name, wanted) if name not in pinned] == []


def test_execution_environment_asks_for_what_the_package_asks_for() -> None:
    described = yaml.safe_load(read("meta/execution-environment.yml"))["dependencies"]["python"]
    listed = [line for line in read(f"meta/{described}").splitlines() if line and not line.startswith("#")]
    # The environment brings ansible-core itself, in the version its builder chose.
    wanted = [line for line in PROJECT["project"]["dependencies"] if plain_name(line) != "ansible-core"]
    assert wanted == listed


def test_lowest_ansible_core_is_the_same_everywhere() -> None:
    (core,) = [line for line in PROJECT["project"]["dependencies"] if plain_name(line) == "ansible-core"]
    lowest = re.search(r">=(\d+\.\d+)", core)
    assert lowest is not None
    assert yaml.safe_load(read("meta/runtime.yml"))["requires_ansible"] == f">={lowest[1]}.0"


def plain_name(requirement: str) -> str:
    """Return a requirement's package as registries compare it: lower case, one dash for any separators."""
    name = re.match(r"[A-Za-z0-9._-]*[A-Za-z0-9]", requirement)
    assert name is not None, f"{requirement} names no package"
    return re.sub(r"[-_.]+", "-", name[0]).lower()


# Each rule must be able to fail: what follows breaks them one by one.
STORE = "plugins/plugin_utils/ledger/store.py"
AUDIT = "plugins/plugin_utils/audit/chain.py"
PROBE = "plugins/modules/probe.py"
BROKEN = [
    (layout.impurities, STORE, "from ansible.utils import display", "imports ansible.utils"),
    (layout.impurities, STORE, "import os\nos.environ['HOME']", "uses os.environ"),
    (layout.impurities, STORE, "from os import environ", "imports os.environ"),
    (layout.impurities, STORE, "from datetime import datetime\ndatetime.now()", "uses datetime.now"),
    (layout.impurities, STORE, "print('x')", "calls print()"),
    (layout.upward_imports, STORE, "from ..change.plan import Plan", "ledger imports change"),
    (layout.upward_imports, STORE, "from .. import cli", "ledger imports cli"),
    (layout.upward_imports, STORE, "from ...action import gate", "leaves the engine"),
    (layout.upward_imports, AUDIT, "from ..ledger import merkle", "audit imports ledger"),
    (layout.upward_imports, "plugins/plugin_utils/errors.py", "from .site import x", "errors imports site"),
    (layout.upward_imports, "plugins/plugin_utils/new/thing.py", "", "has no stratum"),
    (layout.early_imports, STORE, "import sqlalchemy", "imports sqlalchemy at the top"),
    (layout.managed_host_imports, PROBE, "import yaml", "imports yaml"),
    (layout.managed_host_imports, PROBE, "import dnf", "imports dnf"),
    (layout.managed_host_imports, PROBE, "from ..plugin_utils.site import x", "plugin_utils.site"),
    (layout.header_faults, STORE, "import os\n", "SPDX"),
    (layout.header_faults, STORE, "def f(x: int): pass", "from __future__"),
    (layout.header_faults, "plugins/modules/x.py", 'DOCUMENTATION = """"""', "GNU General Public License"),
    (layout.silent_silencers, "a.py", "import x  # noqa: F401", "gives no reason"),
    (layout.silent_silencers, "a.py", "x = y  # type: ignore[misc]", "gives no reason"),
    (layout.silent_silencers, "a.yml", "- shell: x  # noqa: command-instead-of-module", "gives no reason"),
    (layout.silent_silencers, "a.yml", "a: 1  # yamllint disable-line rule:colons", "gives no reason"),
    (layout.unexplained_ignores, "ignore-2.19.txt", "plugins/modules/x.py shebang", "no reason"),
    (layout.machine_words, "README.md", "see https://deb.debian" + ".org/debian", "names debian" + ".org"),
    (layout.machine_words, "a.py", "open('/ro" + "ot/x')", "names /ro" + "ot/"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "text", "expected"), BROKEN)
def test_rule_sees_what_breaks_it(rule: Callable[[str, str], list[str]], path: str, text: str, expected: str) -> None:
    assert expected in "\n".join(rule(path, text))


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (layout.impurities, "plugins/plugin_utils/edge/environment.py", "import os\nos.environ['HOME']"),
        (layout.impurities, STORE, "def age(now): return now.timestamp()"),
        (
            layout.upward_imports,
            STORE,
            "from ..errors import LedgerError\nfrom .merkle import root\nfrom . import keys",
        ),
        (layout.upward_imports, STORE, "from ...module_utils.probes import registry"),
        (layout.early_imports, STORE, "def engine():\n    import sqlalchemy"),
        (layout.early_imports, STORE, "try:\n    import sqlalchemy\nexcept ImportError:\n    sqlalchemy = None"),
        (layout.machine_words, "lab/hosts.py", "/ro" + "ot/.ssh"),
        (
            layout.managed_host_imports,
            "plugins/modules/probe.py",
            "import os\nfrom ..module_utils.probes import all_kinds",
        ),
        (layout.silent_silencers, "a.py", "import x  # noqa: F401 (others import it from here)"),
        (
            layout.silent_silencers,
            "a.yml",
            "# the vendor's key is spelt so\na: 1  # yamllint disable-line rule:colons",
        ),
        (
            layout.unexplained_ignores,
            "ignore-2.19.txt",
            "plugins/x.py shebang # it runs before any environment",
        ),
    ],
)
def test_rule_lets_good_text_pass(rule: Callable[[str, str], list[str]], path: str, text: str) -> None:
    assert rule(path, text) == []


def test_make_words_are_read_in_blocks_and_in_running_text() -> None:
    text = "Run `make up` or\n\n    $ make down up  # both\n\nwhich make things better."
    assert layout.unknown_make_words("x.md", text, {"up"}) == ["x.md: `make down` is no target of the Makefile"]
