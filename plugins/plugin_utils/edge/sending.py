# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending notices as `notices.yml` of the site says: by mail, by webhook. Secrets stand in files of their own."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..evidence.notices import Notice
from ..site.problems import Fault, SiteFilesError
from ..site.reading import read_document
from ..site.structure import Fields, Pairs, Text
from .mailing import ADDRESS, ADDRESSES, FILE, PATH, PATIENCE, SMTP, SendingError, deliver, mail_faults, secret, written
from .no_redirect import OPENER

__all__ = ["FILE", "NOTICES", "Channels", "SendingError", "notices_faults", "post", "read_channels"]

_URL = Text(
    "an http or https address without name and password",
    r"https?://[^\s/@?#]+(?:[/?#]\S*)?",
    1000,
    do="write secrets into a file and name it with url_file or token_file",
    hide=True,
)

WEBHOOK = Fields("a POST of JSON", optional={"token_file": PATH}, one_of={"url": _URL, "url_file": PATH})

_PARTY = Text("a name of the register", r"[A-Za-z0-9][A-Za-z0-9 .,&'()/-]{0,98}", 100)

NOTICES = Fields(
    "who is told of drift, and of changes",
    optional={
        "mail": Fields(
            "mail by a sendmail program, or by a server",
            required={"to": ADDRESSES, "from": ADDRESS},
            optional={"program": PATH, "smtp": SMTP},
        ),
        "webhook": WEBHOOK,
        "changes": Fields(
            "who is told of changes",
            optional={
                "contact": Text("whom to ask, in a few words", most=200),
                "users": ADDRESSES,
                "executives": ADDRESSES,
                **{name: Pairs(f"{name} by name", _PARTY, ADDRESSES) for name in ("clinics", "payers", "vendors")},
                "webhook": WEBHOOK,
            },
        ),
    },
)
"""What notices.yml may hold."""


@dataclass(frozen=True)
class Channels:
    """Where notices go; nothing is read from secret files before it is needed."""

    root: Path
    mail: Mapping[str, Any] | None
    webhook: Mapping[str, Any] | None
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Who is told of changes, as the file says it."""

    def send(self, notice: Notice) -> list[str]:
        """Send a notice everywhere it shall go; return a sentence for each place where it did not arrive."""
        ways: list[tuple[Mapping[str, Any] | None, Callable[[Notice, Mapping[str, Any]], None]]] = [
            (self.mail, self._mail),
            (self.webhook, self._post),
        ]
        lost = []
        for settings, way in ways:
            try:
                if settings is not None:
                    way(notice, settings)
            except SendingError as error:
                lost.append(str(error))
        return lost

    def _mail(self, notice: Notice, settings: Mapping[str, Any]) -> None:
        deliver(self.root, settings, written(settings, settings["to"], notice.line, notice.body))

    def _post(self, notice: Notice, settings: Mapping[str, Any]) -> None:
        post(self.root, settings, notice.to_dict())


def post(root: Path, settings: Mapping[str, Any], payload: Mapping[str, Any], name: str = "") -> None:
    """Send data to a webhook; `name` tells its receiver that it has had this before. Raises SendingError."""
    headers = {"Content-Type": "application/json", "User-Agent": "holdfast"}
    if name:
        headers["Idempotency-Key"] = name
    if "token_file" in settings:
        token = secret(root, "webhook.token_file", settings["token_file"])
        headers["Authorization"] = f"Bearer {token}"
    url = settings["url"] if "url" in settings else secret(root, "webhook.url_file", settings["url_file"])
    host = urlsplit(url).hostname  # the rest of an address may be a secret, so errors name the host alone
    if not re.fullmatch(r"https?://[^\s/@?#]+(?:[/?#]\S*)?", url):
        raise SendingError(f"{FILE}: webhook.url_file: holds no http or https address; write one line with it")
    request = urllib.request.Request(url, json.dumps(payload).encode(), headers, method="POST")  # noqa: S310 - the scheme was checked above
    try:
        with OPENER.open(request, timeout=PATIENCE):
            pass
    except urllib.error.HTTPError as error:
        raise SendingError(f"{FILE}: webhook: {host} answered {error.code}; the notice was not taken") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SendingError(f"{FILE}: webhook: {host}: {reason}; the notice was not sent") from error


def read_channels(root: Path) -> Channels:
    """Return where the notices of the site at `root` go; without notices.yml, nowhere. Raises SiteFilesError."""
    path = root / FILE
    if not path.exists():
        return Channels(root, None, None)
    document, problems = read_document(path, FILE)
    problems = problems or document.problems([*notices_faults(document.data)])
    if problems:
        raise SiteFilesError(problems)
    said = document.data
    return Channels(root, said.get("mail"), said.get("webhook"), said.get("changes", {}))


def notices_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with the content of notices.yml."""
    found = [*NOTICES.faults(data)]
    yield from found
    if found:
        return
    mail = data.get("mail", {})
    yield from mail_faults(mail)
    told = {key for key in data.get("changes", {}) if key not in ("webhook", "contact")}
    if told and not mail:
        yield Fault(("changes",), f"addresses of {', '.join(sorted(told))}", "mail, by which they are told", "add mail")
