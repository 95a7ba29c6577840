# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files bring an nginx to its settings: overrides become comments, stricter limits stay, twice is once."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import nginx_files as files
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _nginx_tree as tree

MAIN = "/etc/nginx/nginx.conf"
SITE = "/etc/nginx/sites-enabled/site"
TEXTS = {
    MAIN: "user root;\nhttp {\n\taccess_log /var/log/a.log;\n\tinclude conf.d/*.conf;\n\tinclude sites-enabled/*;\n}\n",
    SITE: "server {\n\tlisten 80 default_server; listen 443 ssl;\n\tserver_name _;\n\tssl_protocols TLSv1; gzip on;\n"
    "\tclient_max_body_size 1m;\n"
    "\tlocation / { client_max_body_size 0; add_header X-A b; add_header X-Frame-Options A; }\n}\n",
}
WISH = files.Wish.of(
    {
        "limits": {"client_max_body_size": 1000000000, "send_timeout": None},
        "switches": {"server_tokens": "off", "autoindex": None},
        "protocols": ["TLSv1.3"],
        "ciphers": None,
        "headers": {"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=1"},
        "log_fields": ["$uri"],
        "error_level": "warn",
        "user": "www-data",
        "plain_http": "redirect",
        "plain_paths": ["/healthz", "/a.b/"],
        "unknown_names": "refused",
    }
)


def planned(texts=None, wish=WISH):
    return files.Plan(texts or TEXTS, wish, ["localhost", "127.0.0.1"]).files()


def test_what_is_wished_goes_into_a_file_of_its_own():
    lines = planned()[files.SETTINGS].splitlines()[1:]
    assert "client_max_body_size 1000000000;" in lines
    assert "server_tokens off;" in lines
    assert "ssl_protocols TLSv1.3;" in lines
    assert "access_log /var/log/a.log holdfast;" in lines
    assert "error_log /var/log/nginx/error.log warn;" in lines
    assert "server { listen 80 default_server; server_name _; return 444; }" in lines
    assert "server { listen 443 ssl default_server; server_name _; ssl_reject_handshake on; return 444; }" in lines


def test_what_says_otherwise_becomes_a_comment_and_nothing_else_is_lost():
    site = planned()[SITE]
    assert "# holdfast: ssl_protocols TLSv1;\n gzip on;" in site
    assert "# holdfast: client_max_body_size 0;\n" in site
    assert "\tclient_max_body_size 1m;" in site
    assert "# holdfast: add_header X-Frame-Options A;" in site
    assert "listen 80; listen 443 ssl;" in site
    assert "server_name localhost 127.0.0.1;" in site
    assert planned()[MAIN].startswith("user www-data;\n")


def test_a_block_with_headers_of_its_own_includes_ours():
    site = planned()[SITE]
    assert f"location / {{\n\tinclude {files.HEADERS};" in site
    assert f"server {{\n\tinclude {files.REDIRECT};" in site


def test_a_second_time_changes_nothing():
    once = {**TEXTS, **planned()}
    once = {MAIN: once.pop(MAIN), **dict(sorted(once.items()))}
    again = planned(once)
    assert {path: once[path] for path in again} == again
    tree.load({path: text for path, text in once.items() if path not in (files.HEADERS, files.REDIRECT)})


def test_without_a_wish_no_file_of_the_site_changes():
    nothing = files.Wish.of({"limits": {"send_timeout": None}, "user": None, "protocols": None})
    assert planned(wish=nothing) == {}


def test_a_main_file_that_reads_no_folder_is_told_to_read_ours():
    texts = {MAIN: "http {\n\tserver { listen 80; }\n}\n"}
    assert f"include {files.SETTINGS};" in planned(texts)[MAIN]


def test_without_tls_nobody_is_led_away():
    texts = {**TEXTS, SITE: "server { listen 80; server_name a.example.org; }"}
    assert files.REDIRECT not in planned(texts).get(SITE, "")


def test_paths_without_tls_are_taken_by_the_letter():
    assert '($uri ~ "^/healthz$")' in files.redirect(["/healthz"])[2]
    assert '($uri ~ "^/a\\.b/")' in files.redirect(["/a.b/"])[2]


def test_a_configuration_without_http_is_refused():
    with pytest.raises(files.NginxError, match="has no http block"):
        planned({MAIN: "stream { }"})
