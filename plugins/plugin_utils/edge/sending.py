# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending notices as `notices.yml` of the site says: by mail, by webhook. Secrets stand in files of their own."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import HoldfastError
from ..evidence.notices import Notice
from ..site.problems import Fault, SiteFilesError
from ..site.reading import read_document
from ..site.structure import Fields, Items, Text
from .no_redirect import OPENER

FILE = "notices.yml"
SENDMAIL = "/usr/sbin/sendmail"
PATIENCE = 30
"""Seconds that a mail program or a webhook may take."""

_ADDRESS = Text("a mail address", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,200}")
_URL = Text(
    "an http or https address without name and password",
    r"https?://[^\s/@?#]+(?:[/?#]\S*)?",
    1000,
    do="write secrets into a file and name it with url_file or token_file",
    hide=True,
)
_PATH = Text("a path, from the site's folder or absolute", r"[^\x00-\x1f\x7f]+", 1000)

NOTICES = Fields(
    "who is told of drift",
    optional={
        "mail": Fields(
            "mail by a sendmail program",
            required={"to": Items(_ADDRESS, least=1, most=50, distinct=True), "from": _ADDRESS},
            optional={"program": _PATH},
        ),
        "webhook": Fields(
            "a POST of JSON",
            optional={"token_file": _PATH},
            one_of={"url": _URL, "url_file": _PATH},
        ),
    },
)
"""What notices.yml may hold."""


class SendingError(HoldfastError):
    """A notice did not go out."""


@dataclass(frozen=True)
class Channels:
    """Where notices go; nothing is read from secret files before it is needed."""

    root: Path
    mail: Mapping[str, Any] | None
    webhook: Mapping[str, Any] | None

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
        message = EmailMessage()
        message["From"], message["To"] = settings["from"], ", ".join(settings["to"])
        # No line break can be in it, and mail programs cut long ones in their own ways.
        line = re.sub(r"\s+", " ", notice.line)
        message["Subject"] = line if len(line) <= 200 else line[:197] + "..."
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notice.body)
        program = str(self.root / settings.get("program", SENDMAIL))
        try:
            done = subprocess.run(
                [program, "-i", "-t"], input=message.as_bytes(), capture_output=True, timeout=PATIENCE, check=False
            )
        except OSError as error:
            raise SendingError(f"{FILE}: mail.program: {program}: {error.strerror}; the notice was not sent") from error
        except subprocess.TimeoutExpired as error:
            raise SendingError(f"{FILE}: mail.program: {program}: took more than {PATIENCE} s") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[:200]
            raise SendingError(f"{FILE}: mail.program: {program} left with {done.returncode}: {said}")

    def _post(self, notice: Notice, settings: Mapping[str, Any]) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": "holdfast"}
        if "token_file" in settings:
            headers["Authorization"] = f"Bearer {self._secret('token_file', settings['token_file'])}"
        url = settings["url"] if "url" in settings else self._secret("url_file", settings["url_file"])
        host = urlsplit(url).hostname  # the rest of an address may be a secret, so errors name the host alone
        if not re.fullmatch(r"https?://[^\s/@?#]+(?:[/?#]\S*)?", url):
            raise SendingError(f"{FILE}: webhook.url_file: holds no http or https address; write one line with it")
        request = urllib.request.Request(url, json.dumps(notice.to_dict()).encode(), headers, method="POST")  # noqa: S310 - the scheme was checked above
        try:
            with OPENER.open(request, timeout=PATIENCE):
                pass
        except urllib.error.HTTPError as error:
            raise SendingError(f"{FILE}: webhook: {host} answered {error.code}; the notice was not taken") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise SendingError(f"{FILE}: webhook: {host}: {reason}; the notice was not sent") from error

    def _secret(self, key: str, named: str) -> str:
        """Return what a secret's file holds; raises SendingError unless it is this user's, and nobody else reads it."""
        path = self.root / named
        where = f"{FILE}: webhook.{key}: {path}"
        try:
            with path.open(encoding="utf-8") as file:
                found = os.fstat(file.fileno())
                if found.st_mode & 0o077 or not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
                    raise SendingError(f"{where}: others can read it; run chmod 600 on it, as its owner")
                secret = file.read(4096).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SendingError(f"{where}: cannot be read; expected one line of text that this user can read") from error
        if not re.fullmatch(r"[\x21-\x7e]+", secret):
            raise SendingError(f"{where}: expected one line without blanks")
        return secret


def read_channels(root: Path) -> Channels:
    """Return where the notices of the site at `root` go; without notices.yml, nowhere. Raises SiteFilesError."""
    path = root / FILE
    if not path.exists():
        return Channels(root, None, None)
    document, problems = read_document(path, FILE)
    problems = problems or document.problems([*notices_faults(document.data)])
    if problems:
        raise SiteFilesError(problems)
    return Channels(root, document.data.get("mail"), document.data.get("webhook"))


def notices_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with the content of notices.yml."""
    yield from NOTICES.faults(data)
