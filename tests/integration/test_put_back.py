# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody is left without web server or database: what the server refuses is put back, and it goes on answering."""

from __future__ import annotations

import pytest

from tests.drilling import FOLDER, apply

PAGE = "import urllib.request as u; print(u.urlopen('http://127.0.0.1/healthz').read().decode())"


def prepare(host, name):
    script = (FOLDER / f"prepare-{name}").read_text(encoding="utf-8")
    host.exec(["sh", "-eu"], stdin=script, timeout=300, check=True)


def said(host, command):
    return host.exec(["sh", "-c", command], check=True).stdout


def test_nginx_keeps_its_files_and_answers_when_it_refuses_the_new_ones(fresh_host, tmp_path):
    prepare(fresh_host, "nginx")
    # A format of the same name: nginx reads either alone, and not both.
    said(fresh_host, "echo \"log_format holdfast 'x';\" >/etc/nginx/conf.d/zz.conf && nginx -t -q")
    before = said(fresh_host, "cd /etc/nginx && find . -type f | sort | xargs sha256sum")
    with pytest.raises(AssertionError, match=r'duplicate \\?"log_format\\?" name'):
        apply(fresh_host.fleet, fresh_host.name, tmp_path, ["nginx"])
    assert said(fresh_host, "cd /etc/nginx && find . -type f | sort | xargs sha256sum") == before
    said(fresh_host, "nginx -t -q && systemctl reload nginx.service")
    assert said(fresh_host, f'python3 -c "{PAGE}"').strip() == "ok"


def test_postgresql_keeps_its_rules_and_answers_when_it_does_not_understand_the_new_ones(fresh_host, tmp_path):
    rules = "/etc/postgresql/*/main/pg_hba.conf"
    said(fresh_host, f"sed -i '1i local all drill trust' {rules} && echo nonsense >>$(echo {rules})")
    before = said(fresh_host, f"sha256sum {rules}")
    with pytest.raises(AssertionError, match="division by zero"):
        apply(fresh_host.fleet, fresh_host.name, tmp_path, ["postgresql"])
    assert said(fresh_host, f"sha256sum {rules}") == before
    assert said(fresh_host, "runuser -u postgres -- env -C / psql -XtA -c 'SELECT 41 + 1'").strip() == "42"
