"""A gateway over a scripted policy, in a process of its own, for tests with real signals.

    python tests/serve/gateway_process.py '{"size": 12, "gates": "FOLDER", "grace": 1.0}'

size: threads of the crew. grace: see `listen`; null runs it under plain uvicorn. body_seconds,
head_seconds: for the parts of a request. A call for a problem that begins with the name of a gate
waits until there is a file of that name in `gates`; a thread's first call for "second" does not.
"""

import json
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import uvicorn
from gateway_world import RIGHT, TOKEN, scripted

from surefoot.engine import OpenCrew
from surefoot.serve import Limits, gateway, gateway_server

GATES = ("first", "second")
SETTINGS = {"size": 16, "gates": ".", "grace": 5.0, "body_seconds": 30.0, "head_seconds": 10.0}


def main() -> None:
    asked = {**SETTINGS, **json.loads(sys.argv[1])}

    calls = threading.local()

    def gated(sample):
        def wait(problem, prefixes, **more):
            gate = problem.text.split()[0]
            free = gate not in GATES or (gate == "second" and not hasattr(calls, "one"))
            calls.one = True
            while not free and not (Path(asked["gates"]) / gate).exists():
                time.sleep(0.01)
            return sample(problem, prefixes, **more)

        return wait

    app = gateway(
        scripted(RIGHT, wrap=gated),
        crew=OpenCrew(asked["size"]),
        tokens=[TOKEN],
        limits=Limits(body_seconds=asked["body_seconds"]),
    )
    gateway_server.HEAD_SECONDS = asked["head_seconds"]
    sock = gateway_server.bound("127.0.0.1", 0)
    print(sock.getsockname()[1], flush=True)
    if asked["grace"] is None:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[sock])
    else:
        gateway_server.listen(app, sock, grace=asked["grace"])


if __name__ == "__main__":
    main()
