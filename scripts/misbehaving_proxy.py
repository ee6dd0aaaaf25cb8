"""A proxy that spoils a share of a server's answers, to see what a client makes of it.

    python scripts/misbehaving_proxy.py http://127.0.0.1:8000 --port 8999 --share 0.3

    429, 500        instead of an answer; 429 with Retry-After
    reset           the answer is made (and would be billed), and the connection broken
    slow            the body comes a few bytes at a time, for --slow seconds
    cut             half of the JSON, as if it were all
    few             one choice less than was asked for (requests with n > 1)

GET /ledger tells what was done, and how many requests were answered in full more than once. The
n-th request gets the same fault in every run with the same --seed.
"""

import argparse
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "500", "reset", "slow", "cut", "few")


class Proxy(ThreadingHTTPServer):
    """upstream: its address without a path. share: of requests that are spoilt."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], upstream: str, *, share: float, slow: float, seed: int
    ) -> None:
        super().__init__(address, Handler)
        self.upstream, self.share, self.slow = upstream.rstrip("/"), share, slow
        self.random, self.lock = random.Random(seed), threading.Lock()
        self.done: Counter[str] = Counter()
        self.delivered: Counter[bytes] = Counter()  # requests answered in full, by their bodies

    def fault(self, body: dict[str, Any]) -> str | None:
        """What happens to the next request, or None."""
        with self.lock:
            spoilt, fault = self.random.random() < self.share, self.random.choice(FAULTS)
            if not spoilt:
                return None
            fault = "500" if fault == "few" and body.get("n", 1) < 2 else fault
            self.done[fault] += 1
        return fault

    def ledger(self) -> dict[str, Any]:
        """Of everything so far."""
        with self.lock:
            twice = sum(count > 1 for count in self.delivered.values())
            return {
                "faults": dict(sorted(self.done.items())),
                "answered_in_full": sum(self.delivered.values()),
                "answered_twice": twice,
            }


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The ledger, or what the server says."""
        if self.path == "/ledger":
            self.answer(200, json.dumps(self.server.ledger()).encode())
        else:
            self.answer(*self.asked(None))

    def do_POST(self) -> None:
        """A request, spoilt or not."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.fault(json.loads(body))
        if fault == "429":
            self.answer(429, b'{"error": {"message": "slow down"}}', {"Retry-After": "1"})
        elif fault == "500":
            self.answer(500, b"Internal Server Error")
        else:
            self.spoil(fault, body, *self.asked(body))

    def asked(self, body: bytes | None) -> tuple[int, bytes]:
        """Status and body of the server behind."""
        headers = {"Content-Type": "application/json"}
        if self.headers["Authorization"]:
            headers["Authorization"] = self.headers["Authorization"]
        request = urllib.request.Request(self.server.upstream + self.path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=600) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def spoil(self, fault: str | None, body: bytes, status: int, answer: bytes) -> None:
        """Hands the answer on, or what is left of it."""
        if fault == "reset":
            self.close_connection = True
            self.connection.close()
            return
        if fault == "cut":
            answer = answer[: len(answer) // 2]
        if fault == "few":
            made = json.loads(answer)
            made["choices"] = made["choices"][:-1]
            answer = json.dumps(made).encode()
        whole = self.answer(status, answer, slowly=fault == "slow")
        if whole and status == 200 and fault != "cut":
            with self.server.lock:
                self.server.delivered[body] += 1

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, slowly: bool = False
    ) -> bool:
        """Was all of it taken?"""
        try:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            size = max(1, len(body) // 20) if slowly else max(1, len(body))
            for start in range(0, len(body), size):
                self.wfile.write(body[start : start + size])
                self.wfile.flush()
                time.sleep(self.server.slow / 20 if slowly else 0)
        except OSError:  # the client has had enough
            self.close_connection = True
            return False
        return True

    def log_message(self, *_: object) -> None:
        """Says nothing: the ledger does."""


def main() -> None:
    """Until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("upstream")
    parser.add_argument("--port", type=int, default=8999)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--slow", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    proxy = Proxy(
        ("127.0.0.1", given.port),
        given.upstream,
        share=given.share,
        slow=given.slow,
        seed=given.seed,
    )
    print(f"http://127.0.0.1:{proxy.server_port} spoils {given.share:.0%} of {given.upstream}")
    try:
        proxy.serve_forever()
    except KeyboardInterrupt:
        print(json.dumps(proxy.ledger(), indent=1))


if __name__ == "__main__":
    main()
