# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nginx configuration means: includes, inheritance, listeners, limits; and what its answers are read as."""

from __future__ import annotations

import socketserver
import threading

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _nginx_tree as tree
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import nginx, nginx_answers
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

DUMP = """# configuration file /etc/nginx/nginx.conf:
user www-data;
error_log /var/log/nginx/error.log;
events { worker_connections 768; }
http {
	include mime.types;
	log_format short '$remote_addr "$uri" ${status}';
	access_log /var/log/nginx/access.log;
	client_max_body_size 8m;
	include /etc/nginx/sites-enabled/*;
}

# configuration file /etc/nginx/mime.types:
types { text/html html; }

# configuration file /etc/nginx/sites-enabled/claims:
server {
	listen 443 ssl; listen [::]:443 ssl;   # a comment; with a semicolon {
	server_name claims.example.org *.example.org ~^x;
	ssl_certificate_key /etc/nginx/tls/key.pem;
	location / { proxy_set_header X "a;b}"; client_max_body_size 0; }
	location /files { autoindex on; }
}

# configuration file /etc/nginx/sites-enabled/default:
server { listen 80 default_server; server_name _; access_log /var/log/x.log short; }
"""
STATE = nginx.State(tree.split_dump(DUMP))


def actual(answer):
    status, value, _why = answer
    assert status == "observed"
    return value


def test_a_dump_is_its_files_with_includes_in_their_places():
    assert STATE.files == [
        "/etc/nginx/nginx.conf",
        "/etc/nginx/mime.types",
        "/etc/nginx/sites-enabled/claims",
        "/etc/nginx/sites-enabled/default",
    ]
    assert [tree.names(server) for server in STATE.servers] == [["claims.example.org"], []]


def test_a_statement_knows_its_place_in_its_file():
    text = tree.split_dump(DUMP)["/etc/nginx/sites-enabled/claims"]
    (server,) = STATE.servers[:1]
    listen = server.own("listen")[1]
    assert text[listen.start : listen.end] == "listen [::]:443 ssl;"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("autoindex", ["off in nowhere, by default", "on in /etc/nginx/sites-enabled/claims"]),
        ("client_max_body_size", 0),
        ("keepalive_timeout", 75),
        ("server_tokens", "on"),
    ],
)
def test_a_setting_is_one_value_or_all_of_them_and_no_limit_is_the_worst(name, value):
    assert actual(nginx.answer({"setting": name}, STATE)) == value


def test_logs_that_differ_are_told_and_one_is_its_fields():
    assert actual(nginx.answer("log_fields", STATE)) == ["combined", "short"]
    alone = nginx.State(tree.split_dump(DUMP.replace("access.log;", "access.log short;")))
    assert actual(nginx.answer("log_fields", alone)) == ["$remote_addr", "$uri", "$status"]
    silent = nginx.State(tree.split_dump(DUMP.replace("/var/log/x.log short", "off")))
    assert actual(nginx.answer("log_fields", silent)) == ["combined", "off"]


@pytest.mark.parametrize(
    ("line", "value"),
    [("/var/log/nginx/error.log", "error"), ("/x info", "info"), ("/dev/null", "off")],
)
def test_the_error_log_has_a_level_or_goes_nowhere(line, value):
    state = nginx.State(tree.split_dump(DUMP.replace("/var/log/nginx/error.log", line)))
    assert actual(nginx.answer("error_level", state)) == value


@pytest.mark.parametrize(
    ("text", "amount"), [("90", 90), ("1m30s", 90), ("1h", 3600), ("500ms", 0.5), ("x", None), ("", None), ("5q", None)]
)
def test_times(text, amount):
    assert nginx.seconds(text) == amount


@pytest.mark.parametrize(("text", "amount"), [("8m", 8 << 20), ("1K", 1024), ("7", 7), ("0", 0), ("8mb", None)])
def test_sizes(text, amount):
    assert nginx.size(text) == amount


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("80", ("127.0.0.1", 80)),
        ("*:8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:81", ("127.0.0.1", 81)),
        ("[::]:443", ("::1", 443)),
        ("[::1]", ("::1", 80)),
        ("192.0.2.1", ("192.0.2.1", 80)),
        ("localhost:90", ("localhost", 90)),
    ],
)
def test_addresses_are_reached_from_the_host_itself(text, place):
    assert tree.split_address(text) == place


