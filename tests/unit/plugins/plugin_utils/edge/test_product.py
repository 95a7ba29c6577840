# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest over the product's files changes with their content and their names, and with nothing else."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.product import files_digest, product_version


def test_content_and_names_count_and_byte_code_does_not(tmp_path):
    (tmp_path / "plugins").mkdir()
    one = tmp_path / "plugins" / "one.py"
    one.write_text("a = 1\n")
    before = files_digest(tmp_path, ["plugins"])
    (tmp_path / "plugins" / "one.pyc").write_bytes(b"\0")
    assert files_digest(tmp_path, ["plugins"]) == before
    one.write_text("a = 2\n")
    changed = files_digest(tmp_path, ["plugins"])
    one.rename(tmp_path / "plugins" / "two.py")
    assert len({before, changed, files_digest(tmp_path, ["plugins"])}) == 3


def test_the_version_is_the_one_of_galaxy_yml():
    assert product_version().count(".") == 2
