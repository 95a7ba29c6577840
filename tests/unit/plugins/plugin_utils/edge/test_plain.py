# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tagged values become plain ones."""

from __future__ import annotations

import yaml
from ansible.template import trust_as_template
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain


def test_a_tagged_text_becomes_a_text_that_yaml_can_write():
    tagged = trust_as_template("text")
    assert type(tagged) is not str
    assert type(plain(tagged)) is str
    assert yaml.safe_dump(plain({tagged: [tagged]})) == "text:\n- text\n"


def test_truth_stays_truth_and_numbers_stay_numbers():
    assert plain([True, 1, 1.5, None, (2, {3})]) == [True, 1, 1.5, None, [2, [3]]]
    assert plain(True) is True
