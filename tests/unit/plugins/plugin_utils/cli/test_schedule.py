# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units and cron files for a site: what they run is what was meant, whatever the path is called."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.schedule import cron_quoted, systemd_quoted

ODD = ["plain", "two words", "50%", "$HOME", "a'b", 'a"b', "back\\slash", "`id`", "a;b", "~", "%h", "$$", "#x"]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site in a folder whose name needs care."""
    folder = tmp_path / "the 50% $HOME 'site'"
    assert main(["init", str(folder), "--name", "clinic", "--host", "192.0.2.10", "--owner", "it-operations"]) == 0
    return folder


@pytest.mark.parametrize("word", ODD)
def test_cron_hands_the_shell_one_word(word: str) -> None:
    """Cron takes the backslash before a percent sign away, then calls the shell."""
    quoted = cron_quoted(word)
    assert not re.search(r"(?<!\\)%", quoted)
    command = f"printf '%s' {quoted}".replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout == word


@pytest.mark.parametrize("word", ODD)
def test_systemd_reads_one_word(word: str) -> None:
    """By the rules of systemd.service(5): C escapes in quotes, %% and $$ for themselves."""
    quoted = systemd_quoted(word)
    assert (quoted[0], quoted[-1]) == ('"', '"')
    inner = re.sub(r"\\(.)", r"\1", quoted[1:-1])
    assert inner.replace("%%", "%").replace("$$", "$") == word
    assert not re.search(r"(?<!%)%(?:%%)*(?!%)", quoted)


def test_both_forms_for_machines(site: Path, capsys: Capture) -> None:
    assert main(["schedule", "--site", str(site), "--format", "json", "--user", "holdfast"]) == 0
    files = json.loads(capsys.readouterr().out)
    assert sorted(files) == ["holdfast-clinic", "holdfast-clinic.service", "holdfast-clinic.timer"]
    assert "User=holdfast" in files["holdfast-clinic.service"]
    assert "OnCalendar=hourly" in files["holdfast-clinic.timer"]
    line = files["holdfast-clinic"].splitlines()[-1]
    assert line.startswith("17 * * * * holdfast /")
    assert line.endswith(" >/dev/null")
    command = line.split("holdfast ", 1)[1].removesuffix(" >/dev/null").replace("\\%", "%")
    done = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, timeout=10, check=True
    )
    assert done.stdout.splitlines()[-3:] == ["watch", "--site", str(site)]


def test_printed_for_a_person(site: Path, capsys: Capture) -> None:
    assert main(["schedule", "--site", str(site), "--every", "daily"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# --- holdfast-clinic.service\n")
    assert "# --- holdfast-clinic.timer\n" in text
    assert "OnCalendar=daily" in text


def test_systemd_takes_the_units(site: Path, tmp_path: Path, capsys: Capture) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    folder = tmp_path / "units"
    assert main(["schedule", "--site", str(site), "--output", str(folder), "--user", "root"]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in written] == ["holdfast-clinic.service", "holdfast-clinic.timer"]
    done = subprocess.run(
        [program, "verify", "--man=no", "--recursive-errors=no", *map(str, written)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    service = written[0]
    service.write_text(service.read_text().replace("Type=oneshot", "Type=onehsot"))
    done = subprocess.run(
        [program, "verify", "--man=no", "--recursive-errors=no", str(service)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "onehsot" in done.stderr


def test_what_no_unit_can_hold_is_refused(site: Path, capsys: Capture) -> None:
    broken = site.rename(site.parent / "two\nlines")
    assert main(["schedule", "--site", str(broken)]) == 2
    assert "no unit can hold a path with control characters" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["schedule", "--site", str(broken), "--user", "root;id"])
    assert stopped.value.code == 2
