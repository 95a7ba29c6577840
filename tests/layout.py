# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout's rules, each a function from text to complaints; tests/unit/test_layout.py applies them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

# The engine's packages, lowest first: each may import those before it, and no other.
STRATA = (
    "errors", "verdicts", "content", "site", "observed", "advisories", "intake", "ledger", "risk", "change", "policy",
    "audit", "witness", "evidence", "edge", "cli",
)  # fmt: skip
# The auditor shares no code with the writer whose records it checks, nor with what judges them.
ALONE = {"audit": {"errors"}, "witness": {"errors", "audit"}}
# Where the process meets the world; nothing else reads clock or environment, or prints.
EDGES = {"edge", "cli"}

# May be imported at the top of a file: ansible-core itself needs these, and ansible-test imports with them alone.
TOP_LEVEL = {"yaml", "jinja2", "markupsafe"}

_CLOCK_AND_WORLD = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.perf_counter",
    "time.localtime", "time.gmtime", "time.sleep", "os.environ", "os.getenv", "os.environb", "os.putenv",
    "sys.stdout", "sys.stderr", "sys.argv",
}  # fmt: skip

_PLUGINS = "ansible_collections.holdfast.hipaa.plugins"
_COPYRIGHT = "# Copyright: (c) 2026, Holdfast contributors"
_SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later"
_GPL = "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)"

# A linter's word for `be silent here`, and after it the rules that are to be silent.
_SILENCER = re.compile(
    r"#\s*(?:noqa\b(?::?\s*[\w\[\]-]+(?:,\s*[\w\[\]-]+)*)?"
    r"|type:\s*ignore(?:\[[\w, -]+\])?"
    r"|pylint:\s*disable(?:-next)?=[\w,-]+"
    r"|yamllint disable(?:-line)?(?:\s+rule:[\w-]+)*"
    r"|pragma:\s*no cover)"
)
# Spelt in two halves, so that this file passes its own rule.
_HOMES = (("/ro", "ot/"), ("/home", "/"))
# What speaks of managed hosts, where these are just folders.
_OF_HOSTS = (
    ".config/molecule/", "baselines/", "lab/", "molecule/", "plugins/modules/", "plugins/module_utils/", "roles/",
    "tests/drilling.py", "tests/drills/", "tests/faults/", "tests/host_digest.py", "tests/integration/", "tests/vm/",
    "tests/unit/plugins/modules/", "tests/unit/plugins/module_utils/",
)  # fmt: skip
_HOSTS_AND_PATHS = re.compile(
    "|".join(
        re.escape(first + second)
        for first, second in (
            ("debian", ".org"), ("ubuntu", ".com/ubuntu"), ("pypi", ".org"), ("python", "hosted.org"),
            ("npmjs", ".org"), ("galaxy.", "ansible.com"), ("proxy.", "golang"),
            ("/wo", "rk/"), *_HOMES,
        )
    )
)  # fmt: skip
_MAKE = re.compile(
    r"(?:^\s*\$?\s*|`)(?:[A-Z_]+=\S+ )*make ([a-z][a-z-]*(?: [a-z][a-z-]*)*)(?=`|\s*$|\s+#)", re.MULTILINE
)


def package_of(path: str) -> str:
    """Return the engine's package a file belongs to: `ledger` for plugins/plugin_utils/ledger/store.py."""
    return PurePosixPath(path).parts[2].removesuffix(".py")


