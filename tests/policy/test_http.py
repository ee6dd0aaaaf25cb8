"""Every way in which a server can fail, made by hand: what is tried again, and what is not."""

import email.utils
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("httpx", reason="needs surefoot[endpoint]")

from surefoot.core.errors import InputError, ModelError
from surefoot.policy.http import (
    Failed,
    Patience,
    Refused,
    Servers,
    call_json,
    checked_url,
    key_for,
    retry_after,
)

HASTY = Patience(tries=4, first=0.001, longest=0.002, deadline=20.0, timeout=5.0)
GOOD = b'{"good": 1}'


@contextmanager
def answering(*answers):
    """A server that gives these answers in turn, the last for ever: (status, body, headers), or a
    function of the handler. Yields its address and the list of what it was asked."""
    left, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers))
            answer = left.pop(0) if len(left) > 1 else left[0]
            if callable(answer):
                answer(self)
                return
            status, body, headers = (*answer, {})[:3]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reset(handler):
    handler.close_connection = True
    handler.connection.close()


def cut_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(GOOD)
    handler.close_connection = True


def trickle(handler):
    """A byte now and then: no single read ever times out."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        handler.close_connection = True


def silent(handler):
    time.sleep(0.5)
    handler.close_connection = True


PASSING = {
    "429": (429, b"slow down"),
    "500": (500, b"oops"),
    "503": (503, b"busy"),
    "529": (529, b"overloaded"),
    "408": (408, b""),
    "reset": reset,
    "cut off": cut_off,
    "no JSON": (200, b"<html>502 Bad Gateway</html>"),
    "half JSON": (200, GOOD[:-3]),
    "a list": (200, b"[1]"),
    "no UTF-8": (200, b"\xff\xfe{"),
    "deep": (200, b"[" * 100_000),
    "200 that means 503": (200, b'{"error": {"code": 503, "message": "upstream"}}'),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again(fault):
    with answering(fault, fault, (200, GOOD)) as (url, asked):
        assert call_json(url, {"a": 1}, patience=HASTY) == {"good": 1}
    assert [json.loads(body) for body, _ in asked] == [{"a": 1}] * 3


LASTING = {
    "400": (400, b"because"),
    "401": (401, b"because"),
    "404": (404, b"because"),
    "422": (422, b"because"),
    "501": (501, b"because"),
    "no money": (429, b'{"error": {"code": "insufficient_quota", "message": "because"}}'),
    "200 that means 400": (200, b'{"error": {"code": 400, "message": "because"}}'),
}


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
def test_a_no_is_a_no(fault):
    with answering(fault, (200, GOOD)) as (url, asked), pytest.raises(Refused, match="because"):
        call_json(url, {}, patience=HASTY)
    assert len(asked) == 1


@pytest.mark.parametrize("fault", [trickle, silent])
def test_a_try_ends_in_time_however_slowly_the_body_comes(fault):
    patience = Patience(tries=2, first=0.001, longest=0.002, deadline=10.0, timeout=0.2)
    started = time.monotonic()
    with answering(fault, (200, GOOD)) as (url, asked):
        assert call_json(url, {}, patience=patience) == {"good": 1}
    assert len(asked) == 2
    assert time.monotonic() - started < 3


def test_one_deadline_covers_all_tries_and_waits():
    patience = Patience(tries=1000, first=0.05, longest=0.05, deadline=0.4, timeout=5.0)
    started = time.monotonic()
    with answering((500, b"no")) as (url, asked), pytest.raises(ModelError, match="no answer"):
        call_json(url, {}, patience=patience)
    assert 1 < len(asked) < 30
    assert time.monotonic() - started < 2


def test_waits_double_with_jitter_and_grant_the_servers_wish():
    waits = []
    patience = Patience(tries=5, first=1.0, longest=3.0, deadline=1000.0)
    busy = (503, b"busy")
    with answering(busy, (429, b"", {"Retry-After": "7"}), busy, busy, (200, GOOD)) as (url, _):
        call_json(url, {}, patience=patience, sleep=waits.append)
    assert waits[1] == 7.0
    for wait, most in zip(waits, (1, 7, 3, 3), strict=True):
        assert most / 2 <= wait <= most


def test_a_wait_beyond_the_deadline_is_not_begun():
    with (
        answering((429, b"", {"Retry-After": "3600"})) as (url, asked),
        pytest.raises(ModelError, match="in 1 tries: status 429"),
    ):
        call_json(url, {}, patience=HASTY)
    assert len(asked) == 1


def test_retry_after_in_its_three_ways():
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    soon = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert retry_after({"retry-after": soon}) == pytest.approx(60, abs=2)
    for nothing in ({}, {"retry-after": "soon"}, {"retry-after": "-3"}, {"retry-after": ""}):
        assert retry_after(nothing) == 0


def test_an_answer_that_cannot_be_used_is_asked_for_again():
    def read(answer):
        if "choices" not in answer:
            raise Failed("malformed answer: no choices")
        return answer["choices"]

    with answering((200, GOOD), (200, b'{"choices": [1]}')) as (url, asked):
        servers = Servers([url], patience=HASTY)
        assert servers.call("", {}, read=read) == [1]
        servers.close()
    assert len(asked) == 2
    assert servers.happened == {"malformed answer": 1, "answered": 1}


@pytest.mark.parametrize("text", ["ä\ud800\x00", "日本語", "a\u2028b"])
def test_any_text_can_be_sent(text):
    with answering((200, GOOD)) as (url, asked):
        call_json(url, {"text": text}, patience=HASTY)
    assert json.loads(asked[0][0])["text"] == text


# --- several servers ---------------------------------------------------------


def test_the_others_stand_in_for_one_that_fails_without_a_wait():
    waits = []
    with answering((500, b"no")) as (bad, asked), answering((200, GOOD)) as (good, _):
        servers = Servers([bad, good], patience=Patience(first=60.0), sleep=waits.append)
        for _ in range(6):
            assert servers.call("", {}, read=dict) == {"good": 1}
        servers.close()
    assert waits == []
    assert len(asked) == 1  # and then it rests


def test_a_dead_server_is_passed_over():
    with answering((200, GOOD)) as (good, _):
        servers = Servers(["http://127.0.0.1:9", good], patience=HASTY)
        assert servers.call("", {}, read=dict) == {"good": 1}
        servers.close()
    assert servers.happened["broken connection"] == 1


def test_work_is_shared():
    with answering((200, GOOD)) as (one, first), answering((200, GOOD)) as (two, second):
        servers = Servers([one, two], patience=HASTY)
        for _ in range(10):
            servers.call("", {}, read=dict)
        servers.close()
    assert len(first) == len(second) == 5


# --- keys --------------------------------------------------------------------


def test_the_key_is_sent_and_told_nowhere(caplog):
    caplog.set_level(0)
    fault = (401, b'{"error": "Incorrect API key provided: hush-123"}')
    with answering(fault) as (url, asked), pytest.raises(Refused) as caught:
        call_json(url, {}, key="hush-123", patience=HASTY)
    assert asked[0][1]["Authorization"] == "Bearer hush-123"
    servers = Servers([url], key="hush-123")
    told = (str(caught.value), repr(caught.value), caught.value.text, repr(servers), caplog.text)
    assert not [text for text in told if "hush" in text]
    assert "[key]" in str(caught.value)


def test_where_the_key_comes_from(monkeypatch):
    for name in ("SUREFOOT_API_KEY", "OPENAI_API_KEY", "MINE"):
        monkeypatch.delenv(name, raising=False)
    openai, other = ["https://api.openai.com/v1"], ["https://elsewhere.example/v1"]
    assert key_for(other) is None
    monkeypatch.setenv("OPENAI_API_KEY", "o")
    assert key_for(openai) == "o"
    assert key_for(other) is None  # not theirs to see
    assert key_for([*openai, *other]) is None
    assert key_for(["https://openai.com.evil.example/v1"]) is None
    monkeypatch.setenv("SUREFOOT_API_KEY", "s")
    assert key_for(openai) == key_for(other) == key_for(["http://127.0.0.1:8000"]) == "s"
    monkeypatch.setenv("MINE", "m")
    assert key_for(other, "MINE") == "m"
    with pytest.raises(InputError, match="MINE2, found none"):
        key_for(other, "MINE2")
    with pytest.raises(InputError, match="unencrypted; use https"):
        key_for(["http://elsewhere.example/v1"])


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-ab********wxyz. You can find",
        "key 'sk-ab...wxyz' is unknown",
        'bearer "sk-abcdefghijklmnopqrstuvwxyz"',
    ],
)
def test_a_key_that_a_server_masks_itself_is_shown_no_better(text):
    fault = (401, json.dumps({"error": text}).encode())
    with answering(fault) as (url, _), pytest.raises(Refused) as caught:
        call_json(url, {}, key="sk-abcdefghijklmnopqrstuvwxyz", patience=HASTY)
    assert "[key]" in str(caught.value)
    assert not [part for part in ("wxyz", "sk-ab") if part in str(caught.value)]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a", "localhost:8000", "", "http://", "https://u:pw@a.b", "http://[::1/v1",
        "http://a:b/v1", "https://a.b/v1?api_key=pw", "http://[::1?key=pw",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_used(url):
    with pytest.raises(InputError) as caught:
        checked_url(url)
    assert "pw" not in str(caught.value)


def test_no_server_at_all():
    with pytest.raises(InputError, match="one server or more"):
        Servers([])
