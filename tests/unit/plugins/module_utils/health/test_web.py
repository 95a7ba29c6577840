# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The http check against a real server, good and hostile."""

from __future__ import annotations

import http.server
import threading
import time

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.health import web as check_http
from ansible_collections.holdfast.hipaa.plugins.module_utils.health.answer import HELD
from ansible_collections.holdfast.hipaa.plugins.module_utils.health.checks import Patience, run_checks

SECRET = "patient 4711"


class Handler(http.server.BaseHTTPRequestHandler):
    """One page for each thing a server may do."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/ok")
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return
        elif self.path == "/slow":
            try:
                for letter in b"HTTP/1.0 200 OK":
                    self.wfile.write(bytes([letter]))
                    self.wfile.flush()
                    self.server.stop.wait(0.2)
            except OSError:
                return
        elif self.path == "/garbage":
            self.wfile.write(b"no http at all\n")
        else:
            self.send_response(200 if self.path == "/ok" else 500)
            self.end_headers()
            self.wfile.write(f"all is ok, {SECRET}".encode())

    def log_message(self, *_words):
        pass


@pytest.fixture
def server():
    """A web server on loopback; yields its address."""
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.stop = threading.Event()
    serving.daemon_threads = True
    Handler.asked = []
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.stop.set()
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_a_good_page_holds(server):
    assert check_http.check({"url": f"{server}/ok", "status": 200, "contains": "all is ok"}, 5) == HELD
    assert check_http.check({"url": f"{server}/ok"}, 5) == HELD


@pytest.mark.parametrize(
    ("path", "argument", "why"),
    [
        ("/broken", {}, "status 500, expected 200"),
        ("/ok", {"status": 204}, "status 200, expected 204"),
        ("/ok", {"contains": "all is lost"}, "the page does not contain the expected text"),
        ("/garbage", {}, "no proper HTTP answer"),
    ],
)
def test_another_answer_fails_and_says_why_without_the_page(server, path, argument, why):
    answer = check_http.check({"url": server + path, **argument}, 5)
    assert not answer.passed
    assert why in answer.why
    assert SECRET not in answer.why


def test_a_redirect_is_an_answer_and_not_followed(server):
    assert check_http.check({"url": f"{server}/moved", "status": 302}, 5) == HELD
    assert check_http.check({"url": f"{server}/moved"}, 5).why == "status 302, expected 200"
    assert Handler.asked == ["/moved", "/moved"]


def test_a_page_without_end_is_read_to_a_bound(server):
    assert not check_http.check({"url": f"{server}/endless", "contains": "all is ok"}, 20).passed


def test_a_server_that_answers_a_byte_at_a_time_is_cut_off(server):
    began = time.monotonic()
    (result,) = run_checks([{"id": "web", "timeout": 1.0, "http": {"url": f"{server}/slow"}}], Patience(retries=0))
    assert (result.passed, result.why) == (False, "no answer within 1 s")
    assert time.monotonic() - began < 2.5


def test_a_proxy_of_the_environment_is_not_used(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert check_http.check({"url": f"{server}/ok"}, 5) == HELD


def test_nobody_listening_is_said(server):
    assert check_http.check({"url": "http://127.0.0.1:9/"}, 5).why == "Connection refused"


@pytest.mark.parametrize("url", ["file:///etc/shadow", "ftp://127.0.0.1/", "127.0.0.1", "http://"])
def test_only_web_addresses_are_asked(url):
    assert check_http.check({"url": url}, 5).why == "no http:// or https:// address"