def _imports(tree: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, str, int]]:
    """Yield every import as (node, dotted name, level); the level counts the leading dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or "", node.level


def impurities(path: str, source: str) -> list[str]:
    """Return where a file of the engine does what only its edges may: Ansible, clock, environment, print."""
    if package_of(path) in EDGES:
        return []
    tree = ast.parse(source)
    found = [
        f"{path}:{node.lineno}: imports {name}" for node, name, level in _imports(tree)
        if level == 0 and name.split(".")[0] in ("ansible", "ansible_collections")
    ]  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in _CLOCK_AND_WORLD:
            found.append(f"{path}:{node.lineno}: uses {ast.unparse(node)}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
            found.append(f"{path}:{node.lineno}: calls {node.func.id}()")
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "time") and node.level == 0:
            names = {f"{node.module}.{alias.name}" for alias in node.names} & _CLOCK_AND_WORLD
            found += [f"{path}:{node.lineno}: imports {name}" for name in sorted(names)]
    return found


def upward_imports(path: str, source: str) -> list[str]:
    """Return the imports with which a file of the engine reaches upward, or out of the engine."""
    own, found = package_of(path), []
    if own not in STRATA:
        return [f"{path}: package {own} has no stratum; give it one in tests/layout.py"]
    allowed = ALONE.get(own, set(STRATA[: STRATA.index(own)])) | {own}
    # 0 for plugin_utils/errors.py, 1 for plugin_utils/ledger/store.py
    depth = len(PurePosixPath(path).parts) - 3
    for node, name, level in _imports(ast.parse(source)):
        if level <= depth:
            continue  # within its own package, or absolute
        if level == depth + 2 and name.split(".")[0] == "module_utils":
            continue  # below the engine: what managed hosts can be asked is known there
        if level > depth + 1:
            found.append(f"{path}:{node.lineno}: leaves the engine with {'.' * level}{name}")
            continue
        targets = [name.split(".")[0]] if name else [alias.name for alias in node.names]
        found += [f"{path}:{node.lineno}: {own} imports {target}" for target in targets if target not in allowed]
    return found


def early_imports(path: str, source: str) -> list[str]:
    """Return third-party imports outside functions: without such a package Ansible cannot load the file."""
    known = set(sys.stdlib_module_names) | TOP_LEVEL | {"ansible", "ansible_collections"}
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for branch in ast.walk(tree):
        typing_only = isinstance(branch, ast.If) and ast.unparse(branch.test).endswith("TYPE_CHECKING")
        guarded = isinstance(branch, ast.Try) and any("ImportError" in ast.unparse(one) for one in branch.handlers)
        if typing_only or guarded:
            inside |= {id(node) for node in ast.walk(branch)}
    return [
        f"{path}:{node.lineno}: imports {name} at the top; import it inside the function that uses it"
        for node, name, level in _imports(tree)
        if level == 0 and id(node) not in inside and name.split(".")[0] not in known
    ]


_IN_DNFS_OWN_PYTHON = {"plugins/module_utils/packages/dnf_session.py": {"dnf", "hawkey", "libdnf"}}
"""A program for another interpreter than the module's: what it may import is wherever that interpreter is."""


def managed_host_imports(path: str, source: str) -> list[str]:
    """Return imports of what is not on a managed host: all but the standard library and module_utils."""
    found = []
    there = {*sys.stdlib_module_names, *_IN_DNFS_OWN_PYTHON.get(path, ())}
    for node, name, level in _imports(ast.parse(source)):
        ours = f"{name}.".startswith(("module_utils.", f"{_PLUGINS}.module_utils.")) or (
            level > 0 and path.startswith("plugins/module_utils/") and not name.startswith("plugin_utils")
        )
        if not (ours or name.startswith("ansible.module_utils") or name.split(".")[0] in there):
            found.append(f"{path}:{node.lineno}: imports {'.' * level}{name}")
    return found


def header_faults(path: str, source: str) -> list[str]:
    """Return the licence lines, and the future import, that a Python file lacks; an empty one needs none."""
    head = source.splitlines()[:8]
    wanted = [_COPYRIGHT, _SPDX]
    if path.startswith("plugins/") and re.search(r"^DOCUMENTATION = ", source, re.MULTILINE):
        wanted.append(_GPL)
    if not source.strip():
        return []
    found = [f"{path}: lacks the line {line}" for line in wanted if line not in head]
    annotated = any(
        getattr(node, "annotation", None) or getattr(node, "returns", None) for node in ast.walk(ast.parse(source))
    )
    if annotated and "from __future__ import annotations\n" not in source:
        found.append(f"{path}: lacks `from __future__ import annotations`")
    return found


def silent_silencers(path: str, text: str) -> list[str]:
    """Return the lines that silence a linter and say no why, neither after it nor in a comment line above."""
    lines, found = text.splitlines(), []
    for number, line in enumerate(lines, 1):
        for match in _SILENCER.finditer(line):
            above = lines[number - 2].strip() if number > 1 else ""
            said_above = above.startswith("#") and not _SILENCER.search(above) and len(above) > 12
            if not said_above and len(re.findall(r"[A-Za-z]{2,}", line[match.end() :])) < 2:
                found.append(f"{path}:{number}: `{match[0]}` gives no reason; say why after it, or on the line above")
    return found


def unexplained_ignores(path: str, text: str) -> list[str]:
    """Return the lines of one of ansible-test's ignore files that end in no comment with a reason."""
    return [
        f"{path}:{number}: no reason; end the line with `# why`"
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#") and not re.search(r"# .{10,}$", line)
    ]


def machine_words(path: str, text: str) -> list[str]:
    """Return where a file names a registry's host or a path that exists on one machine only."""
    return [
        f"{path}:{number}: names {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in _HOSTS_AND_PATHS.finditer(line)
        if not (match[0] in {first + second for first, second in _HOMES} and path.startswith(_OF_HOSTS))
    ]


def make_targets(makefile: str) -> set[str]:
    """Return the targets of a Makefile that a person may ask for."""
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def unknown_make_words(path: str, text: str, targets: set[str]) -> list[str]:
    """Return the targets that a document tells a reader to make, and that do not exist."""
    return [
        f"{path}: `make {word}` is no target of the Makefile"
        for words in _MAKE.findall(text)
        for word in words.split()
        if word not in targets
    ]
