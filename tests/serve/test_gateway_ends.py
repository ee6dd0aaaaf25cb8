"""The gateway as a process: how it ends under load, and what it does with those who never finish
asking. Real sockets, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs surefoot[serve]")

import httpx
from gateway_world import RIGHT, TOKEN, until

from surefoot.core.errors import InputError
from surefoot.serve.gateway_server import bound

HERE = Path(__file__).parent
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ONE_BY_ONE = {"surefoot": {"strategy": "best_of_4", "policy_tokens": 10**6}}


@contextmanager
def process(**settings):
    """(the process, its address); it is killed if the test leaves it running."""
    command = [sys.executable, str(HERE / "gateway_process.py"), json.dumps(settings)]
    paths = [str(HERE), *sys.path]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    try:
        port = running.stdout.readline().strip()
        assert port, running.stderr.read()
        yield running, f"http://127.0.0.1:{port}"
    finally:
        running.kill()
        running.communicate()


def ended(running, seconds=20):
    """(exit code, what it wrote to stderr)."""
    _, said = running.communicate(timeout=seconds)
    return running.returncode, said


HTTP = httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_connections=None))


def ask(address, word="How", **more):
    messages = [{"role": "user", "content": f"{word} much is 2 + 2?"}]
    body = {"model": "toy", "messages": messages, "seed": 1, **more}
    return HTTP.post(f"{address}/v1/chat/completions", headers=HEADERS, json=body)


def taken(address):
    return HTTP.get(f"{address}/health").json()["in_flight"]


@pytest.mark.parametrize(
    "stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_25_requests_in_flight_when_the_signal_comes(tmp_path, stop):
    """8 that end in time, 4 that have one solution of four by then, and 13 that have not begun."""
    with (
        process(size=12, gates=str(tmp_path), grace=1.0) as (running, address),
        ThreadPoolExecutor(25) as pool,
    ):
        begun = [pool.submit(ask, address, "second", **ONE_BY_ONE) for _ in range(4)]
        begun += [pool.submit(ask, address, "first") for _ in range(8)]
        until(lambda: taken(address) == 12)
        waiting = [pool.submit(ask, address, stream=i < 6) for i in range(13)]
        until(lambda: taken(address) == 25)
        running.send_signal(stop)
        waiting = [future.result(30) for future in waiting]
        (tmp_path / "first").touch()  # 8 have their solution, within the grace
        begun = [future.result(30) for future in begun]
        (tmp_path / "second").touch()
        code, said = ended(running)
    assert [answer.status_code for answer in begun] == [200] * 12, [a.text for a in begun]
    assert {a.json()["choices"][0]["message"]["content"] for a in begun} == {"\n".join(RIGHT)}
    whys = [answer.json()["surefoot"]["choices"][0]["why"] for answer in begun]
    assert whys == ["stopping"] * 4 + [None] * 8
    assert [answer.status_code for answer in waiting] == [200] * 6 + [503] * 7
    for streamed in waiting[:6]:
        *_, error, done = [x for x in streamed.text.splitlines() if x.startswith("data: ")]
        assert (json.loads(error[6:])["error"]["code"], done) == ("stopping", "data: [DONE]")
    assert {answer.json()["error"]["code"] for answer in waiting[6:]} == {"stopping"}
    assert said == ""
    assert code == (0 if stop is signal.SIGINT else -stop)


@pytest.mark.slow
def test_what_has_found_nothing_by_then_is_a_503(tmp_path):
    with (
        process(size=4, gates=str(tmp_path), grace=0.3) as (running, address),
        ThreadPoolExecutor(4) as pool,
    ):
        answers = [pool.submit(ask, address, "first", stream=i < 2) for i in range(4)]
        until(lambda: taken(address) == 4)
        running.send_signal(signal.SIGINT)
        answers = [answer.result(30) for answer in answers]
        (tmp_path / "first").touch()
        code, said = ended(running)
    assert [answer.status_code for answer in answers] == [200] * 2 + [503] * 2
    assert all("stopping" in answer.text for answer in answers)
    assert (code, said) == (0, "")


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait_for_a_call_that_never_returns(tmp_path):
    with (
        process(size=1, gates=str(tmp_path), grace=0.1) as (running, address),
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(ask, address, "first")
        until(lambda: taken(address) == 1)
        running.send_signal(signal.SIGINT)
        assert answer.result(30).status_code == 503
        running.send_signal(signal.SIGINT)
        assert ended(running) == (-signal.SIGINT, "")


@pytest.mark.slow
def test_plain_uvicorn_ends_without_tracebacks_too(tmp_path):
    """It knows nothing of the desk, and cancels what it has no more patience with."""
    with (
        process(size=2, gates=str(tmp_path), grace=None) as (running, address),
        ThreadPoolExecutor(4) as pool,
    ):
        answers = [pool.submit(ask, address, "first") for _ in range(4)]
        until(lambda: taken(address) == 4)
        running.send_signal(signal.SIGINT)
        answers = [answer.result(30) for answer in answers]
        (tmp_path / "first").touch()
        _, said = ended(running)
    assert [answer.status_code for answer in answers] == [503] * 4
    assert "Traceback" not in said


# --- those who never finish asking -----------------------------------------


def opened(address, data):
    port = int(address.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(data)
    return connection


def is_closed(connection):
    """Has the server ended it? What it sent before is read and thrown away."""
    connection.settimeout(0)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:  # such as a reset
        pass
    return True


HALF_HEAD = b"GET /health HTTP/1.1\r\nHost: x\r\n"
HALF_BODY = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{" % TOKEN.encode()
)
UNREAD_BODY = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
SECOND_HEAD = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HT"


@pytest.mark.parametrize(
    "half",
    [
        [b"", b"G", HALF_HEAD, HALF_BODY],
        # Their first answer is sent, so that uvicorn's own 5 seconds hold.
        pytest.param([UNREAD_BODY, SECOND_HEAD], marks=pytest.mark.slow),
    ],
    ids=["first request", "second request"],
)
def test_300_half_open_connections_are_closed_and_others_served(half):
    half = half * (300 // len(half))
    with process(head_seconds=0.5, body_seconds=0.5) as (running, address), ExitStack() as open_:
        connections = [open_.enter_context(opened(address, data)) for data in half]
        assert ask(address).status_code == 200
        until(lambda: all(map(is_closed, connections)))
        assert ask(address).status_code == 200
        running.send_signal(signal.SIGINT)
        assert ended(running) == (0, "")


@pytest.mark.parametrize(
    ("data", "drop"),
    [(b"GET /health HTTP/1.1\r\n", b"x: y\r\n"), (HALF_BODY, b" "), (UNREAD_BODY, b" ")],
    ids=["head", "body", "a body that nobody reads"],
)
@pytest.mark.slow
def test_a_drop_from_time_to_time_does_not_keep_a_connection(data, drop):
    with process(head_seconds=0.6, body_seconds=0.6) as (_, address), opened(address, data) as slow:
        started = time.monotonic()
        while not is_closed(slow):
            assert time.monotonic() - started < 10
            time.sleep(0.1)
            slow.settimeout(1)
            try:
                slow.sendall(drop)
            except OSError:
                break


@pytest.mark.slow
def test_a_slow_body_is_told_why_and_a_slow_search_is_not_hurried(tmp_path):
    settings = {"head_seconds": 0.3, "body_seconds": 0.5, "gates": str(tmp_path)}
    with process(**settings) as (_, address), ThreadPoolExecutor(1) as pool:
        search = pool.submit(ask, address, "first")
        with opened(address, HALF_BODY) as slow:
            answer = b"".join(iter(lambda: slow.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 408"), answer
        assert b'"code":"request_timeout"' in answer
        assert b"connection: close" in answer.lower()
        (tmp_path / "first").touch()
        assert search.result(30).status_code == 200


@pytest.mark.slow
def test_a_connection_that_is_kept_may_ask_again_later():
    with process(head_seconds=0.3) as (_, address), httpx.Client(trust_env=False) as client:
        for _ in range(3):
            assert client.get(f"{address}/health").status_code == 200
            time.sleep(0.6)


def test_a_port_that_is_taken_says_so():
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at 127.0.0.1 port {port}.*0 takes a"):
            bound("127.0.0.1", port)
    with pytest.raises(InputError, match=r"cannot listen at no\.such\.host"):
        bound("no.such.host.invalid", 0)
