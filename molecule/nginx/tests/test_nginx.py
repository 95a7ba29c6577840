# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server after its role, as clients see it : no probe of ours is asked."""

from __future__ import annotations

import json

import pytest

NAME = "claims.example.org"
CLIENT = """
import socket, ssl, sys
name, port, path, size = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
channel = socket.create_connection(("127.0.0.1", port), 5)
if port == 443:
    channel = ssl.create_default_context(cafile="/etc/nginx/tls/ca.crt").wrap_socket(channel, server_hostname=name)
head = f"{'POST' if size else 'GET'} {path} HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n"
channel.sendall((head + f"Content-Length: {size}\\r\\n\\r\\n").encode())
answer = b""
try:
    while piece := channel.recv(65536):
        answer += piece
except OSError:  # a server that refuses a body closes without waiting for it
    pass
print(answer.decode())
"""
SERVER = f"openssl s_client -connect 127.0.0.1:443 -servername {NAME}"


def ask(host, path, name=NAME, port=443, size=0):
    """Return the whole answer of the web server on the host to a client there, with \\n at the ends of its lines."""
    return host.run("python3 -c %s %s %s %s %s", CLIENT, name, str(port), path, str(size)).stdout.replace("\r", "")


@pytest.mark.parametrize(
    "line",
    [
        "Server: nginx",
        "Strict-Transport-Security: max-age=31536000",
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        "Referrer-Policy: no-referrer",
        "Permissions-Policy: camera=(), geolocation=(), microphone=()",
    ],
)
def test_header(host, line):
    answer = ask(host, "/healthz").splitlines()
    assert answer[0] == "HTTP/1.1 200 OK"
    assert line in answer


def test_pages_load_from_their_own_server_alone(host):
    assert "Content-Security-Policy: default-src 'self';" in ask(host, "/healthz")


def test_a_location_with_a_header_of_its_own_has_the_others_too(host):
    answer = ask(host, "/files/healthz").splitlines()
    assert "X-Files: yes" in answer
    assert "Strict-Transport-Security: max-age=31536000" in answer


def test_an_error_page_tells_no_version_and_has_the_headers(host):
    answer = ask(host, "/nowhere")
    assert "404 Not Found" in answer
    assert "nginx/" not in answer
    assert "X-Content-Type-Options: nosniff" in answer


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_versions_of_tls_are_refused(host, version):
    said = host.run(f"{SERVER} -{version} -cipher ALL:@SECLEVEL=0 </dev/null")
    assert said.rc != 0
    assert "Cipher is (NONE)" in said.stdout


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_new_versions_of_tls_are_spoken(host, version):
    assert host.run(f"{SERVER} -{version} </dev/null").rc == 0


@pytest.mark.parametrize(
    "suite", ["ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-NULL-SHA", "AECDH-AES128-SHA"]
)
def test_weak_suites_are_refused(host, suite):
    assert "Cipher is (NONE)" in host.run(f"{SERVER} -tls1_2 -cipher {suite}:@SECLEVEL=0 </dev/null").stdout


def test_plain_http_leads_to_https_but_health_checks_are_answered(host):
    assert f"\nLocation: https://{NAME}/x?y=z\n" in ask(host, "/x?y=z", port=80)
    assert ask(host, "/healthz", name="127.0.0.1", port=80).endswith("\n\nok\n\n")


def test_a_name_that_no_server_has_gets_no_answer(host):
    assert ask(host, "/healthz", name="stranger.example.org", port=80).strip() == ""
    stranger = host.run("openssl s_client -connect 127.0.0.1:443 -servername stranger.example.org </dev/null")
    assert "unrecognized name" in stranger.stderr


def test_no_folder_is_listed(host):
    assert ask(host, "/files/").startswith("HTTP/1.1 403 ")


def test_the_log_is_an_object_a_line_without_query_strings(host):
    ask(host, "/page?patient=ana")
    line = host.check_output("tail -n 1 /var/log/nginx/access.log")
    assert json.loads(line)["uri"] == "/page"
    assert json.loads(line)["ssl_protocol"] == "TLSv1.3"
    assert "ana" not in line


def test_a_limit_that_was_stricter_stays(host):
    assert "client_max_body_size 1m;" in host.file("/etc/nginx/sites-available/claims").content_string
    assert ask(host, "/x", size=2000000).startswith("HTTP/1.1 413 ")


def test_the_server_runs_and_starts_with_the_host(host):
    assert host.service("nginx").is_running
    assert host.service("nginx").is_enabled
    assert host.run("nginx -t -q").rc == 0