@pytest.mark.parametrize("text", ["server {", "a b", "}", "; x;", 'a "b;', "x {} }", "content_by_lua_block { x }"])
def test_a_text_that_cannot_be_understood_is_refused(text):
    with pytest.raises(tree.TreeError):
        tree.parse(text, "x.conf")


def test_a_file_that_includes_itself_is_refused():
    with pytest.raises(tree.TreeError, match="includes itself"):
        tree.load({"/e/a.conf": "include b.conf;", "/e/b.conf": "include b.conf;"})


def test_rights_that_reach_too_far_are_named(tmp_path):
    key, main = tmp_path / "key.pem", tmp_path / "nginx.conf"
    key.touch(mode=0o600)
    main.write_text(f"http {{ server {{ ssl_certificate_key {key}; }} }}", encoding="utf-8")
    tmp_path.chmod(0o755)
    state = nginx.State({str(main): main.read_text(encoding="utf-8")})
    main.chmod(0o644)
    if main.stat().st_uid == 0:
        assert nginx.open_keys(state) == []
        assert nginx.writable_files(state) == []
    key.chmod(0o644)
    main.chmod(0o664)
    assert nginx.open_keys(state) == [f"0644 {key}"]
    assert f"0664 {main}" in nginx.writable_files(state)


def test_no_nginx_is_not_applicable_and_a_question_nobody_could_answer_is_refused():
    assert nginx.answer("user", None)[0] == "not_applicable"
    assert nginx_answers.answer("tls", None)[0] == "not_applicable"
    for kind, argument in ((nginx, {"setting": "gzip"}), (nginx, "colour"), (nginx_answers, {"header": "a b"})):
        with pytest.raises(BadArgumentError):
            kind.check(argument)


class Talker(socketserver.BaseRequestHandler):
    """A web server that says what the test gave it."""

    def handle(self):
        self.request.recv(4096)
        self.request.sendall(self.server.said)


@pytest.fixture
def plain_server():
    """A door at which a real socket answers; `said` is what it says."""
    with socketserver.TCPServer(("127.0.0.1", 0), Talker) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def door(server, tls=False):
    return nginx_answers.Door("127.0.0.1", server.server_address[1], tls, "claims.example.org")


@pytest.mark.parametrize(
    ("said", "argument", "value"),
    [
        (b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\r\n", "version", "on"),
        (b"HTTP/1.1 404 X\r\nServer: nginx\r\n\r\n<center>nginx/1.22.1</center>", "version", "on"),
        (b"HTTP/1.1 404 X\r\nServer: nginx\r\n\r\n<center>nginx</center>", "version", "off"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "unknown_names", "answered"),
        (b"", "unknown_names", "refused"),
        (b"HTTP/1.1 200 OK\r\nX-Frame-Options: DENY\r\n\r\n", {"header": "X-Frame-Options"}, "DENY"),
        (b"HTTP/1.1 200 OK\r\n\r\n", {"header": "X-Frame-Options"}, None),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\n\r\n", {"header": "a"}, "1, 2"),
    ],
)
def test_what_a_server_says_is_what_counts(plain_server, said, argument, value):
    plain_server.said = said
    assert actual(nginx_answers.answer(argument, nginx_answers.State([door(plain_server)]))) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (b"HTTP/1.1 301 X\r\nLocation: https://claims.example.org/\r\n\r\n", "redirect"),
        (b"HTTP/1.1 301 X\r\nLocation: http://claims.example.org/\r\n\r\n", "served"),
        (b"HTTP/1.1 200 OK\r\n\r\nclaims", "served"),
    ],
)
def test_plain_http_either_leads_away_or_serves(plain_server, said, value):
    plain_server.said = said
    state = nginx_answers.State([door(plain_server), door(plain_server, tls=True)])
    assert actual(nginx_answers.plain_http(state)) == value


def test_without_tls_there_is_nowhere_to_lead_to(plain_server):
    state = nginx_answers.State([door(plain_server)])
    for argument in ("plain_http", "protocols", "ciphers", {"header": "Strict-Transport-Security"}):
        assert nginx_answers.answer(argument, state)[0] == "not_applicable"
    assert actual(nginx_answers.answer("tls", state)) == "absent"


def test_a_door_that_nobody_opens_is_not_measured(plain_server):
    closed = nginx_answers.Door("127.0.0.1", 1, False, "x")
    status, _value, why = nginx_answers.answer("version", nginx_answers.State([closed]))
    assert (status, why) == ("not_measured", "nothing listens for x at port 1")
