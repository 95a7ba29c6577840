# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all lookups of this collection share: the site they ask, plain values, errors in Ansible's own form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..errors import HoldfastError
from .environment import find_site
from .plain import plain

NOBODY = "holdfast_none"
"""The register's group without hosts: a play without a host to run on, where no pattern at all would be an error."""


class SiteLookup(LookupBase):  # type: ignore[misc]  # ansible-core ships no type information
    """A lookup that a site answers. Subclasses write `answer`."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[Any]:
        """Answer; an engine's error fails the lookup with the engine's words."""
        self.set_options(var_options=variables, direct=kwargs)
        self.variables = variables or {}
        try:
            return self.answer(plain(terms))
        except HoldfastError as error:
            raise AnsibleLookupError(str(error)) from error

    def answer(self, terms: list[Any]) -> list[Any]:
        """Return what the lookup returns for these terms."""
        raise NotImplementedError

    @property
    def root(self) -> Path:
        """The site's folder. Raises SiteError where there is none."""
        return find_site(self.get_option("site"))


class ChangeLookup(SiteLookup):
    """A lookup of a change's hosts, batch by batch: all of them, or the sizes of the batches, as `want` says.

    Subclasses set `name` and write `batches`.
    """

    name = ""

    def answer(self, terms: list[Any]) -> list[Any]:
        """Return a play's `hosts` or its `serial`, which may not be empty; without a change nobody's."""
        if len(terms) != 1:
            raise AnsibleLookupError(f"{self.name}: name one change, for example -e change=chg_...")
        # Nobody, not an error: a syntax check names no change. The recorder refuses a run without one.
        batches = self.batches(terms[0], plain(self.get_option("ring")) or None) if terms[0] else ()
        if self.get_option("want") == "sizes":
            return [len(hosts) for hosts in batches] or [1]
        return [host for hosts in batches for host in hosts] or [NOBODY]

    def batches(self, change_id: str, ring: str | None) -> Sequence[Sequence[str]]:
        """Return the hosts of a change whose turn comes together; `ring` keeps those of one ring."""
        raise NotImplementedError
